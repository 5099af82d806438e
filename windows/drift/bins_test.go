package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A bin holds one value alone where its lower edge is the float64 just below its
// upper one, at any size and on both sides of zero.
func TestSingles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	edges := []float64{-math.MaxFloat64, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, math.MaxFloat64}
	for range 2000 {
		x := math.Float64frombits(random.Uint64())
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		edges = append(edges, x, math.Nextafter(x, math.Inf(-1)), math.Nextafter(x, math.Inf(1)))
	}
	for i, x := range edges {
		for _, below := range []float64{math.Nextafter(x, math.Inf(-1)), edges[random.IntN(len(edges))], x - math.Abs(x)/8} {
			if !(below < x) {
				continue
			}
			want := math.Nextafter(x, math.Inf(-1)) == below
			if got := singles([]float64{below, x})[1]; got != want {
				t.Fatalf("edge %d: (%v, %v] holds one value: %v, want %v", i, below, x, got, want)
			}
		}
	}
	if got := singles([]float64{1, 2}); got[0] || got[2] {
		t.Error("what has no edge on one side holds one value")
	}
}
