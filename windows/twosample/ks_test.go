package twosample

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// A ksCase is one line of ks.jsonl.gz.
type ksCase struct {
	pairSource
	Name       string            `json:"name"`
	N          int               `json:"n"`
	M          int               `json:"m"`
	H          uint64            `json:"h"`
	LCM        uint64            `json:"lcm"`
	D          float64           `json:"d"`
	Locs       []json.RawMessage `json:"locs"`
	Ties       bool              `json:"ties"`
	Auto       float64           `json:"p_auto"`
	AutoMethod string            `json:"auto_method"`
	Asymptotic *float64          `json:"p_asymp"`
	Exact      *float64          `json:"p_exact"`
	ExactText  string            `json:"p_exact_str"`
	TiedExact  *float64          `json:"p_ties_exact"`
}

func (c ksCase) firstLocation(t *testing.T) (location float64, sign int) {
	t.Helper()
	var pair []jsonReal
	if err := json.Unmarshal(c.Locs[0], &pair); err != nil {
		t.Fatal(err)
	}
	return float64(pair[0]), int(pair[1])
}

func TestKSAgainstIntegerArithmetic(t *testing.T) {
	for _, c := range readOracle[ksCase](t, "ks.jsonl.gz") {
		got := KS(c.x().sorted(t), c.y().sorted(t))
		location, sign := c.firstLocation(t)
		if got.N != c.N || got.M != c.M || got.H != c.H || got.LCM != c.LCM || got.D != c.D {
			t.Errorf("%s: %+v, want n %d, m %d, %d/%d = %v", c.Name, got, c.N, c.M, c.H, c.LCM, c.D)
		}
		if got.Location != location || got.Sign != sign {
			t.Errorf("%s: at %v sign %d, want %v sign %d", c.Name, got.Location, got.Sign, location, sign)
		}
	}
}

func readColumn(t testing.TB, name string) []float64 {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var values []float64
	for _, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	slices.Sort(values)
	return values
}

// The example that started it all: a feature drawn from N(0, 1) in training
// and from N(0.5, 1.2) in production.
func TestKSOfShiftedNormals(t *testing.T) {
	got := KS(readColumn(t, "normal_reference.csv"), readColumn(t, "normal_current.csv"))
	want := KSResult{N: 1000, M: 1000, H: 211, LCM: 1000, D: 0.211, Location: 0.48206683552552526, Sign: +1}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestKSSpecialCases(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name               string
		reference, current []float64
		d, location        float64
		sign               int
	}{
		{"an empty reference", nil, []float64{1}, nan, nan, 0},
		{"an empty current sample", []float64{1}, nil, nan, nan, 0},
		{"NaN in the reference", []float64{nan, 1}, []float64{1, 2}, nan, nan, 0},
		{"NaN in the current sample", []float64{1, 2}, []float64{nan, 1}, nan, nan, 0},
		{"the same sample", []float64{1, 2}, []float64{1, 2}, 0, 1, 0},
		{"the same distribution", []float64{1, 2}, []float64{1, 1, 2, 2}, 0, 1, 0},
		{"zeros of either sign", []float64{math.Copysign(0, -1), 1}, []float64{0, 1}, 0, 0, 0},
		{"a reference below", []float64{1, 2}, []float64{3}, 1, 2, +1},
		{"a reference above", []float64{3}, []float64{1, 2}, 1, 2, -1},
		{"a reference at minus infinity", []float64{-inf, -inf}, []float64{0}, 1, -inf, +1},
		{"a reference at infinity", []float64{inf}, []float64{0, 1}, 1, 1, -1},
		{"both gaps alike, the smaller value is named", []float64{1, 4}, []float64{2, 3}, 0.5, 1, +1},
		{"both gaps alike, current first", []float64{2, 3}, []float64{1, 4}, 0.5, 1, -1},
	} {
		got := KS(c.reference, c.current)
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		if !same(got.D, c.d) || !same(got.Location, c.location) || got.Sign != c.sign {
			t.Errorf("%s: %+v, want D %v at %v, sign %d", c.name, got, c.d, c.location, c.sign)
		}
	}
}

