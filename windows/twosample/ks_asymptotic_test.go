package twosample

import (
	"fmt"
	"math"
	"testing"
)

// checkAsymptotic compares a p-value with scipy's: within 1e-9 of it, or nearer
// to the true value than it is.
func checkAsymptotic(t *testing.T, name string, got PValue, scipy float64, truth *float64, truthText string) {
	t.Helper()
	if truth != nil && truthText != "" && *truth > 0 {
		logTruth := logOf(t, truthText)
		if relative(got.P, *truth) <= 1e-9 && math.Abs(got.LogP-logTruth) <= 1e-9 || math.Abs(got.P-*truth) < math.Abs(scipy-*truth) {
			return
		}
	}
	if truth != nil && *truth == 0 && truthText != "" && truthText != "0.0" {
		// Below the range of float64.
		if logTruth := logOf(t, truthText); got.P == 0 && math.Abs(got.LogP-logTruth) <= 1e-11*math.Abs(logTruth) {
			return
		}
	}
	if relative(got.P, scipy) <= 1e-9 || got.P < 1e-300 && scipy < 1e-300 {
		return // where scipy underflows or loses digits TestOneSidedTailBelowFloat64 looks
	}
	t.Errorf("%s: p %v (log %v), scipy %v (%.1e), truth %s", name, got.P, got.LogP, scipy, relative(got.P, scipy), truthText)
}

func TestOneSampleLawAgainstScipyAndTheTruth(t *testing.T) {
	type lawCase struct {
		N     float64  `json:"N"`
		X     float64  `json:"x"`
		Scipy float64  `json:"sf_scipy"`
		Ref   *float64 `json:"sf_ref"`
		Text  *string  `json:"sf_ref_str"`
	}
	for _, c := range readOracle[lawCase](t, "kstwo.jsonl.gz") {
		text := ""
		if c.Text != nil {
			text = *c.Text
		}
		checkAsymptotic(t, fmt.Sprintf("N %v, x %v (Nx² %.4g)", c.N, c.X, c.N*c.X*c.X), ksOneSample(c.N, c.X), c.Scipy, c.Ref, text)
	}
}

func TestKSAsymptoticAgainstScipy(t *testing.T) {
	for _, c := range readOracle[ksCase](t, "ks.jsonl.gz") {
		if c.Asymptotic != nil {
			checkAsymptotic(t, c.Name, KSAsymptotic(c.N, c.M, c.D), *c.Asymptotic, nil, "")
		}
	}
	type sizesCase struct {
		ksPValueCase
		Asymptotic *float64 `json:"p_asymp"`
	}
	for _, c := range readOracle[sizesCase](t, "ks_pvalue.jsonl.gz") {
		if c.Asymptotic != nil {
			checkAsymptotic(t, nameOf(c.N, c.M, c.H), KSAsymptotic(c.N, c.M, c.D), *c.Asymptotic, nil, "")
		}
	}
}

// Sums of all terms in 40-digit decimal arithmetic, of which scipy has 0 or a
// few bits.
func TestOneSidedTailBelowFloat64(t *testing.T) {
	for _, c := range []struct{ size, d, want float64 }{
		{5000, 0.2687, -733.5075090212356379727668256746517239585},
		{50000, 0.08586501033599192, -737.8536743314697246978890116851550859186},
		{50000, 0.08631222393149189, -745.5794546116844291337586954212457557891},
		{100000, 0.06103195884124972, -744.9438199645474743584169661221433578894},
		{20000, 0.5001, -10650.05672865866990654393530582010662917},
		{20000, 0.9, -46042.98026341569819333294918603479949052},
	} {
		got := ksOneSample(c.size, c.d)
		if relative(got.LogP, c.want) > 1e-12 || got.P != math.Exp(got.LogP) {
			t.Errorf("N %v, d %v: %+v, want log p %v", c.size, c.d, got, c.want)
		}
	}
}

