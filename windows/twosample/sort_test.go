package twosample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortIsWhatTheLibrarySortDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(131, 137))
	for k := range 300 {
		values := make([]float64, random.IntN(3*radixFrom))
		for i := range values {
			switch k % 6 {
			case 0: // any bits at all, NaN and infinities among them
				values[i] = math.Float64frombits(random.Uint64())
			case 1:
				values[i] = random.NormFloat64()
			case 2:
				values[i] = float64(random.IntN(5) - 2)
			case 3:
				values[i] = []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, -5e-324, math.MaxFloat64}[random.IntN(8)]
			case 4:
				values[i] = 1e300 * random.ExpFloat64()
			case 5: // close together: the first 33 bits are the same
				values[i] = 1.7e12 + float64(random.IntN(1_000_000))/8
			}
		}
		want := slices.Clone(values)
		slices.Sort(want)
		Sort(values)
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		if !slices.EqualFunc(values, want, same) {
			t.Fatalf("kind %d: %d values are not in order", k%6, len(values))
		}
	}
}

func TestSortOfNothingButNaN(t *testing.T) {
	values := slices.Repeat([]float64{math.NaN()}, 2*radixFrom)
	Sort(values)
	if len(values) != 2*radixFrom || !math.IsNaN(values[0]) || !math.IsNaN(values[len(values)-1]) {
		t.Error("some of them became numbers")
	}
}
