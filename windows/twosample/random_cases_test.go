package twosample

import (
	"math"
	"slices"
	"testing"
)

// A randomCase is one line of random_cases.jsonl.gz, which a script in testdata
// makes; each kind has some of the fields.
type randomCase struct {
	Kind       string    `json:"kind"`
	N          int       `json:"n"`
	M          int       `json:"m"`
	H          uint64    `json:"h"`
	X          any       `json:"x"`
	Y          []float64 `json:"y"`
	Size       float64   `json:"size"`
	D          float64   `json:"d"`
	K1         uint64    `json:"k1"`
	N1         uint64    `json:"n1"`
	K2         uint64    `json:"k2"`
	N2         uint64    `json:"n2"`
	Windows    int       `json:"windows"`
	Degrees    int       `json:"degrees"`
	Ratio      float64   `json:"ratio"`
	Centre     float64   `json:"centre"`
	Ref        []uint64  `json:"ref"`
	Cur        []uint64  `json:"cur"`
	PSI        float64   `json:"psi"`
	JS         float64   `json:"js"`
	Hellinger  float64   `json:"hellinger"`
	TV         float64   `json:"tv"`
	Chi2       float64   `json:"chi2"`
	DoF        int       `json:"dof"`
	Area       float64   `json:"area"`
	Z          float64   `json:"z"`
	P          float64   `json:"p"`
	LogP       *float64  `json:"log_p"`
	LogLess    *float64  `json:"log_less"`
	LogGreater *float64  `json:"log_greater"`
	LogTwo     *float64  `json:"log_two"`
}

// values is a list of numbers in the field x.
func (c randomCase) values(t *testing.T) []float64 {
	t.Helper()
	list, ok := c.X.([]any)
	if !ok {
		t.Fatalf("%s: x is %v, not a list", c.Kind, c.X)
	}
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = v.(float64)
	}
	slices.Sort(values)
	return values
}

// checkLog compares logarithms of p-values: a relative error of p of tolerance,
// and where p is small that relative error of its logarithm, a hundred times
// smaller.
func (c randomCase) checkLog(t *testing.T, name string, got PValue, want *float64, tolerance float64) {
	t.Helper()
	switch {
	case want == nil:
		if name == "p" {
			return // too far out for the reference
		}
		if got.P != 0 || !math.IsInf(got.LogP, -1) {
			t.Errorf("%s: %s is %+v, want 0", c.Kind, name, got)
		}
	case !(math.Abs(got.LogP-*want) <= tolerance*max(1, -*want/100)):
		c.X, c.Y = nil, c.Y[:min(len(c.Y), 5)]
		t.Errorf("%s %+v: log %s is %v, want %v (off by %.1e)", c.Kind, c, name, got.LogP, *want, got.LogP-*want)
	case !(got.P >= 0 && got.P <= 1):
		t.Errorf("%s: %s is %v", c.Kind, name, got.P)
	}
}

func (c randomCase) checkValue(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(relative(got, want) <= tolerance) {
		c.X, c.Y = nil, c.Y[:min(len(c.Y), 5)]
		t.Errorf("%s %+v: %s is %v, want %v (%.1e)", c.Kind, c, name, got, want, relative(got, want))
	}
}

func TestRandomCases(t *testing.T) {
	kinds := make(map[string]int)
	for _, c := range readOracle[randomCase](t, "random_cases.jsonl.gz") {
		kinds[c.Kind]++
		switch c.Kind {
		case "ks_exact":
			if c.LogP == nil { // every path stays inside: there is no such h
				t.Errorf("n %d, m %d, h %d: no p-value to compare with", c.N, c.M, c.H)
			}
			c.checkLog(t, "p", KSExact(c.N, c.M, c.H), c.LogP, 1e-12)
			c.checkLog(t, "p, exchanged", KSExact(c.M, c.N, c.H), c.LogP, 1e-12)
		case "ks_tied":
			x := c.values(t)
			c.checkLog(t, "p, tied", KSExactTied(x, c.Y, c.H), c.LogP, 1e-12)
			c.checkLog(t, "p, tied, exchanged", KSExactTied(c.Y, x, c.H), c.LogP, 1e-12)
		case "one_sample_tail":
			c.checkLog(t, "p", ksOneSample(c.Size, c.D), c.LogP, 2e-12)
		case "one_sample_scipy":
			if got := ksOneSample(c.Size, c.D); relative(got.P, c.P) > 1e-9 {
				t.Errorf("N %v, d %v (Nd² %.4g): %v, scipy has %v (%.1e)", c.Size, c.D, c.Size*c.D*c.D, got.P, c.P, relative(got.P, c.P))
			}
		case "fisher":
			r, back := FisherExact(c.K1, c.N1, c.K2, c.N2), FisherExact(c.K2, c.N2, c.K1, c.N1)
			c.checkLog(t, "less", r.Less, c.LogLess, 1e-11)
			c.checkLog(t, "greater", r.Greater, c.LogGreater, 1e-11)
			c.checkLog(t, "two-sided", r.TwoSided, c.LogTwo, 1e-11)
			c.checkLog(t, "greater, exchanged", back.Greater, c.LogLess, 1e-11)
			c.checkLog(t, "less, exchanged", back.Less, c.LogGreater, 1e-11)
			c.checkLog(t, "two-sided, exchanged", back.TwoSided, c.LogTwo, 1e-11)
		case "beta_tail":
			// With an inflation of 1 the statistic is windows times the ratio.
			got := ChiSquareCalibrated(c.Ratio*float64(c.Windows), c.Degrees, 1, c.Windows)
			c.checkLog(t, "p, calibrated", got, c.LogP, 1e-11)
		case "non_central":
			x, _ := c.X.(float64)
			c.checkLog(t, "p, non-central", nonCentralTail(float64(c.Degrees)/2, c.Centre/2, x/2), c.LogP, 1e-10)
		case "counts":
			r := ChiSquare(c.Ref, c.Cur)
			c.checkValue(t, "PSI", PSI(c.Ref, c.Cur), c.PSI, 1e-13)
			c.checkValue(t, "Jensen–Shannon", JensenShannon(c.Ref, c.Cur), c.JS, 1e-13)
			c.checkValue(t, "Hellinger", Hellinger(c.Ref, c.Cur), c.Hellinger, 1e-13)
			c.checkValue(t, "total variation", TotalVariation(c.Ref, c.Cur), c.TV, 1e-14)
			c.checkValue(t, "chi-square", r.Statistic, c.Chi2, 1e-13)
			if r.DegreesOfFreedom != c.DoF {
				t.Errorf("%v, %v: %d degrees of freedom, want %d", c.Ref, c.Cur, r.DegreesOfFreedom, c.DoF)
			}
			c.checkLog(t, "p", r.PValue(), c.LogP, 1e-12)
		case "area":
			c.checkValue(t, "area", Wasserstein(c.values(t), c.Y), c.Area, 1e-14)
		case "proportions":
			z, p := TwoProportions(c.K1, c.N1, c.K2, c.N2)
			c.checkValue(t, "z", z, c.Z, 1e-14)
			c.checkLog(t, "p", p, c.LogP, 1e-12)
		default:
			t.Errorf("%q is no kind of case", c.Kind)
		}
	}
	if len(kinds) != 10 {
		t.Errorf("%v: want 10 kinds of cases", kinds)
	}
}
