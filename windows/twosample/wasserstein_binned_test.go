package twosample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowBinnedArea puts ten thousand values evenly into every piece of a bin that
// lies within the sample's extremes, and takes the area between the two samples'
// distribution functions at their midpoints.
func slowBinnedArea(edges []float64, reference, current []uint64, refMin, refMax, curMin, curMax float64) float64 {
	upTo := func(counts []uint64, low, high, x float64) float64 {
		total, _ := sum(counts)
		below := 0.0
		for b, c := range counts {
			from, to := low, high
			if b > 0 {
				from = max(low, edges[b-1])
			}
			if b < len(edges) {
				to = min(high, edges[b])
			}
			switch {
			case x >= to:
				below += float64(c)
			case x > from:
				below += float64(c) * (x - from) / (to - from)
			}
		}
		return below / float64(total)
	}
	const steps = 20_000
	low, high := min(refMin, curMin), max(refMax, curMax)
	width, area := (high-low)/steps, 0.0
	for k := range steps {
		x := low + (float64(k)+0.5)*width
		area += width * math.Abs(upTo(reference, refMin, refMax, x)-upTo(current, curMin, curMax, x))
	}
	return area
}

func TestWassersteinBinnedIsTheAreaBetweenStraightLines(t *testing.T) {
	random := rand.New(rand.NewPCG(67, 71))
	for range 12 {
		x, y := randomSample(random, 1+random.IntN(60), 0, 0), randomSample(random, 1+random.IntN(60), 0, random.Float64())
		edges := slices.Compact(randomSample(random, 1+random.IntN(12), 0, 0))
		a, b := countInBins(x, edges), countInBins(y, edges)
		got, _ := WassersteinBinned(edges, a, b, x[0], x[len(x)-1], y[0], y[len(y)-1])
		want := slowBinnedArea(edges, a, b, x[0], x[len(x)-1], y[0], y[len(y)-1])
		if math.Abs(got-want) > 3e-4*max(1, want) {
			t.Errorf("%v, the sum of small steps is %v", got, want)
		}
	}
}

func TestWassersteinBinnedHoldsTheTrueDistance(t *testing.T) {
	random := rand.New(rand.NewPCG(73, 79))
	for range 3000 {
		levels := random.IntN(3) * 10
		x := randomSample(random, 1+random.IntN(100), levels, 0)
		y := randomSample(random, 1+random.IntN(100), levels, 3*random.Float64())
		edges := slices.Compact(randomSample(random, 1+random.IntN(30), levels, 0))
		a, b := countInBins(x, edges), countInBins(y, edges)
		got, err := WassersteinBinned(edges, a, b, x[0], x[len(x)-1], y[0], y[len(y)-1])
		truth := Wasserstein(x, y)
		if !(math.Abs(got-truth) <= err+1e-12*(1+truth)) {
			t.Fatalf("%v ± %v, in truth %v (edges %v, %v and %v)", got, err, truth, edges, a, b)
		}
		back, backErr := WassersteinBinned(edges, b, a, y[0], y[len(y)-1], x[0], x[len(x)-1])
		if relative(back, got) > 1e-12 || math.Abs(backErr-err) > 1e-12*(1+err) {
			t.Fatalf("%v ± %v, exchanged %v ± %v", got, err, back, backErr)
		}
	}
}

func TestWassersteinBinnedIsExactForBinsOfOneValue(t *testing.T) {
	random := rand.New(rand.NewPCG(83, 89))
	var edges []float64
	for v := range 7 {
		edges = append(edges, math.Nextafter(float64(v), math.Inf(-1)), float64(v))
	}
	for range 300 {
		x, y := make([]float64, 1+random.IntN(200)), make([]float64, 1+random.IntN(200))
		for i := range x {
			x[i] = float64(random.IntN(7))
		}
		for i := range y {
			y[i] = float64(random.IntN(6))
		}
		slices.Sort(x)
		slices.Sort(y)
		got, err := WassersteinBinned(edges, countInBins(x, edges), countInBins(y, edges), x[0], x[len(x)-1], y[0], y[len(y)-1])
		if want := Wasserstein(x, y); math.Abs(got-want) > 1e-14 || err > 1e-14 {
			t.Fatalf("%v ± %v, want exactly %v", got, err, want)
		}
	}
}

