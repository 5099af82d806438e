package twosample

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestWassersteinAgainstOracle(t *testing.T) {
	type areaCase struct {
		pairSource
		Name  string   `json:"name"`
		Scipy float64  `json:"w1_scipy"`
		Exact *float64 `json:"w1_exact"`
	}
	for _, c := range readOracle[areaCase](t, "wasserstein.jsonl.gz") {
		x, y := c.x().sorted(t), c.y().sorted(t)
		got, want := Wasserstein(x, y), slowArea(x, y)
		if c.Exact != nil && want != *c.Exact {
			t.Errorf("%s: the slow area is %v, want %v", c.Name, want, *c.Exact)
		}
		// scipy adds up the largest samples with a few units of 10⁻¹² lost.
		if !(relative(got, want) <= 1e-15) || !(relative(got, c.Scipy) <= 1e-11) {
			t.Errorf("%s: %v, want %v (%.1e), scipy %v", c.Name, got, want, relative(got, want), c.Scipy)
		}
	}
}

// slowArea adds up the area between the distribution functions with 300 bits
// and rounds once.
func slowArea(x, y []float64) float64 {
	wide := func(v float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(v) }
	pooled := slices.Sorted(slices.Values(slices.Concat(x, y)))
	area := wide(0)
	i, j := 0, 0
	for k, v := range pooled[:len(pooled)-1] {
		for i < len(x) && x[i] <= v {
			i++
		}
		for j < len(y) && y[j] <= v {
			j++
		}
		gap := math.Abs(float64(i*len(y) - j*len(x)))
		width := wide(pooled[k+1])
		width.Sub(width, wide(v))
		area.Add(area, width.Mul(width, wide(gap)))
	}
	area.Quo(area, wide(float64(len(x)*len(y))))
	result, _ := area.Float64()
	return result
}

func TestWassersteinIsTheMeanDistanceOfSortedPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(59, 61))
	for range 300 {
		n := 1 + random.IntN(60)
		x, y := randomSample(random, n, random.IntN(3)*4, 0), randomSample(random, n, random.IntN(3)*4, 1)
		want := 0.0
		for i := range x {
			want += math.Abs(x[i]-y[i]) / float64(n)
		}
		got, back := Wasserstein(x, y), Wasserstein(y, x)
		if math.Abs(got-want) > 1e-13 || relative(got, back) > 1e-15 {
			t.Fatalf("%v, exchanged %v, want %v", got, back, want)
		}
		shifted := make([]float64, n)
		for i := range x {
			shifted[i] = x[i] + 2.5
		}
		if moved := Wasserstein(x, shifted); math.Abs(moved-2.5) > 1e-13 {
			t.Fatalf("of a sample and itself moved by 2.5: %v", moved)
		}
	}
}

func TestWassersteinSpecialCases(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name               string
		reference, current []float64
		want               float64
	}{
		{"an empty reference", nil, []float64{1}, nan},
		{"an empty current sample", []float64{1}, nil, nan},
		{"NaN", []float64{nan, 1}, []float64{1}, nan},
		{"equal infinite shares", []float64{-inf, 1, inf}, []float64{-inf, 2, inf}, 1.0 / 3},
		{"unlike infinite shares", []float64{1, 2}, []float64{1, inf}, inf},
		{"one side at minus infinity", []float64{-inf}, []float64{0}, inf},
		{"an area in units of 1/lcm that no float64 holds", slices.Repeat([]float64{1e308}, 100), make([]float64, 101), 1e308},
		{"two jumps far apart", []float64{-1.7e308, 0}, []float64{0, 1.7e308}, 1.7e308},
		{"further than any float64", []float64{-1.7e308}, []float64{1.7e308}, inf},
		{"the smallest distance", []float64{0, 0, 0}, []float64{5e-324}, 5e-324},
		{"one distribution in two sizes", []float64{1, 2}, []float64{1, 1, 2, 2}, 0},
	} {
		got := Wasserstein(c.reference, c.current)
		if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) && relative(got, c.want) > 1e-15 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
