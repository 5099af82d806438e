package twosample

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestKSExactTiedAgainstOracle(t *testing.T) {
	checked := 0
	for _, c := range readOracle[ksCase](t, "ks.jsonl.gz") {
		if c.TiedExact == nil {
			continue
		}
		checked++
		got := KSExactTied(c.x().sorted(t), c.y().sorted(t), c.H)
		if relative(got.P, *c.TiedExact) > 1e-12 {
			t.Errorf("%s: p %v, want %v (%.1e)", c.Name, got.P, *c.TiedExact, relative(got.P, *c.TiedExact))
		}
	}
	if checked == 0 {
		t.Error("no case has ties")
	}
}

// shareOfAssignments deals the pooled values out to the two samples in every
// possible way and counts how often D is at least as large.
func shareOfAssignments(pooled []float64, n int, h uint64) *big.Rat {
	least, all := int64(0), int64(0)
	for set := range uint(1) << len(pooled) {
		var x, y []float64
		for i, v := range pooled {
			if set>>i&1 == 1 {
				x = append(x, v)
			} else {
				y = append(y, v)
			}
		}
		if len(x) != n {
			continue
		}
		all++
		if slowKS(x, y).H >= h {
			least++
		}
	}
	return big.NewRat(least, all)
}

func TestKSExactTiedIsTheShareOfAssignments(t *testing.T) {
	random := rand.New(rand.NewPCG(23, 29))
	for range 60 {
		n, m := 1+random.IntN(5), 1+random.IntN(5)
		x, y := randomSample(random, n, 1+random.IntN(12), 0), randomSample(random, m, 1+random.IntN(12), 0.5)
		pooled := slices.Sorted(slices.Values(slices.Concat(x, y)))
		for h := uint64(0); h <= KS(x, y).LCM; h++ {
			got := KSExactTied(x, y, h)
			want, _ := shareOfAssignments(pooled, n, h).Float64()
			if relative(got.P, want) > 1e-13 {
				t.Fatalf("%v and %v, h %d: %v, want %v", x, y, h, got.P, want)
			}
		}
	}
}

func TestKSExactTiedWithoutTies(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 37))
	for _, sizes := range [][2]int{{30, 30}, {30, 41}, {7, 200}, {300, 301}, {700, 900}, {2000, 2001}, {100, 5000}} {
		x, y := randomSample(random, sizes[0], 0, 0), randomSample(random, sizes[1], 0, 0)
		lcm := KS(x, y).LCM
		for k := uint64(0); k <= 40; k++ {
			h := lcm * k / 40
			got, want := KSExactTied(x, y, h), KSExact(sizes[0], sizes[1], h)
			if math.Abs(got.LogP-want.LogP) > 1e-12*max(1, -want.LogP) {
				t.Errorf("%v, h %d: %+v, without regard to ties %+v", sizes, h, got, want)
			}
		}
	}
}

func TestTiesMakeTheUsualPTooLarge(t *testing.T) {
	random := rand.New(rand.NewPCG(41, 43))
	for range 200 {
		x, y := randomSample(random, 1+random.IntN(80), 5, 0), randomSample(random, 1+random.IntN(80), 5, 0.3)
		r := KS(x, y)
		tied, usual := KSExactTied(x, y, r.H), KSExact(r.N, r.M, r.H)
		if tied.P > usual.P*(1+1e-12) {
			t.Errorf("n %d, m %d, h %d: %v with ties, %v without", r.N, r.M, r.H, tied.P, usual.P)
		}
	}
}

// By how much the usual p-value is too large, as README.md says it.
func TestTheUsualPIsTooLargeByWhatIsStated(t *testing.T) {
	random := rand.New(rand.NewPCG(263, 269))
	for _, c := range []struct {
		distinct int
		from, to float64
	}{{2, 4, 6}, {3, 3.3, 5}, {10, 1.9, 2.6}, {100, 1.15, 1.35}} {
		var factors []float64
		for range 200 {
			x, y := make([]float64, 300), make([]float64, 301)
			for _, sample := range [][]float64{x, y} {
				for i := range sample {
					sample[i] = float64(random.IntN(c.distinct))
				}
				slices.Sort(sample)
			}
			h := KS(x, y).H
			if tied := KSExactTied(x, y, h).P; tied > 0.01 && tied < 0.1 {
				factors = append(factors, KSExact(len(x), len(y), h).P/tied)
			}
		}
		slices.Sort(factors)
		if len(factors) < 5 {
			t.Fatalf("%d distinct values: only %d samples have a p-value of 0.01 to 0.1", c.distinct, len(factors))
		}
		if median := factors[len(factors)/2]; median < c.from || median > c.to {
			t.Errorf("%d distinct values: %v times too large, want %v to %v", c.distinct, median, c.from, c.to)
		}
	}
}

func TestKSExactTiedSpecialCases(t *testing.T) {
	same := []float64{3, 3, 3}
	if got := KSExactTied(same, same[:2], 0); got.P != 1 {
		t.Errorf("all values equal: %+v, want 1", got)
	}
	if got := KSExactTied(same, same[:2], 1); got.P != 0 || !math.IsInf(got.LogP, -1) {
		t.Errorf("a difference where none can be: %+v, want 0", got)
	}
	for name, got := range map[string]PValue{
		"empty":     KSExactTied(nil, same, 0),
		"NaN":       KSExactTied([]float64{math.NaN()}, same, 0),
		"h too big": KSExactTied(same, same, 4),
	} {
		if !math.IsNaN(got.P) {
			t.Errorf("%s: %+v, want NaN", name, got)
		}
	}
}

func ExampleKSExactTied() {
	reference := []float64{0, 0, 0, 0, 1, 1, 1, 1}
	current := []float64{0, 1, 1, 1, 1, 1, 1, 1}
	d := KS(reference, current)
	usual, tied := KSExact(d.N, d.M, d.H), KSExactTied(reference, current, d.H)
	fmt.Printf("D %v, p %.4f, given the ties %.4f\n", d.D, usual.P, tied.P)
	// Output: D 0.375, p 0.6601, given the ties 0.2821
}