func TestOneSidedTailOfEveryFewTermsIsThatOfAll(t *testing.T) {
	for _, size := range []float64{141, 600, 1000, 3333, 20_000, 200_001} {
		for _, d := range []float64{1.483 / math.Sqrt(size), 2 / math.Sqrt(size), 4 / math.Sqrt(size), 15 / math.Sqrt(size), 0.3, 0.5, 0.8, 0.95} {
			if size*d*d < 2.2 || d > 0.99 {
				continue
			}
			got, want := logOneSidedTail(size, d), logOneSidedTailEvery(1, size, d)
			if math.Abs(got-want) > 1e-12*max(1, -want) {
				t.Errorf("N %v, d %v: %v, all terms give %v", size, d, got, want)
			}
		}
	}
}

func TestKSAsymptoticSpecialCases(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name string
		n, m int
		d    float64
		p    float64
	}{
		{"no reference", 0, 5, 0.5, nan},
		{"no current sample", 5, 0, 0.5, nan},
		{"no statistic", 5, 5, nan, nan},
		{"two single values", 1, 1, 1, 1},
		{"no difference", 5, 7, 0, 1},
		{"disjoint", 50, 70, 1, 0},
	} {
		got := KSAsymptotic(c.n, c.m, c.d)
		if got.Method != Asymptotic || got.P != c.p && !(math.IsNaN(got.P) && math.IsNaN(c.p)) {
			t.Errorf("%s: %+v, want %v", c.name, got, c.p)
		}
	}
}

func TestKSPValueIsExactUpToTenThousand(t *testing.T) {
	for _, c := range readOracle[ksCase](t, "ks.jsonl.gz") {
		got := KSPValue(c.N, c.M, c.H)
		want := Exact
		if c.AutoMethod == "asymp" {
			want = Asymptotic
		}
		if got.Method != want {
			t.Errorf("%s: %s, want %s", c.Name, got.Method, want)
		}
		if want == Exact && c.Exact != nil {
			checkExact(t, c.Name, got, c.ExactText)
		}
		if want == Asymptotic {
			checkAsymptotic(t, c.Name, got, c.Auto, nil, "")
		}
	}
	if got := KSPValue(10_000, 10_001, math.MaxUint64); !math.IsNaN(got.P) {
		t.Errorf("a statistic above 1 has p %v", got.P)
	}
	if got := KSPValue(0, 3, 0); !math.IsNaN(got.P) {
		t.Errorf("an empty sample has p %v", got.P)
	}
}

func TestKSPValueFallsWithD(t *testing.T) {
	for _, sizes := range [][2]int{{50, 50}, {50, 60}, {9, 700}, {20_000, 20_000}, {150, 20_000}, {400, 20_000}} {
		lcm, _, _, _ := leastCommonMultiple(uint64(sizes[0]), uint64(sizes[1]))
		before := KSPValue(sizes[0], sizes[1], 0)
		for k := uint64(1); k <= 200; k++ {
			h := lcm * k / 200
			got := KSPValue(sizes[0], sizes[1], h)
			// From one formula to the next p may step up within their accuracy.
			if got.LogP > before.LogP+1e-4 || got.P < 0 || got.P > 1 {
				t.Errorf("%v: p rises from %+v to %+v at h %d", sizes, before, got, h)
			}
			before = got
		}
	}
}

// Where d is near 1 only the first few terms exist, each a factor of e^−1000
// below the one before it: the p-value is (1−d)^N, not 1.
func TestTailNearOne(t *testing.T) {
	for _, size := range []float64{1000, 5890, 100_000} {
		for values := 1.5; values < 40; values++ { // N(1−d)
			d := 1 - values/size
			want := math.Ln2 + size*math.Log1p(-d)
			got := ksOneSample(size, d)
			if got.P > 1e-300 || got.LogP < want || got.LogP > want+2*values {
				t.Errorf("N %v, d %v: log p %v, want about %v", size, d, got.LogP, want)
			}
		}
	}
}
