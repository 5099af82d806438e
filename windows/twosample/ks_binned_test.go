package twosample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestKSBinnedAgainstOracle(t *testing.T) {
	type binnedCase struct {
		pairSource
		Name   string    `json:"name"`
		Edges  []float64 `json:"edges"`
		Ref    []uint64  `json:"ref_counts"`
		Cur    []uint64  `json:"cur_counts"`
		DLower float64   `json:"d_lower"`
		DUpper float64   `json:"d_upper"`
		DTrue  float64   `json:"d_true"`
	}
	for _, c := range readOracle[binnedCase](t, "ks_binned.jsonl.gz") {
		x, y := c.x().sorted(t), c.y().sorted(t)
		if got := countInBins(x, c.Edges); !slices.Equal(got, c.Ref) {
			t.Fatalf("%s: reference counts %v, want %v", c.Name, got, c.Ref)
		}
		got := KSBinned(c.Ref, c.Cur, nil)
		if got.Lower != c.DLower || got.Upper != c.DUpper {
			t.Errorf("%s: D in [%v, %v], want [%v, %v]", c.Name, got.Lower, got.Upper, c.DLower, c.DUpper)
		}
		if d := KS(x, y).D; d != c.DTrue || d < got.Lower || d > got.Upper {
			t.Errorf("%s: D %v is not in [%v, %v]", c.Name, d, got.Lower, got.Upper)
		}
	}
}

// countInBins is the plain definition: bin b is (edges[b−1], edges[b]].
func countInBins(values, edges []float64) []uint64 {
	counts := make([]uint64, len(edges)+1)
	for _, v := range values {
		b := 0
		for b < len(edges) && v > edges[b] {
			b++
		}
		counts[b]++
	}
	return counts
}

func TestKSBinnedTiesCostNothing(t *testing.T) {
	// Values are 0, 1, … 6 alone. With the bins (v−, v] for each of them, v− the
	// next smaller float64, all values are in bins of one value.
	random := rand.New(rand.NewPCG(11, 13))
	var edges []float64
	var single []bool
	for v := range 7 {
		edges = append(edges, math.Nextafter(float64(v), math.Inf(-1)), float64(v))
		single = append(single, false, true)
	}
	single = append(single, false)
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
		got, want := KSBinned(countInBins(x, edges), countInBins(y, edges), single), KS(x, y)
		if got.Lower != want.D || got.Upper != want.D || got.H != want.H || got.LCM != want.LCM || got.Sign != want.Sign {
			t.Fatalf("%+v, want exactly %+v", got, want)
		}
		if want.Sign != 0 && edges[got.Edge] != want.Location {
			t.Fatalf("edge %d is %v, want %v", got.Edge, edges[got.Edge], want.Location)
		}
		if loose := KSBinned(countInBins(x, edges), countInBins(y, edges), nil); loose.Lower != want.D || loose.Upper < want.D {
			t.Fatalf("without knowing of single values: %+v does not hold D %v", loose, want.D)
		}
	}
}

func TestKSBinnedHoldsDForAnyEdges(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 19))
	for range 2000 {
		levels := random.IntN(3) * 10
		x := randomSample(random, 1+random.IntN(100), levels, 0)
		y := randomSample(random, 1+random.IntN(100), levels, random.Float64())
		edges := slices.Compact(randomSample(random, 1+random.IntN(20), levels, 0))
		got, d := KSBinned(countInBins(x, edges), countInBins(y, edges), nil), KS(x, y)
		if d.H < got.H || d.H > got.UpperH {
			t.Fatalf("D %d/%d is not in [%d, %d]", d.H, d.LCM, got.H, got.UpperH)
		}
	}
}

func TestKSBinnedSpecialCases(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name               string
		reference, current []uint64
		single             []bool
		lower, upper       float64
		edge, sign         int
	}{
		{"nothing on either side", nil, nil, nil, nan, nan, -1, 0},
		{"no reference values", []uint64{0, 0}, []uint64{1, 2}, nil, nan, nan, -1, 0},
		{"no current values", []uint64{1, 2}, []uint64{0, 0}, nil, nan, nan, -1, 0},
		{"bins that do not match", []uint64{1}, []uint64{1, 2}, nil, nan, nan, -1, 0},
		{"a description of other bins", []uint64{1}, []uint64{1}, []bool{true, false}, nan, nan, -1, 0},
		{"counts beyond 63 bits", []uint64{math.MaxUint64, 1}, []uint64{1, 1}, nil, nan, nan, -1, 0},
		{"one bin says nothing", []uint64{3}, []uint64{4}, nil, 0, 1, 0, 0},
		{"one bin of one value says all", []uint64{3}, []uint64{4}, []bool{true}, 0, 0, 0, 0},
		{"the same counts", []uint64{1, 1}, []uint64{2, 2}, nil, 0, 0.5, 0, 0},
		{"disjoint", []uint64{5, 0}, []uint64{0, 5}, nil, 1, 1, 0, +1},
		{"disjoint, the other way", []uint64{0, 5}, []uint64{5, 0}, nil, 1, 1, 0, -1},
	} {
		got := KSBinned(c.reference, c.current, c.single)
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		if !same(got.Lower, c.lower) || !same(got.Upper, c.upper) || got.Edge != c.edge || got.Sign != c.sign {
			t.Errorf("%s: %+v, want [%v, %v] at %d, sign %d", c.name, got, c.lower, c.upper, c.edge, c.sign)
		}
	}
}

// With the sums at hand the bounds are the same; with others there are none.
func TestKSBinnedOfKnownSums(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	for range 500 {
		a, b := make([]uint64, 1+random.IntN(40)), []uint64(nil)
		for i := range a {
			a[i] = random.Uint64N(50)
			b = append(b, random.Uint64N(50))
		}
		a[0]++
		b[0]++
		want := KSBinned(a, b, nil)
		if got := KSBinnedOf(want.N, want.M, a, b, nil); got != want {
			t.Fatalf("%v and %v: %+v, want %+v", a, b, got, want)
		}
		if got := KSBinnedOf(want.N+1, want.M, a, b, nil); !math.IsNaN(got.Lower) || got.Edge != -1 {
			t.Fatalf("%v and %v with a wrong sum: %+v", a, b, got)
		}
	}
}
