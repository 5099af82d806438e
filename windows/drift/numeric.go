package drift

import (
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// A pair is one numeric feature on both sides.
type pair struct {
	settings *Settings
	tally    *windows.Tally
	ref      *reference.Feature
	current  []float64 // the window's sample, ascending; nil where bins are compared
	method   string
	// bins: the counts of both sides on one grid are compared, not samples. Those
	// of the reference can be of a sample; the method is sampled then.
	bins bool
}

// pairOf finds out how much of both sides can be compared: all values where both
// sides keep them all, all counts where both were counted on one grid, samples
// otherwise. Where the grid is shared and the reference is a sample, all values of
// the window are compared with that.
func pairOf(s *Settings, w *windows.Window, t *windows.Tally, ref *reference.Feature) *pair {
	p := &pair{settings: s, tally: t, ref: ref, method: methodSampled}
	whole := p.whole()
	switch {
	case whole && ref.Complete:
		p.method = methodExact
	case !onGrid(w, t, ref):
	case ref.Counted == ref.Moments.Count:
		p.method, p.bins = methodBinned, true
	default:
		p.bins = !whole
	}
	if !p.bins {
		p.current = t.Sample.Sorted()
	}
	return p
}

// whole reports whether the window's sample is all of its values.
func (p *pair) whole() bool { return uint64(p.tally.Sample.Len()) == p.tally.Moments.Count }

// slack is how far a statistic of distribution functions can be off for being of
// samples.
func (p *pair) slack() float64 {
	slack := 0.0
	switch {
	case p.bins && p.ref.Counted < p.ref.Moments.Count:
		slack += dkw(int(p.ref.Counted))
	case !p.bins && !p.ref.Complete:
		slack += dkw(len(p.ref.Sample))
	}
	if !p.bins && !p.whole() {
		slack += dkw(p.tally.Sample.Len())
	}
	return slack
}

// testNumbers tests a numeric feature.
func testNumbers(f *Feature, s *Settings, w *windows.Window, t *windows.Tally, ref *reference.Feature) {
	p := pairOf(s, w, t, ref)
	p.describe(f)
	if !f.enough(s, t.Moments.Count, ref.Moments.Count) {
		return
	}
	f.Test, f.Method = s.Numeric, p.method
	if f.Test == testAuto || f.Test == "" {
		f.Test = testKS
		if ref.Distinct > 0 && ref.Distinct <= AutoDistinct {
			f.Test = testChi2
		}
	}
	switch f.Test {
	case testKS:
		ks := p.ks(f)
		f.Statistic, f.StatisticError, f.Effect = number(ks.d), number(ks.err), number(ks.d)
		f.tested.effectError = ks.err
	case testChi2:
		f.chi2(p.valueCounts())
	case testWasserstein:
		p.ks(f)
		distance, err := p.wasserstein()
		f.Statistic, f.StatisticError, f.Effect = number(distance), number(err), number(p.normed(distance))
		f.tested.effectError = p.normed(err)
	default:
		f.distanceTest(p.decileCounts())
	}
	p.measure(f)
	f.calibrate(ref.Calibration)
}

// ksFound is what Kolmogorov–Smirnov found: the true D lies within err of d, for
// the binned above it.
type ksFound struct{ d, err float64 }

// ks compares the distribution functions, and gives the feature the p-value,
// location and sign.
func (p *pair) ks(f *Feature) ksFound {
	if p.bins {
		b := twosample.KSBinnedOf(p.ref.Counted, p.tally.Moments.Count, p.ref.Counts, p.tally.Bins, singles(p.ref.Edges))
		location := math.NaN()
		if b.Edge >= 0 && b.Edge < len(p.ref.Edges) {
			location = p.ref.Edges[b.Edge]
		}
		f.Location, f.Sign = number(location), b.Sign
		n, m := int(b.N), int(b.M)
		f.p(twosample.KSPValue(n, m, b.H))
		f.tested = tested{
			ks: true, n: n, m: m, statistic: b.Lower, bothWays: p.method == methodSampled,
		}
		if p.method == methodBinned {
			f.tested.within = func() twosample.PValue { return twosample.KSPValue(n, m, b.UpperH) }
		}
		return ksFound{b.Lower, float64(b.Upper-b.Lower) + p.slack()}
	}
	r := twosample.KS(p.ref.Sample, p.current)
	f.Location, f.Sign = number(r.Location), r.Sign
	f.tested = tested{ks: true, n: r.N, m: r.M, statistic: r.D}
	if p.method == methodExact && p.settings.Ties == TiesExact && max(r.N, r.M) <= twosample.AutoExactUpTo {
		f.p(twosample.KSExactTied(p.ref.Sample, p.current, r.H))
		f.PMethod = pExactTied
	} else {
		f.p(twosample.KSPValue(r.N, r.M, r.H))
	}
	if p.method == methodExact {
		return ksFound{r.D, 0}
	}
	f.tested.bothWays = true
	return ksFound{r.D, p.slack()}
}

// pExactTied names a p-value that is exact given which values tie.
const pExactTied = "exact_tied"

// valueCounts counts the distinct values of both sides.
func (p *pair) valueCounts() (expected, observed []uint64) {
	if p.bins {
		// Every value of the reference is a bin of its own; what lies between two of
		// them is one category.
		return p.ref.Counts, p.tally.Bins
	}
	return countValues(p.ref.Sample, p.current)
}

// decileCounts counts both sides in ten bins between the reference's deciles.
func (p *pair) decileCounts() (expected, observed []uint64) {
	if p.bins {
		ends := twosample.DecileGroups(p.ref.Counts)
		return twosample.Group(p.ref.Counts, ends), twosample.Group(p.tally.Bins, ends)
	}
	deciles := make([]float64, 0, 9)
	for i := 1; i < 10; i++ {
		d := reference.Quantile(p.ref.Sample, float64(i)/10)
		if len(deciles) == 0 || d > deciles[len(deciles)-1] {
			deciles = append(deciles, d)
		}
	}
	return countBetween(deciles, p.ref.Sample), countBetween(deciles, p.current)
}

// wasserstein is the distance in the units of the values, and by how much it can
// be off; of samples that is not known.
func (p *pair) wasserstein() (distance, err float64) {
	if p.bins {
		r, t := &p.ref.Moments, &p.tally.Moments
		return twosample.WassersteinBinned(p.ref.Edges, p.ref.Counts, p.tally.Bins, r.Min, r.Max, t.Min, t.Max)
	}
	return twosample.Wasserstein(p.ref.Sample, p.current), 0
}

// normed is a distance in standard deviations of the reference: infinite where
// that has none, unless there is no distance.
func (p *pair) normed(distance float64) float64 {
	if distance == 0 {
		return 0
	}
	return distance / p.ref.Moments.Std()
}

// measure shows the distances that are asked for.
func (p *pair) measure(f *Feature) {
	if p.tally.Sample.Len() == 0 || len(p.ref.Sample) == 0 {
		return
	}
	asked := p.settings.measures()
	if slices.ContainsFunc(asked, func(name string) bool { return new(Measures).slot(name) != nil }) {
		expected, observed := p.decileCounts()
		f.countMeasures(asked, expected, observed)
	}
	raw, normed := slices.Contains(asked, measureWasserstein), slices.Contains(asked, measureNormedWasserstein)
	if !raw && !normed {
		return
	}
	distance, _ := p.wasserstein()
	if raw {
		f.measured().Wasserstein = number(distance)
	}
	if normed {
		f.measured().NormedWasserstein = number(p.normed(distance))
	}
}

// countBetween counts ascending values in the bins (e[i-1], e[i]], open at both
// ends.
func countBetween(edges, sorted []float64) []uint64 {
	counts := make([]uint64, len(edges)+1)
	bin := 0
	for _, x := range sorted {
		for bin < len(edges) && x > edges[bin] {
			bin++
		}
		counts[bin]++
	}
	return counts
}

// countValues counts the distinct values of both samples, in ascending order.
func countValues(a, b []float64) (countsA, countsB []uint64) {
	for i, j := 0, 0; i < len(a) || j < len(b); {
		var x float64
		switch {
		case j == len(b) || i < len(a) && a[i] <= b[j]:
			x = a[i]
		default:
			x = b[j]
		}
		var nA, nB uint64
		for ; i < len(a) && a[i] == x; i++ {
			nA++
		}
		for ; j < len(b) && b[j] == x; j++ {
			nB++
		}
		countsA, countsB = append(countsA, nA), append(countsB, nB)
	}
	return countsA, countsB
}