// slowKS looks at F and G at every value, counting from the start each time.
func slowKS(reference, current []float64) KSResult {
	n, m := len(reference), len(current)
	lcm, up, down, _ := leastCommonMultiple(uint64(n), uint64(m))
	result := KSResult{N: n, M: m, LCM: lcm}
	pooled := slices.Sorted(slices.Values(slices.Concat(reference, current)))
	result.Location = pooled[0]
	upTo := func(sample []float64, v float64) (count int64) {
		for _, x := range sample {
			if x <= v {
				count++
			}
		}
		return count
	}
	for _, v := range pooled {
		d := upTo(reference, v)*int64(up) - upTo(current, v)*int64(down)
		sign := 1
		if d < 0 {
			sign, d = -1, -d
		}
		if uint64(d) > result.H {
			result.H, result.Location, result.Sign = uint64(d), v, sign
		}
	}
	result.D = float64(result.H) / float64(lcm)
	return result
}

// randomSample is sorted; few levels make many ties.
func randomSample(random *rand.Rand, n, levels int, shift float64) []float64 {
	sample := make([]float64, n)
	for i := range sample {
		sample[i] = random.NormFloat64() + shift
		if levels > 0 {
			sample[i] = math.Round(sample[i] * float64(levels) / 4)
		}
	}
	slices.Sort(sample)
	return sample
}

func TestKSIsWhatCountingAtEveryValueGives(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for k := range 4000 {
		levels := []int{0, 2, 5, 40}[k%4]
		shift := []float64{0, 0.1, 1, -3}[k/4%4]
		// Long against long, long against short, tiny: strides behave unlike.
		n, m := 1+random.IntN(400), 1+random.IntN(400)
		if k%5 == 0 {
			n = 1 + random.IntN(6)
		}
		if k%7 == 0 {
			m = 1 + random.IntN(6)
		}
		x, y := randomSample(random, n, levels, 0), randomSample(random, m, levels, shift)
		got, want := KS(x, y), slowKS(x, y)
		if got != want {
			t.Fatalf("n %d, m %d, levels %d, shift %v: %+v, want %+v", n, m, levels, shift, got, want)
		}
		// Exchanging the samples turns the sign alone.
		back := KS(y, x)
		want.N, want.M, want.Sign = want.M, want.N, -want.Sign
		if back != want {
			t.Fatalf("exchanged: %+v, want %+v", back, want)
		}
	}
}

func TestKSDependsOnOrderAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	for range 200 {
		x := randomSample(random, 1+random.IntN(300), 9, 0)
		y := randomSample(random, 1+random.IntN(300), 9, 0.2)
		before := KS(x, y)
		increasing := func(sample []float64) []float64 {
			mapped := make([]float64, len(sample))
			for i, v := range sample {
				mapped[i] = math.Exp(v/3) + 2
			}
			return mapped
		}
		after := KS(increasing(x), increasing(y))
		if after.H != before.H || after.Sign != before.Sign || after.Location != math.Exp(before.Location/3)+2 {
			t.Fatalf("%+v became %+v under an increasing map", before, after)
		}
		decreasing := func(sample []float64) []float64 {
			mapped := make([]float64, len(sample))
			for i, v := range sample {
				mapped[len(sample)-1-i] = -v
			}
			return mapped
		}
		if after := KS(decreasing(x), decreasing(y)); after.H != before.H {
			t.Fatalf("%+v became %+v under a decreasing map", before, after)
		}
	}
}

func TestRatioIsCorrectlyRoundedBeyondFloat64Integers(t *testing.T) {
	const lcm = 1<<60 + 1
	for _, c := range []struct {
		h    uint64
		want float64
	}{{0, 0}, {lcm, 1}, {lcm - 1, 1}, {lcm / 3, 1.0 / 3}} {
		if got := ratio(c.h, lcm); got != c.want {
			t.Errorf("%d/%d is %v, want %v", c.h, uint64(lcm), got, c.want)
		}
	}
}

func TestKSOfSamplesTooLargeForTheirCommonMultiple(t *testing.T) {
	if _, _, _, ok := leastCommonMultiple(1<<32+1, 1<<32); ok {
		t.Error("a least common multiple of over 63 bits was taken for one that fits")
	}
	lcm, stepN, stepM, ok := leastCommonMultiple(50_000_000, 49_999_999)
	if !ok || lcm != 50_000_000*49_999_999 || stepN != 49_999_999 || stepM != 50_000_000 {
		t.Errorf("lcm %d, steps %d and %d, %v", lcm, stepN, stepM, ok)
	}
}

func ExampleKS() {
	reference := []float64{1, 2, 3, 4}
	current := []float64{3, 4, 5, 6}
	result := KS(reference, current)
	fmt.Println(result.D, result.Location, result.Sign)
	// Output: 0.5 2 1
}
