package drift

import (
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// explainedByDrift marks values in the tails that a drift has moved there.
const explainedByDrift = "drift"

// attribute tells what is the finding where a feature both drifted and has a
// broken check.
//
// Values that make up a share s of a sample can move its distribution function
// by at most s, by being there or by lacking. So a break can be the cause of a
// drift where the share it reaches is a good part of the drift's size, the largest
// difference of the distribution functions (D) or of the shares of categories
// (total variation): half is taken. It then bears the blame, and the drift is
// caused by it. Values beyond the range or the fences are otherwise what the
// drift has moved there, and are explained by it.
func (in *inspection) attribute(minIncrease float64) {
	f := in.f
	if q := f.Quality; q != nil && q.Appeared != nil && q.Appeared.Excess() < minIncrease {
		q.Appeared = nil
	}
	if f.Drifted && f.BrokenMost().Check != nil {
		half := in.driftSize() / 2
		farthest := 0.0
		for _, c := range f.Quality.Checks() {
			if reach := c.reach(); c.Broken && reach >= half && reach > farthest {
				f.CausedBy, farthest = c.Name, reach
			}
		}
		for _, c := range []*Check{f.Quality.OutOfRange, f.Quality.Outliers} {
			if c != nil && c.Broken && c.Excess() < half {
				c.Broken, c.ExplainedBy = false, explainedByDrift
			}
		}
	}
	f.Broken = f.BrokenMost().Check != nil
}

// driftSize is how far the distributions that were tested are apart, in [0, 1].
func (in *inspection) driftSize() float64 {
	f := in.f
	switch {
	case f.tested.ks:
		return f.tested.statistic
	case f.Type == windows.Categorical:
		return twosample.TotalVariation(f.Counts.Reference, f.Counts.Current)
	}
	p := pairOf(in.own, in.w, in.t, in.ref)
	if f.Test == testChi2 {
		return twosample.TotalVariation(p.valueCounts())
	}
	return twosample.TotalVariation(p.decileCounts())
}
