package twosample

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Benchmarks rotate over many samples: one pair measured again and again is
// learnt by the branch predictor, which flatters what branches on the data.
const rotated = 64

func rotatingSamples(n int, shift float64) [][]float64 {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	samples := make([][]float64, rotated)
	for k := range samples {
		samples[k] = make([]float64, n)
		for i := range samples[k] {
			samples[k][i] = random.NormFloat64() + shift*float64(k%2)
		}
		slices.Sort(samples[k])
	}
	return samples
}

func BenchmarkKS10000(b *testing.B) {
	samples := rotatingSamples(10_000, 0.1)
	k := 0
	for b.Loop() {
		KS(samples[k%rotated], samples[(k+1)%rotated])
		k++
	}
}
