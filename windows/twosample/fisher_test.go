package twosample

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
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
		z, got := ProportionTest(c.k1, c.n1, c.k2, c.n2)
		wantZ, want := TwoProportions(c.k1, c.n1, c.k2, c.n2)
		if c.method == Exact {
			want = FisherExact(c.k1, c.n1, c.k2, c.n2).TwoSided
		}
		if got != want || got.Method != c.method || z != wantZ && !(math.IsNaN(z) && math.IsNaN(wantZ)) {
			t.Errorf("%+v: %+v, want %+v", c, got, want)
		}
		if _, back := ProportionTest(c.k2, c.n2, c.k1, c.n1); relative(back.P, got.P) > 1e-12 {
			t.Errorf("%+v exchanged: %+v", c, back)
		}
	}
	if _, got := ProportionTest(0, 50, 0, 70); got.P != 1 {
		t.Errorf("no success at all: %+v", got)
	}
	for _, c := range [][4]uint64{{0, 0, 1, 2}, {1, 2, 0, 0}, {3, 2, 1, 2}, {1, 2, 3, 2}, {1, math.MaxInt64, 1, 2}} {
		r := FisherExact(c[0], c[1], c[2], c[3])
		zTest, test := ProportionTest(c[0], c[1], c[2], c[3])
		zIncrease, increase := ProportionIncrease(c[0], c[1], c[2], c[3])
		if !math.IsNaN(zTest) || !math.IsNaN(zIncrease) {
			t.Errorf("%v: z is %v and %v, want NaN", c, zTest, zIncrease)
		}
		for _, p := range []PValue{r.Less, r.Greater, r.TwoSided, test, increase} {
			if !math.IsNaN(p.P) || !math.IsNaN(p.LogP) {
				t.Errorf("%v: %+v, want NaN", c, p)
			}
		}
	}
}

func TestProportionIncreaseIsFishersTailWhereCountsAreSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(151, 157))
	for range 2000 {
		n1, n2 := 1+random.Uint64N(300), 1+random.Uint64N(300)
		k1, k2 := random.Uint64N(n1+1), random.Uint64N(n2+1)
		z, p := ProportionIncrease(k1, n1, k2, n2)
		if want := FisherExact(k1, n1, k2, n2).Less; p != want {
			t.Fatalf("%d/%d to %d/%d: %+v, want %+v", k1, n1, k2, n2, p, want)
		}
		// Increase and decrease share the observed split alone.
		_, decrease := ProportionIncrease(k2, n2, k1, n1)
		if both := p.P + decrease.P; !(both >= 1-1e-12 && both <= 2) {
			t.Fatalf("%d/%d to %d/%d: p %v, and %v the other way", k1, n1, k2, n2, p.P, decrease.P)
		}
		if k1*n2 < k2*n1 != (z > 0) {
			t.Fatalf("%d/%d to %d/%d: z %v", k1, n1, k2, n2, z)
		}
	}
}

func TestProportionIncreaseOfLargeCountsIsHalfTheTwoSidedTest(t *testing.T) {
	const n = 1_000_000
	for _, k := range []uint64{3000, 40_000, n / 2, n - 3000} {
		for _, more := range []uint64{0, 30, 300, 3000} {
			z, p := ProportionIncrease(k, n, min(n, k+more), n)
			wantZ, two := TwoProportions(min(n, k+more), n, k, n)
			if z != wantZ || p.Method != Asymptotic || math.Abs(p.LogP-(two.LogP-math.Ln2)) > 1e-12*max(1, -two.LogP) {
				t.Errorf("%d and %d more: z %v, %+v, want %v, half of %+v", k, more, z, p, wantZ, two)
			}
			if _, back := ProportionIncrease(min(n, k+more), n, k, n); math.Abs(back.P-(1-p.P)) > 1e-15 {
				t.Errorf("%d and %d fewer: p %v, want 1 less %v", k, more, back.P, p.P)
			}
		}
	}
	// From one law to the other p changes by as much as the comment says.
	z, exact := ProportionIncrease(940, 1e9, 1028, 1e9)
	if law := 0.5 * math.Erfc(z/math.Sqrt2); z < 1.9 || z > 2.1 || exact.Method != Exact || relative(law, exact.P) > 0.08 {
		t.Errorf("z %v: %+v, the normal law has %v", z, exact, law)
	}
}

func TestProportionIncreaseOfNothing(t *testing.T) {
	for _, c := range [][4]uint64{{0, 50, 0, 70}, {50, 50, 70, 70}, {0, 1e12, 0, 3}} {
		if z, p := ProportionIncrease(c[0], c[1], c[2], c[3]); !math.IsNaN(z) || p.P != 1 || p.LogP != 0 {
			t.Errorf("%v: z %v, %+v", c, z, p)
		}
	}
}

func ExampleProportionTest() {
	// One error in a thousand requests before, nine in two thousand now.
	_, changed := ProportionTest(1, 1000, 9, 2000)
	z, more := ProportionIncrease(1, 1000, 9, 2000)
	fmt.Printf("%s %.3f; more of them: z %.2f, p %.3f\n", changed.Method, changed.P, z, more.P)
	// Output: exact 0.180; more of them: z 1.57, p 0.104
}
