package twosample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomCounts are counts in the same bins on both sides, neither of them
// empty: small and large, with empty bins, alike and unlike.
func randomCounts(random *rand.Rand, bins int) []uint64 {
	top := []uint64{2, 20, 1e6, 1e12}[random.IntN(4)]
	counts := make([]uint64, bins)
	for b := range counts {
		if random.IntN(5) > 0 {
			counts[b] = random.Uint64N(top)
		}
	}
	counts[random.IntN(bins)]++
	return counts
}

// countMeasures are the measures of counts that know no direction.
var countMeasures = map[string]func(reference, current []uint64) float64{
	"PSI":                     PSI,
	"PSI, add ½":              PSIAddHalf,
	"Jensen–Shannon":          JensenShannon,
	"Jensen–Shannon distance": JensenShannonDistance,
	"Hellinger":               Hellinger,
	"total variation":         TotalVariation,
	"chi-square":              func(a, b []uint64) float64 { return ChiSquare(a, b).Statistic },
	"Cramér's V":              func(a, b []uint64) float64 { return ChiSquare(a, b).CramersV },
	"chi-square's p":          func(a, b []uint64) float64 { return ChiSquare(a, b).PValue().LogP },
	"binned D":                func(a, b []uint64) float64 { return KSBinned(a, b, nil).Lower },
	"binned D, at most":       func(a, b []uint64) float64 { return KSBinned(a, b, nil).Upper },
}

func TestExchangingTheCountsChangesSignsAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(163, 167))
	for range 500 {
		bins := 1 + random.IntN(30)
		a, b := randomCounts(random, bins), randomCounts(random, bins)
		for name, measure := range countMeasures {
			if there, back := measure(a, b), measure(b, a); relative(there, back) > 1e-12 {
				t.Errorf("%s of %v and %v is %v, exchanged %v", name, a, b, there, back)
			}
		}
		there, back := KSBinned(a, b, nil), KSBinned(b, a, nil)
		back.N, back.M, back.Sign = back.M, back.N, -back.Sign
		if there != back && there.LCM != 0 {
			t.Errorf("binned D of %v and %v is %+v, exchanged %+v", a, b, there, back)
		}
		z, p := TwoProportions(a[0], a[0]+b[0]+1, b[0], 2*b[0]+3)
		zBack, pBack := TwoProportions(b[0], 2*b[0]+3, a[0], a[0]+b[0]+1)
		if !math.IsNaN(z) && (z != -zBack || p != pBack) {
			t.Errorf("z %v and %+v, exchanged %v and %+v", z, p, zBack, pBack)
		}
	}
}

func TestWassersteinIsTheSameEitherWay(t *testing.T) {
	random := rand.New(rand.NewPCG(173, 179))
	for range 300 {
		levels := []int{0, 3, 30}[random.IntN(3)]
		x := randomSample(random, 1+random.IntN(80), levels, 0)
		y := randomSample(random, 1+random.IntN(80), levels, 2*random.Float64())
		if there, back := Wasserstein(x, y), Wasserstein(y, x); there != back {
			t.Errorf("Wasserstein distance of %v and %v: %v, exchanged %v", x, y, there, back)
		}
		edges := slices.Compact(randomSample(random, 1+random.IntN(9), levels, 0))
		a, b := countInBins(x, edges), countInBins(y, edges)
		least, most := func(s []float64) float64 { return s[0] }, func(s []float64) float64 { return s[len(s)-1] }
		there, err := WassersteinBinned(edges, a, b, least(x), most(x), least(y), most(y))
		back, errBack := WassersteinBinned(edges, b, a, least(y), most(y), least(x), most(x))
		if math.Abs(there-back) > 1e-13 || math.Abs(err-errBack) > 1e-13 {
			t.Errorf("binned Wasserstein distance %v ± %v, exchanged %v ± %v", there, err, back, errBack)
		}
	}
}

func TestWassersteinIsInTheUnitsOfTheValues(t *testing.T) {
	random := rand.New(rand.NewPCG(193, 197))
	for range 200 {
		x := randomSample(random, 1+random.IntN(60), 0, 0)
		y := randomSample(random, 1+random.IntN(60), 0, random.Float64())
		want := Wasserstein(x, y)
		// Powers of two, so that nothing is rounded.
		for _, unit := range []float64{0x1p-900, 0.25, 8, 0x1p+900} {
			scaled := func(sample []float64) []float64 {
				values := make([]float64, len(sample))
				for i, v := range sample {
					values[i] = unit * v
				}
				return values
			}
			if got := Wasserstein(scaled(x), scaled(y)); got != unit*want {
				t.Errorf("in units of %v: %v, want %v", unit, got, unit*want)
			}
		}
	}
}

