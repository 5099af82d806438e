package twosample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// A countsCase is one line of counts.jsonl.gz.
type countsCase struct {
	Name       string   `json:"name"`
	Ref        []uint64 `json:"ref"`
	Cur        []uint64 `json:"cur"`
	PSIRaw     *float64 `json:"psi_raw"`
	PSI        float64  `json:"psi_zero_to_1e4"`
	PSIAddHalf float64  `json:"psi_add_half"`
	JS         float64  `json:"js_divergence_bits"`
	JSDistance float64  `json:"js_distance"`
	Hellinger  float64  `json:"hellinger"`
	Chi2       float64  `json:"chi2"`
	DoF        int      `json:"dof"`
	Chi2P      float64  `json:"chi2_p"`
	Chi2PText  string   `json:"chi2_p_str"`
	CramersV   float64  `json:"cramers_v"`
}

func TestDivergencesAgainstSixtyDigits(t *testing.T) {
	for _, c := range readOracle[countsCase](t, "counts.jsonl.gz") {
		raw := math.Inf(1)
		if c.PSIRaw != nil {
			raw = *c.PSIRaw
		}
		for _, value := range []struct {
			name      string
			got, want float64
		}{
			{"PSI", PSI(c.Ref, c.Cur), c.PSI},
			{"PSI raw", PSIRaw(c.Ref, c.Cur), raw},
			{"PSI add half", PSIAddHalf(c.Ref, c.Cur), c.PSIAddHalf},
			{"Jensen–Shannon", JensenShannon(c.Ref, c.Cur), c.JS},
			{"Jensen–Shannon distance", JensenShannonDistance(c.Ref, c.Cur), c.JSDistance},
			{"Hellinger", Hellinger(c.Ref, c.Cur), c.Hellinger},
		} {
			if !(relative(value.got, value.want) <= 1e-13) {
				t.Errorf("%s: %s %v, want %v (%.1e)", c.Name, value.name, value.got, value.want, relative(value.got, value.want))
			}
		}
	}
}

// randomTable has a column in which only the reference, only the current
// sample or neither has any values, now and then.
func randomTable(random *rand.Rand) (reference, current []uint64) {
	k := 2 + random.IntN(8)
	reference, current = make([]uint64, k), make([]uint64, k)
	for i := range k {
		reference[i], current[i] = uint64(random.IntN(200)), uint64(random.IntN(100))
		switch random.IntN(8) {
		case 0:
			reference[i] = 0
		case 1:
			current[i] = 0
		}
	}
	reference[0]++
	current[0]++
	return reference, current
}

func TestDivergencesAgainstTheirDefinitions(t *testing.T) {
	random := rand.New(rand.NewPCG(47, 53))
	for range 500 {
		reference, current := randomTable(random)
		n, m, _ := sameBins(reference, current)
		psi, js, hellinger, tv := 0.0, 0.0, 0.0, 0.0
		for i := range reference {
			p, q := float64(reference[i])/float64(n), float64(current[i])/float64(m)
			floorP, floorQ := p, q
			if p == 0 {
				floorP = 1e-4
			} else {
				js += p / 2 * math.Log2(2*p/(p+q))
			}
			if q == 0 {
				floorQ = 1e-4
			} else {
				js += q / 2 * math.Log2(2*q/(p+q))
			}
			psi += (floorQ - floorP) * math.Log(floorQ/floorP)
			hellinger += (math.Sqrt(p) - math.Sqrt(q)) * (math.Sqrt(p) - math.Sqrt(q)) / 2
			tv += math.Abs(p-q) / 2
		}
		for _, value := range []struct {
			name              string
			got, back, direct float64
		}{
			{"PSI", PSI(reference, current), PSI(current, reference), psi},
			{"PSI add half", PSIAddHalf(reference, current), PSIAddHalf(current, reference), PSIAddHalf(reference, current)},
			{"Jensen–Shannon", JensenShannon(reference, current), JensenShannon(current, reference), js},
			{"Hellinger", Hellinger(reference, current), Hellinger(current, reference), math.Sqrt(hellinger)},
			{"total variation", TotalVariation(reference, current), TotalVariation(current, reference), tv},
		} {
			if math.Abs(value.got-value.direct) > 1e-12 || relative(value.got, value.back) > 1e-14 {
				t.Errorf("%v and %v: %s %v, exchanged %v, by definition %v", reference, current, value.name, value.got, value.back, value.direct)
			}
		}
	}
}

func TestDivergencesSpecialCases(t *testing.T) {
	measures := map[string]func(a, b []uint64) float64{
		"PSI": PSI, "PSI raw": PSIRaw, "PSI add half": PSIAddHalf, "Jensen–Shannon": JensenShannon,
		"Hellinger": Hellinger, "total variation": TotalVariation,
	}
	for name, measure := range measures {
		for _, c := range []struct {
			name               string
			reference, current []uint64
		}{
			{"no bins", nil, nil},
			{"no reference values", []uint64{0, 0}, []uint64{1, 1}},
			{"no current values", []uint64{1, 1}, []uint64{0, 0}},
			{"other bins", []uint64{1, 1}, []uint64{1, 1, 1}},
			{"counts beyond 63 bits", []uint64{math.MaxUint64, 1}, []uint64{1, 1}},
		} {
			if got := measure(c.reference, c.current); !math.IsNaN(got) {
				t.Errorf("%s, %s: %v, want NaN", name, c.name, got)
			}
		}
		if got := measure([]uint64{3, 0, 6}, []uint64{1, 0, 2}); got != 0 && name != "PSI add half" {
			t.Errorf("%s of equal distributions: %v", name, got)
		}
	}
	disjoint := [][]uint64{{7, 0}, {0, 9}}
	if js, h, tv := JensenShannon(disjoint[0], disjoint[1]), Hellinger(disjoint[0], disjoint[1]), TotalVariation(disjoint[0], disjoint[1]); js != 1 || math.Abs(h-1) > 1e-15 || tv != 1 {
		t.Errorf("of disjoint distributions: Jensen–Shannon %v, Hellinger %v, total variation %v", js, h, tv)
	}
	// Counts so large and so close that rounded proportions are equal.
	reference, current := []uint64{1 << 60, 1 << 60}, []uint64{1<<60 + 1, 1<<60 - 1}
	if tv := TotalVariation(reference, current); tv != 0x1p-61 {
		t.Errorf("total variation %v, want 2⁻⁶¹", tv)
	}
}

func ExamplePSI() {
	reference := []uint64{100, 100, 100, 100}
	current := []uint64{40, 80, 120, 160}
	fmt.Printf("%.3f\n", PSI(reference, current))
	// Output: 0.228
}
