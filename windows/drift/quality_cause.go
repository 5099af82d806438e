package drift

import (
	"math"
	"sort"

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
// caused by it.
//
// Values beyond the range or the fences may also be what a drift has moved there.
// A sentinel leaves the other values as they were; a drift moves them all. So the
// tails can be the cause only where there are values between them, and these are
// as in the reference; they are otherwise explained by the drift. A summer after a
// winter's reference is drift, though no temperature of it was in range.
func (in *inspection) attribute(minIncrease float64) {
	f := in.f
	if q := f.Quality; q != nil && q.Appeared != nil && q.Appeared.Excess() < minIncrease {
		q.Appeared = nil
	}
	if f.Drifted && f.BrokenMost().Check != nil {
		half := in.driftSize() / 2
		in.explainTails(half)
		farthest := 0.0
		for _, c := range f.Quality.culprits() {
			if reach := c.reach(); reach >= half && reach > farthest {
				f.CausedBy, farthest = c.Name, reach
			}
		}
	}
	f.Broken = f.BrokenMost().Check != nil
}

// explainTails finds the tails that a drift has filled; half is half of its
// size.
func (in *inspection) explainTails(half float64) {
	q, ref := in.f.Quality, in.ref
	explain := func(c *Check, low, high float64) {
		if c.Excess() < half || in.restDrifted(low, high, half) {
			c.Broken, c.ExplainedBy = false, explainedByDrift
		}
	}
	if c := q.OutOfRange; c != nil && c.Broken {
		explain(c, math.Nextafter(ref.Edges[0], math.Inf(1)), ref.Edges[len(ref.Edges)-1])
	}
	if c := q.Outliers; c != nil && c.Broken {
		explain(c, *ref.LowFence, *ref.HighFence)
	}
}

// criticalKS over the root of nm/(n+m) is what D exceeds by chance in one of
// twenty samples (Smirnov 1948).
const criticalKS = 1.358

// leastRest is how few values between the tails can be as in the reference: of
// five, a D of 0.61 may still be chance.
const leastRest = 5

// restDrifted reports whether the values from low to high differ from the
// reference's, by more than chance and by more than half of the drift, or are
// too few to be as in the reference. The samples are enough to see that.
func (in *inspection) restDrifted(low, high, half float64) bool {
	before, now := between(in.ref.Sample, low, high), between(in.t.Sample.Sorted(), low, high)
	n, m := float64(len(before)), float64(len(now))
	if min(n, m) < leastRest {
		return true
	}
	return twosample.KS(before, now).D > max(half, criticalKS*math.Sqrt(1/n+1/m))
}

// between are the ascending values from low to high.
func between(sorted []float64, low, high float64) []float64 {
	from := sort.SearchFloat64s(sorted, low)
	to := from + sort.Search(len(sorted)-from, func(i int) bool { return sorted[from+i] > high })
	return sorted[from:to]
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