func TestBinnedBoundsHoldDWithTies(t *testing.T) {
	random := rand.New(rand.NewPCG(199, 211))
	narrowed := 0
	for range 3000 {
		levels := []int{2, 8, 30, 0}[random.IntN(4)]
		x := randomSample(random, 1+random.IntN(150), levels, 0)
		y := randomSample(random, 1+random.IntN(150), levels, random.Float64())
		edges := slices.Compact(randomSample(random, 1+random.IntN(20), levels, 0))
		a, b := countInBins(x, edges), countInBins(y, edges)
		// The bins in which all values are equal.
		pooled := slices.Sorted(slices.Values(slices.Concat(x, y)))
		single := make([]bool, len(a))
		i := 0
		for bin := range single {
			end := i + int(a[bin]+b[bin])
			single[bin] = end > i && pooled[i] == pooled[end-1]
			i = end
		}
		d, loose, tight := KS(x, y), KSBinned(a, b, nil), KSBinned(a, b, single)
		if d.H < tight.H || d.H > tight.UpperH || tight.H != loose.H || tight.UpperH > loose.UpperH {
			t.Fatalf("D %d/%d; bounds [%d, %d], without knowing of ties [%d, %d]", d.H, d.LCM, tight.H, tight.UpperH, loose.H, loose.UpperH)
		}
		if tight.UpperH < loose.UpperH {
			narrowed++
		}
	}
	if narrowed < 300 {
		t.Errorf("knowing of ties narrowed the bounds in %d cases of 3,000", narrowed)
	}
}

// Partitions count their shares of a window in an order of their own.
func TestCountsOfPartsInAnyOrderAreThoseOfTheWhole(t *testing.T) {
	random := rand.New(rand.NewPCG(223, 227))
	for range 200 {
		levels := []int{0, 5, 40}[random.IntN(3)]
		x := randomSample(random, 1+random.IntN(200), levels, 0)
		y := randomSample(random, 2+random.IntN(200), levels, random.Float64())
		edges := slices.Compact(randomSample(random, 1+random.IntN(20), levels, 0))
		a, whole := countInBins(x, edges), countInBins(y, edges)

		shuffled := slices.Clone(y)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		var parts [][]float64
		for rest := shuffled; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		merged := make([]uint64, len(edges)+1)
		for _, part := range parts {
			for bin, c := range countInBins(part, edges) {
				merged[bin] += c
			}
		}
		if got, want := KSBinned(a, merged, nil), KSBinned(a, whole, nil); got != want {
			t.Fatalf("%d parts: %+v, whole %+v", len(parts), got, want)
		}
		for name, measure := range countMeasures {
			if got, want := measure(a, merged), measure(a, whole); math.Float64bits(got) != math.Float64bits(want) {
				t.Errorf("%s of %d parts: %v, whole %v", name, len(parts), got, want)
			}
		}
	}
}

// What bins are joined to can tell two samples apart no better than the bins.
func TestJoiningBinsOnlyHidesDifferences(t *testing.T) {
	random := rand.New(rand.NewPCG(229, 233))
	hidden := map[string]func(reference, current []uint64) float64{
		"PSI, without a floor": PSIRaw, "Jensen–Shannon": JensenShannon, "Hellinger": Hellinger,
		"total variation": TotalVariation, "chi-square": countMeasures["chi-square"], "binned D": countMeasures["binned D"],
	}
	for range 1000 {
		bins := 2 + random.IntN(30)
		a, b := randomCounts(random, bins), randomCounts(random, bins)
		var ends []int
		for end := 1; end < bins; end++ {
			if random.IntN(3) == 0 {
				ends = append(ends, end)
			}
		}
		ends = append(ends, bins)
		joinedA, joinedB := Group(a, ends), Group(b, ends)
		for name, measure := range hidden {
			if fine, joined := measure(a, b), measure(joinedA, joinedB); joined > fine*(1+1e-12) {
				t.Errorf("%s rose from %v to %v where bins were joined at %v", name, fine, joined, ends)
			}
		}
		fine, joined := KSBinned(a, b, nil), KSBinned(joinedA, joinedB, nil)
		if !math.IsNaN(fine.Upper) && joined.Upper < fine.Upper {
			t.Errorf("the upper bound of D fell from %v to %v where bins were joined", fine.Upper, joined.Upper)
		}
	}
}

func TestDistancesTakeNoShortCuts(t *testing.T) {
	random := rand.New(rand.NewPCG(239, 241))
	metrics := map[string]func(reference, current []uint64) float64{
		"Jensen–Shannon distance": JensenShannonDistance, "Hellinger": Hellinger,
		"total variation": TotalVariation, "binned D": countMeasures["binned D"],
	}
	for range 1000 {
		bins := 1 + random.IntN(12)
		a, b, c := randomCounts(random, bins), randomCounts(random, bins), randomCounts(random, bins)
		for name, metric := range metrics {
			direct, about := metric(a, c), metric(a, b)+metric(b, c)
			if direct > about*(1+1e-12) || direct < 0 || direct > 1 {
				t.Errorf("%s: %v, by way of a third %v", name, direct, about)
			}
			if same := metric(a, a); same != 0 {
				t.Errorf("%s of a sample from itself is %v", name, same)
			}
		}
		x, y, z := randomSample(random, 9, 0, 0), randomSample(random, 7, 0, 1), randomSample(random, 5, 3, 0)
		if direct, about := Wasserstein(x, z), Wasserstein(x, y)+Wasserstein(y, z); direct > about*(1+1e-12) {
			t.Errorf("Wasserstein distance %v, by way of a third %v", direct, about)
		}
		if direct, about := KS(x, z).D, KS(x, y).D+KS(y, z).D; direct > about*(1+1e-12) {
			t.Errorf("D %v, by way of a third %v", direct, about)
		}
	}
}