func TestWassersteinBinnedErrorShrinksWithTheBins(t *testing.T) {
	random := rand.New(rand.NewPCG(97, 101))
	x, y := randomSample(random, 5000, 0, 0), randomSample(random, 5000, 0, 0.5)
	before := math.Inf(1)
	for _, bins := range []int{4, 16, 64, 256, 1024} {
		var edges []float64
		for i := 1; i < bins; i++ {
			edges = append(edges, x[len(x)*i/bins])
		}
		got, err := WassersteinBinned(edges, countInBins(x, edges), countInBins(y, edges), x[0], x[len(x)-1], y[0], y[len(y)-1])
		if err >= before || math.Abs(got-Wasserstein(x, y)) > err {
			t.Errorf("%d bins: %v ± %v, before ± %v", bins, got, err, before)
		}
		before = err
	}
	if before > 0.02 {
		t.Errorf("with 1,024 bins the distance is known to %v only", before)
	}
}

func TestWassersteinBinnedSpecialCases(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	edges := []float64{0, 1}
	for _, c := range []struct {
		name               string
		edges              []float64
		reference, current []uint64
		extremes           [4]float64
		value, err         float64
	}{
		{"no reference values", edges, []uint64{0, 0, 0}, []uint64{1, 1, 1}, [4]float64{-1, 2, -1, 2}, nan, nan},
		{"no current values", edges, []uint64{1, 1, 1}, []uint64{0, 0, 0}, [4]float64{-1, 2, -1, 2}, nan, nan},
		{"counts of other bins", edges, []uint64{1, 1}, []uint64{1, 1}, [4]float64{-1, 2, -1, 2}, nan, nan},
		{"an infinite value", edges, []uint64{1, 1, 1}, []uint64{1, 1, 1}, [4]float64{-1, inf, -1, 2}, nan, nan},
		{"an extreme beside its bin", edges, []uint64{0, 1, 1}, []uint64{1, 1, 1}, [4]float64{-1, 2, -1, 2}, nan, nan},
		{"extremes the wrong way about", nil, []uint64{1}, []uint64{1}, [4]float64{2, 1, 1, 2}, nan, nan},
		{"no edges: only the extremes are known", nil, []uint64{5}, []uint64{5}, [4]float64{0, 1, 0, 1}, 0, 1},
		{"two single values", nil, []uint64{5}, []uint64{3}, [4]float64{1, 1, 3, 3}, 2, 0},
		{"one value on either side of an edge", []float64{2}, []uint64{5, 0}, []uint64{0, 3}, [4]float64{1, 1, 3, 3}, 2, 0},
		{"a range that no float64 holds", nil, []uint64{5}, []uint64{3}, [4]float64{-1e308, 1e308, -1e308, 1e308}, 0, inf},
		{"far apart", nil, []uint64{5}, []uint64{3}, [4]float64{-8e307, -8e307, 8e307, 8e307}, 1.6e308, 0},
		{"bins apart", edges, []uint64{4, 0, 0}, []uint64{0, 0, 4}, [4]float64{-1, 0, 1.5, 2}, 2.25, 0.75},
	} {
		value, err := WassersteinBinned(c.edges, c.reference, c.current, c.extremes[0], c.extremes[1], c.extremes[2], c.extremes[3])
		same := func(a, b float64) bool { return a == b || math.Abs(a-b) < 1e-15 || math.IsNaN(a) && math.IsNaN(b) }
		if !same(value, c.value) || !same(err, c.err) {
			t.Errorf("%s: %v ± %v, want %v ± %v", c.name, value, err, c.value, c.err)
		}
	}
}
