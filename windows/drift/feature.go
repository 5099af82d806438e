package drift

import (
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// The names of the tests and methods in a verdict.
const (
	testKS   = "ks"
	testChi2 = "chi2"

	// methodExact: every value of both samples was compared.
	methodExact = "exact"
	// methodBinned: every value was counted between reference quantiles; the
	// true D lies within statistic_error above the statistic.
	methodBinned = "binned"
	// methodSampled: uniform samples were compared.
	methodSampled = "sampled"
)

// Where an expected count is below sparseBelow the chi-square law raises false
// alarms, and the p-value comes from so many permutations (Cochran 1954 for the
// bound).
const (
	sparseBelow  = 5
	permutations = 1999
)

// sampledConfidence is the confidence with which the error of a sampled
// statistic is stated.
const sampledConfidence = 0.99

// testNumbers tests by Kolmogorov–Smirnov: over all values where both sides
// keep them all, over bins where both are counted on the same grid, and over the
// samples otherwise.
func testNumbers(f *Feature, s Settings, w *windows.Window, t *windows.Tally, ref *reference.Feature) {
	current := t.Sample.Sorted()
	describe(f, current, t, ref)
	if !f.enough(s, t.Moments.Count, ref.Moments.Count) {
		return
	}
	f.Test = testKS
	whole := uint64(len(current)) == t.Moments.Count
	switch {
	case whole && ref.Complete:
		f.Method = methodExact
		result := twosample.KS(ref.Sample, current)
		f.ks(result.D, 0, result.Location, result.Sign, twosample.KSPValue(result.N, result.M, result.H))
	case onGrid(w, t, ref) && ref.Counted == ref.Moments.Count:
		f.Method = methodBinned
		bounds := twosample.KSBinned(ref.Counts, t.Bins, singles(ref.Edges))
		location := math.NaN()
		if bounds.Edge >= 0 && bounds.Edge < len(ref.Edges) {
			location = ref.Edges[bounds.Edge]
		}
		f.ks(bounds.Lower, bounds.Upper-bounds.Lower, location, bounds.Sign, twosample.KSPValue(int(bounds.N), int(bounds.M), bounds.H))
	default:
		f.Method = methodSampled
		result := twosample.KS(ref.Sample, current)
		slack := 0.0
		if !ref.Complete {
			slack += dkw(len(ref.Sample))
		}
		if !whole {
			slack += dkw(len(current))
		}
		f.ks(result.D, slack, result.Location, result.Sign, twosample.KSPValue(result.N, result.M, result.H))
	}
	f.measure(current, ref)
}

func (f *Feature) ks(statistic, statisticError, location float64, sign int, p twosample.PValue) {
	f.Statistic, f.StatisticError = number(statistic), number(statisticError)
	f.Location, f.Sign = number(location), sign
	f.Effect = number(statistic)
	f.p(p)
}

func (f *Feature) p(p twosample.PValue) {
	f.PMethod = string(p.Method)
	f.P = number(p.P)
	if p.P == 0 && !math.IsInf(p.LogP, 0) {
		f.LogP = number(p.LogP)
	}
}

// onGrid reports whether the window's bins are those of the reference.
func onGrid(w *windows.Window, t *windows.Tally, ref *reference.Feature) bool {
	if w.Grid == nil || t.Bins == nil {
		return false
	}
	grid := w.Grid.Feature(ref.Name)
	return grid != nil && slices.Equal(grid.Edges, ref.Edges)
}

// singles says which bins hold one value alone: those whose lower edge is the
// float64 just below their upper one.
func singles(edges []float64) []bool {
	single := make([]bool, len(edges)+1)
	for i := 1; i < len(edges); i++ {
		single[i] = math.Nextafter(edges[i], math.Inf(-1)) == edges[i-1]
	}
	return single
}

// dkw is how far the distribution function of a uniform sample of n values can
// be from that of all values, with sampledConfidence: the inequality of
// Dvoretzky, Kiefer and Wolfowitz (1956) with Massart's constant (1990).
func dkw(n int) float64 {
	if n == 0 {
		return 1
	}
	return math.Sqrt(math.Log(2/(1-sampledConfidence)) / float64(2*n))
}

// testFewValues tests a numeric feature by chi-square over its distinct
// values.
func testFewValues(f *Feature, s Settings, w *windows.Window, t *windows.Tally, ref *reference.Feature) {
	current := t.Sample.Sorted()
	describe(f, current, t, ref)
	if !f.enough(s, t.Moments.Count, ref.Moments.Count) {
		return
	}
	whole := uint64(len(current)) == t.Moments.Count
	switch {
	case whole && ref.Complete:
		f.Method = methodExact
		expected, observed := countValues(ref.Sample, current)
		f.chi2(expected, observed)
	case onGrid(w, t, ref) && ref.Counted == ref.Moments.Count:
		// Every value of the reference is a bin of its own; what lies between
		// two of them is one category.
		f.Method = methodBinned
		f.chi2(ref.Counts, t.Bins)
	default:
		f.Method = methodSampled
		expected, observed := countValues(ref.Sample, current)
		f.chi2(expected, observed)
	}
	f.measure(current, ref)
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

// testCategories tests a categorical feature by chi-square over the categories
// of both sides.
func testCategories(f *Feature, s Settings, t *windows.Tally, ref *reference.Feature) {
	union := slices.Clone(ref.Categories)
	for name := range t.Categories {
		if _, known := slices.BinarySearch(ref.Categories, name); !known {
			f.NewCategories = append(f.NewCategories, name)
		}
	}
	slices.Sort(f.NewCategories)
	union = append(union, f.NewCategories...)
	slices.Sort(union)
	counts := &Counts{Categories: union, Reference: make([]uint64, len(union)), Current: make([]uint64, len(union))}
	for i, name := range union {
		if place, known := slices.BinarySearch(ref.Categories, name); known {
			counts.Reference[i] = ref.CategoryCounts[place]
		}
		counts.Current[i] = t.Categories[name]
	}
	if ref.Overflow > 0 || t.Overflow > 0 {
		counts.Categories = append(counts.Categories, windows.Other)
		counts.Reference, counts.Current = append(counts.Reference, ref.Overflow), append(counts.Current, t.Overflow)
	}
	f.Counts = counts
	if !f.enough(s, t.Texts(), total(counts.Reference)) {
		return
	}
	f.Method = methodExact
	f.chi2(counts.Reference, counts.Current)
	f.Measures = countMeasures(counts.Reference, counts.Current)
}

func (f *Feature) chi2(expected, observed []uint64) {
	f.Test = testChi2
	result := twosample.ChiSquare(expected, observed)
	f.Statistic, f.StatisticError = number(result.Statistic), number(0)
	f.DegreesOfFreedom = result.DegreesOfFreedom
	f.Effect = number(result.CramersV)
	if result.MinExpected < sparseBelow {
		f.p(twosample.ChiSquarePermutation(expected, observed, permutations))
		return
	}
	f.p(result.PValue())
}

func total(counts []uint64) uint64 {
	var n uint64
	for _, c := range counts {
		n += c
	}
	return n
}

// countMeasures are the distances between two categorical distributions.
func countMeasures(expected, observed []uint64) *Measures {
	return &Measures{
		PSI:           number(twosample.PSI(expected, observed)),
		JensenShannon: number(twosample.JensenShannonDistance(expected, observed)),
	}
}

// measure takes the distances of a numeric feature from the samples: PSI and
// Jensen–Shannon over ten bins between the reference's deciles.
func (f *Feature) measure(current []float64, ref *reference.Feature) {
	if len(current) == 0 || len(ref.Sample) == 0 {
		return
	}
	var deciles []float64
	for i := 1; i < 10; i++ {
		d := reference.Quantile(ref.Sample, float64(i)/10)
		if len(deciles) == 0 || d > deciles[len(deciles)-1] {
			deciles = append(deciles, d)
		}
	}
	f.Measures = countMeasures(countBetween(deciles, ref.Sample), countBetween(deciles, current))
	f.Measures.Wasserstein = number(twosample.Wasserstein(ref.Sample, current))
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

// describe shows the quantiles of both sides, from the samples, with the true
// extremes.
func describe(f *Feature, current []float64, t *windows.Tally, ref *reference.Feature) {
	if len(current) == 0 || len(ref.Sample) == 0 {
		return
	}
	points := reference.QuantilePoints()
	q := &Quantiles{P: points}
	for _, p := range points {
		q.Reference = append(q.Reference, reference.Quantile(ref.Sample, p))
		q.Current = append(q.Current, reference.Quantile(current, p))
	}
	last := len(points) - 1
	q.Reference[0], q.Reference[last] = ref.Moments.Min, ref.Moments.Max
	q.Current[0], q.Current[last] = t.Moments.Min, t.Moments.Max
	f.Quantiles = q
}
