package twosample

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

// A ksPValueCase is one line of ks_pvalue.jsonl.gz.
type ksPValueCase struct {
	N         int      `json:"n"`
	M         int      `json:"m"`
	H         uint64   `json:"h"`
	LCM       uint64   `json:"lcm"`
	D         float64  `json:"d"`
	Exact     *float64 `json:"p_exact"`
	ExactText string   `json:"p_exact_str"`
}

// logOf is the natural logarithm of a decimal that may underflow float64.
func logOf(t *testing.T, decimal string) float64 {
	t.Helper()
	value, ok := new(big.Float).SetPrec(200).SetString(decimal)
	if !ok {
		t.Fatalf("no number: %q", decimal)
	}
	mantissa := new(big.Float)
	exponent := value.MantExp(mantissa)
	fraction, _ := mantissa.Float64()
	return math.Log(fraction) + float64(exponent)*math.Ln2
}

// checkExact compares an exact p-value with one of 30 digits.
func checkExact(t *testing.T, name string, got PValue, want string) {
	t.Helper()
	logWant := logOf(t, want)
	if e := math.Abs(got.LogP - logWant); e > 1e-12*max(1, -logWant/5) {
		t.Errorf("%s: log p %v, want %v (%.1e)", name, got.LogP, logWant, e)
	}
	value, _ := new(big.Float).SetPrec(200).SetString(want)
	p, _ := value.Float64()
	tolerance := 1e-12 * p
	if p < 1e-300 {
		tolerance = max(1e-9*p, 5e-324)
	}
	if math.Abs(got.P-p) > tolerance {
		t.Errorf("%s: p %v, want %v (%.1e)", name, got.P, p, relative(got.P, p))
	}
	if p == 1 && got.P != 1 {
		t.Errorf("%s: p %v, want 1", name, got.P)
	}
}

func TestKSExactAgainstBigIntegers(t *testing.T) {
	for _, c := range readOracle[ksPValueCase](t, "ks_pvalue.jsonl.gz") {
		if c.Exact == nil {
			continue
		}
		name := nameOf(c.N, c.M, c.H)
		checkExact(t, name, KSExact(c.N, c.M, c.H), c.ExactText)
		checkExact(t, name+" exchanged", KSExact(c.M, c.N, c.H), c.ExactText)
	}
	for _, c := range readOracle[ksCase](t, "ks.jsonl.gz") {
		if c.Exact != nil {
			checkExact(t, c.Name, KSExact(c.N, c.M, c.H), c.ExactText)
		}
	}
}

func nameOf(n, m int, h uint64) string { return fmt.Sprintf("n %d, m %d, h %d", n, m, h) }

// countPaths counts, in big integers and without any short cut, the lattice
// paths that stay strictly inside the band: p is 1 less their share.
func countPaths(n, m int, h uint64) *big.Rat {
	_, up, down, _ := leastCommonMultiple(uint64(n), uint64(m))
	column := make([]*big.Int, m+1)
	for i := range n + 1 {
		for j := range m + 1 {
			count := new(big.Int)
			distance := int64(i)*int64(up) - int64(j)*int64(down)
			switch {
			case uint64(max(distance, -distance)) >= h:
			case i == 0 && j == 0:
				count.SetInt64(1)
			default:
				if i > 0 {
					count.Add(count, column[j])
				}
				if j > 0 {
					count.Add(count, column[j-1])
				}
			}
			column[j] = count
		}
	}
	all := new(big.Int).Binomial(int64(n+m), int64(n))
	return new(big.Rat).SetFrac(new(big.Int).Sub(all, column[m]), all)
}

func TestKSExactIsTheShareOfPaths(t *testing.T) {
	for n := 1; n <= 9; n++ {
		for m := 1; m <= 14; m++ {
			lcm, _, _, _ := leastCommonMultiple(uint64(n), uint64(m))
			for h := uint64(0); h <= lcm; h++ {
				checkExact(t, nameOf(n, m, h), KSExact(n, m, h), countPaths(n, m, h).FloatString(40))
			}
		}
	}
	for _, sizes := range [][2]int{{20, 31}, {30, 45}, {17, 100}, {60, 61}, {64, 80}, {3, 300}} {
		lcm, _, _, _ := leastCommonMultiple(uint64(sizes[0]), uint64(sizes[1]))
		for h := uint64(1); h <= lcm; h += 1 + lcm/37 {
			checkExact(t, nameOf(sizes[0], sizes[1], h), KSExact(sizes[0], sizes[1], h), countPaths(sizes[0], sizes[1], h).FloatString(120))
		}
	}
}
