package twosample

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

// slowFisher counts, in integers, the ways of choosing who the successes are.
func slowFisher(k1, n1, k2, n2 int64) (less, greater, two float64) {
	ways := func(x int64) *big.Int {
		return new(big.Int).Mul(new(big.Int).Binomial(n1, x), new(big.Int).Binomial(n2, k1+k2-x))
	}
	observed := ways(k1)
	all := new(big.Int).Binomial(n1+n2, k1+k2)
	sums := [3]*big.Int{new(big.Int), new(big.Int), new(big.Int)}
	for x := max(0, k1+k2-n2); x <= min(n1, k1+k2); x++ {
		w := ways(x)
		if x <= k1 {
			sums[0].Add(sums[0], w)
		}
		if x >= k1 {
			sums[1].Add(sums[1], w)
		}
		if w.Cmp(observed) <= 0 {
			sums[2].Add(sums[2], w)
		}
	}
	share := func(s *big.Int) float64 {
		f, _ := new(big.Rat).SetFrac(s, all).Float64()
		return f
	}
	return share(sums[0]), share(sums[1]), share(sums[2])
}

func TestFisherExactIsTheShareOfChoices(t *testing.T) {
	for n1 := int64(1); n1 <= 9; n1++ {
		for n2 := int64(1); n2 <= 12; n2++ {
			for k1 := int64(0); k1 <= n1; k1++ {
				for k2 := int64(0); k2 <= n2; k2++ {
					less, greater, two := slowFisher(k1, n1, k2, n2)
					got := FisherExact(uint64(k1), uint64(n1), uint64(k2), uint64(n2))
					if relative(got.Less.P, less) > 1e-13 || relative(got.Greater.P, greater) > 1e-13 || relative(got.TwoSided.P, two) > 1e-13 {
						t.Fatalf("%d/%d and %d/%d: %+v, want %v, %v, %v", k1, n1, k2, n2, got, less, greater, two)
					}
				}
			}
		}
	}
}

func TestFisherExactOfTheLadyTastingTea(t *testing.T) {
	// Fisher (1935): eight cups, all four guessed right, 1 in 70.
	got := FisherExact(4, 4, 0, 4)
	if relative(got.Greater.P, 1.0/70) > 1e-14 || relative(got.TwoSided.P, 2.0/70) > 1e-14 || got.Less.P != 1 {
		t.Errorf("%+v", got)
	}
}

func TestFisherExactFarOut(t *testing.T) {
	// All of a billion against none: one choice of C(2·10⁹, 10⁹), of which the
	// logarithm is 2·10⁹·ln 2 − ½ ln(π·10⁹) + 1/(8·10⁹).
	const n = 1_000_000_000
	got := FisherExact(n, n, 0, n)
	want := -(2*n*math.Ln2 - 0.5*math.Log(math.Pi*n))
	if got.Greater.P != 0 || relative(got.Greater.LogP, want) > 1e-14 || relative(got.TwoSided.LogP, want+math.Ln2) > 1e-14 {
		t.Errorf("%+v, want log p %v", got, want)
	}
	// A small rate in two large samples is about a binomial split: of 3 events
	// all in the first half, 1 in 8.
	if got := FisherExact(3, n, 0, n); math.Abs(got.Greater.P-0.125) > 1e-8 || math.Abs(got.TwoSided.P-0.25) > 1e-8 {
		t.Errorf("3 of a billion against none: %+v", got)
	}
}

func TestProportionTestIsExactWhereCountsAreSmall(t *testing.T) {
	for _, c := range []struct {
		k1, n1, k2, n2 uint64
		method         Method
	}{
		{0, 1000, 9, 1000, Exact},       // expected 4.5 and 4.5
		{0, 1000, 10, 1000, Asymptotic}, // expected 5 and 5
		{1000, 1000, 991, 1000, Exact},
		{5, 10, 300, 1000, Exact},
		{50, 100, 300, 1000, Asymptotic},
		{0, 1000, 0, 1000, Exact},
	} {
		got := ProportionTest(c.k1, c.n1, c.k2, c.n2)
		_, z := TwoProportions(c.k1, c.n1, c.k2, c.n2)
		want := z
		if c.method == Exact {
			want = FisherExact(c.k1, c.n1, c.k2, c.n2).TwoSided
		}
		if got != want || got.Method != c.method {
			t.Errorf("%+v: %+v, want %+v", c, got, want)
		}
		if back := ProportionTest(c.k2, c.n2, c.k1, c.n1); relative(back.P, got.P) > 1e-12 {
			t.Errorf("%+v exchanged: %+v", c, back)
		}
	}
	if got := ProportionTest(0, 50, 0, 70); got.P != 1 {
		t.Errorf("no success at all: %+v", got)
	}
	for _, c := range [][4]uint64{{0, 0, 1, 2}, {1, 2, 0, 0}, {3, 2, 1, 2}, {1, 2, 3, 2}, {1, math.MaxInt64, 1, 2}} {
		r := FisherExact(c[0], c[1], c[2], c[3])
		for _, p := range []PValue{r.Less, r.Greater, r.TwoSided, ProportionTest(c[0], c[1], c[2], c[3])} {
			if !math.IsNaN(p.P) || !math.IsNaN(p.LogP) {
				t.Errorf("%v: %+v, want NaN", c, p)
			}
		}
	}
}

func ExampleProportionTest() {
	// One error in a thousand requests before, nine in two thousand now.
	exact, tooMany := ProportionTest(1, 1000, 9, 2000), FisherExact(1, 1000, 9, 2000).Less
	fmt.Printf("%s %.3f, one-sided %.3f\n", exact.Method, exact.P, tooMany.P)
	// Output: exact 0.180, one-sided 0.104
}
