package twosample

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestChiSquareAgainstSixtyDigits(t *testing.T) {
	for _, c := range readOracle[countsCase](t, "counts.jsonl.gz") {
		got := ChiSquare(c.Ref, c.Cur)
		if relative(got.Statistic, c.Chi2) > 1e-13 || got.DegreesOfFreedom != c.DoF || relative(got.CramersV, c.CramersV) > 1e-13 {
			t.Errorf("%s: %+v, want %v on %d degrees of freedom, V %v", c.Name, got, c.Chi2, c.DoF, c.CramersV)
		}
		p := got.PValue()
		logWant := logOf(t, c.Chi2PText)
		if relative(p.P, c.Chi2P) > 1e-12 || math.Abs(p.LogP-logWant) > 1e-12*max(1, -logWant) {
			t.Errorf("%s: p %v (log %v), want %v (log %v), %.1e", c.Name, p.P, p.LogP, c.Chi2P, logWant, relative(p.P, c.Chi2P))
		}
		back := ChiSquare(c.Cur, c.Ref)
		if relative(back.Statistic, got.Statistic) > 1e-15 || back.MinExpected != got.MinExpected {
			t.Errorf("%s: exchanged %+v, want %+v", c.Name, back, got)
		}
	}
}

func TestChiSquareAgainstItsDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(67, 71))
	for range 500 {
		reference, current := randomTable(random)
		n, m, _ := sameBins(reference, current)
		want, least := 0.0, math.Inf(1)
		for i := range reference {
			column := float64(reference[i] + current[i])
			if column == 0 {
				continue
			}
			for _, cell := range [][2]float64{{float64(reference[i]), float64(n)}, {float64(current[i]), float64(m)}} {
				expected := column * cell[1] / float64(n+m)
				want += (cell[0] - expected) * (cell[0] - expected) / expected
				least = min(least, expected)
			}
		}
		got := ChiSquare(reference, current)
		if relative(got.Statistic, want) > 1e-12 || relative(got.MinExpected, least) > 1e-14 {
			t.Fatalf("%v and %v: %+v, want %v, least expected %v", reference, current, got, want, least)
		}
	}
}

func TestChiSquareSpecialCases(t *testing.T) {
	for _, c := range [][2][]uint64{
		{nil, nil}, {{0, 0}, {1, 2}}, {{1, 2}, {0, 0}}, {{1}, {1, 2}}, {{math.MaxUint64, 1}, {1, 1}}, {{math.MaxInt64}, {1}},
	} {
		got := ChiSquare(c[0], c[1])
		if !math.IsNaN(got.Statistic) || !math.IsNaN(got.CramersV) || !math.IsNaN(got.PValue().P) || !math.IsNaN(got.MinExpected) {
			t.Errorf("%v: %+v, want NaN", c, got)
		}
		if p := ChiSquarePermutation(c[0], c[1], 99); !math.IsNaN(p.P) {
			t.Errorf("%v: permutation p %+v, want NaN", c, p)
		}
		if p := ChiSquareMatched(c[0], c[1]); !math.IsNaN(p.P) {
			t.Errorf("%v: matched p %+v, want NaN", c, p)
		}
	}
	if p := (ChiSquareResult{Statistic: math.Inf(1), DegreesOfFreedom: 3}).PValue(); p.P != 0 || !math.IsInf(p.LogP, -1) {
		t.Errorf("an infinite statistic: %+v", p)
	}
	one := ChiSquare([]uint64{0, 5}, []uint64{0, 9})
	if one.Statistic != 0 || one.DegreesOfFreedom != 0 || one.CramersV != 0 || one.PValue().P != 1 {
		t.Errorf("one category: %+v, p %+v", one, one.PValue())
	}
	if disjoint := ChiSquare([]uint64{5, 0}, []uint64{0, 9}); disjoint.CramersV != 1 {
		t.Errorf("disjoint: %+v, want V 1", disjoint)
	}
}

func TestGammaTailIsOneCurve(t *testing.T) {
	// Either side of the change of formula.
	for _, a := range []float64{0.01, 0.5, 1, 3, 20, 500, 5000} {
		for _, x := range []float64{a + 30, a + 49.9, a + 60, a + 200} {
			got := gammaTail(a, x, Asymptotic)
			// Q is a solution of a recurrence: Q(a+1, x) = Q(a, x) + xᵃe^(−x)/Γ(a+1).
			next := gammaTail(a+1, x, Asymptotic)
			logGamma, _ := math.Lgamma(a + 1)
			want := math.Exp(got.LogP-next.LogP) + math.Exp(a*math.Log(x)-x-logGamma-next.LogP)
			if math.Abs(want-1) > 1e-10 {
				t.Errorf("a %v, x %v: Q(a+1) is %v of what the recurrence gives", a, x, want)
			}
		}
	}
}
