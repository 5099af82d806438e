package drift

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// testdata/bh.jsonl.gz has 26 families of p-values with what Benjamini and
// Hochberg make of them: adj_exact in rational arithmetic, rounded once, and
// adj_scipy as scipy 1.17.1 has it.
func TestAdjustBHAgainstRationalArithmetic(t *testing.T) {
	file, err := os.Open(filepath.Join("testdata", "bh.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	families := 0
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		families++
		var c struct {
			P     []float64 `json:"p"`
			Exact []float64 `json:"adj_exact"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		for i, got := range Adjust(CorrectionBH, c.P) {
			if want := c.Exact[i]; math.Abs(got-want) > 4e-16*want {
				t.Errorf("family %d: %v became %v, want %v", families, c.P[i], got, want)
			}
		}
	}
	if err := scanner.Err(); err != nil || families != 26 {
		t.Errorf("read %d families: %v", families, err)
	}
}

func TestAdjustByHand(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name    string
		method  string
		p, want []float64
	}{
		{"no tests", CorrectionBH, nil, nil},
		{"one test", CorrectionBH, []float64{0.03}, []float64{0.03}},
		{"out of order", CorrectionBH, []float64{0.5, 0.01}, []float64{0.5, 0.02}},
		{"a larger one pulls a smaller down", CorrectionBH, []float64{0.03, 0.04}, []float64{0.04, 0.04}},
		{"a test that was not made", CorrectionBH, []float64{nan, 0.01, 0.5}, []float64{nan, 0.02, 0.5}},
		{"no test was made", CorrectionBH, []float64{nan, nan}, []float64{nan, nan}},
		{"certain", CorrectionBH, []float64{0, 0}, []float64{0, 0}},
		{"Holm", CorrectionHolm, []float64{0.04, 0.01, 0.03}, []float64{0.06, 0.03, 0.06}},
		{"Holm does not exceed 1", CorrectionHolm, []float64{0.9, 0.5}, []float64{1, 1}},
		{"Holm without a test", CorrectionHolm, []float64{0.25, nan}, []float64{0.25, nan}},
		{"none", CorrectionNone, []float64{0.3, nan, 0.1}, []float64{0.3, nan, 0.1}},
		{"no such procedure", "bonferoni", []float64{0.3, 0}, []float64{nan, nan}},
	} {
		before := slices.Clone(c.p)
		got := Adjust(c.method, c.p)
		for i := range c.want {
			if math.Abs(got[i]-c.want[i]) > 1e-15 || math.IsNaN(got[i]) != math.IsNaN(c.want[i]) {
				t.Errorf("%s: %v became %v, want %v", c.name, c.p, got, c.want)
				break
			}
		}
		for i := range before {
			if math.Float64bits(before[i]) != math.Float64bits(c.p[i]) {
				t.Errorf("%s: the caller's p-values were changed to %v", c.name, c.p)
			}
		}
	}
}

// The procedures as they were published: step up and step down at one level.
func TestAdjustRejectsWhatTheProceduresReject(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 8))
	for range 500 {
		p := make([]float64, 1+random.IntN(30))
		for i := range p {
			p[i] = math.Pow(random.Float64(), 1+2*float64(i%3))
		}
		sorted := slices.Sorted(slices.Values(p))
		alpha := 0.3 * random.Float64()
		m := float64(len(p))
		upTo := -1 // Benjamini–Hochberg: the largest rank that passes, and all below
		for k, v := range sorted {
			if v <= alpha*float64(k+1)/m {
				upTo = k
			}
		}
		before := 0 // Holm: every rank before the first that fails
		for before < len(p) && sorted[before] <= alpha/(m-float64(before)) {
			before++
		}
		for i, v := range p {
			if got, want := Adjust(CorrectionBH, p)[i] <= alpha, upTo >= 0 && v <= sorted[upTo]; got != want {
				t.Fatalf("bh at %v of %v: %v is rejected: %v, want %v", alpha, p, v, got, want)
			}
			if got, want := Adjust(CorrectionHolm, p)[i] <= alpha, before > 0 && v <= sorted[before-1]; got != want {
				t.Fatalf("holm at %v of %v: %v is rejected: %v, want %v", alpha, p, v, got, want)
			}
		}
	}
}
