package twosample

import (
	"math"
	"testing"
)

func TestTwoProportionsAgainstSixtyDigits(t *testing.T) {
	type zCase struct {
		K1   uint64   `json:"k1"`
		N1   uint64   `json:"n1"`
		K2   uint64   `json:"k2"`
		N2   uint64   `json:"n2"`
		Z    *float64 `json:"z"`
		P    float64  `json:"p"`
		Text string   `json:"p_str"`
	}
	for _, c := range readOracle[zCase](t, "ztest.jsonl.gz") {
		z, p := TwoProportions(c.K1, c.N1, c.K2, c.N2)
		if c.Z == nil {
			if !math.IsNaN(z) || !math.IsNaN(p.P) {
				t.Errorf("%+v: z %v, p %+v, want NaN", c, z, p)
			}
			continue
		}
		if relative(z, *c.Z) > 1e-14 || relative(p.P, c.P) > 1e-12 || math.Abs(p.LogP-logOf(t, c.Text)) > 1e-12 {
			t.Errorf("%d/%d and %d/%d: z %v, want %v; p %v, want %v", c.K1, c.N1, c.K2, c.N2, z, *c.Z, p, c.P)
		}
		back, same := TwoProportions(c.K2, c.N2, c.K1, c.N1)
		if back != -z || same != p {
			t.Errorf("%d/%d and %d/%d exchanged: z %v, p %+v", c.K1, c.N1, c.K2, c.N2, back, same)
		}
	}
}

func TestNormalTailsAreOneCurve(t *testing.T) {
	// At the change of formula both have all digits, and beyond float64 the
	// logarithm goes on: log erfc(40), from a 50-digit sum.
	x := 26 * math.Sqrt2
	below, above := normalTails(x*(1-1e-15)), normalTails(x*(1+1e-15))
	if slope := below.LogP - above.LogP; slope < 0 || slope > 1e-11 {
		t.Errorf("log p %v below and %v above the change", below.LogP, above.LogP)
	}
	far := normalTails(40 * math.Sqrt2)
	if want := -1604.2615566532736; far.P != 0 || relative(far.LogP, want) > 1e-14 {
		t.Errorf("%+v, want log p %v", far, want)
	}
}

func TestTwoProportionsSpecialCases(t *testing.T) {
	for _, c := range [][4]uint64{{0, 0, 1, 2}, {1, 2, 0, 0}, {3, 2, 1, 2}, {1, 2, 3, 2}, {0, 5, 0, 7}, {5, 5, 7, 7}, {1, math.MaxInt64, 1, 2}} {
		if z, p := TwoProportions(c[0], c[1], c[2], c[3]); !math.IsNaN(z) || !math.IsNaN(p.P) || !math.IsNaN(p.LogP) {
			t.Errorf("%v: z %v, p %+v, want NaN", c, z, p)
		}
	}
}
