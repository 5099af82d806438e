package twosample

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
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

func BenchmarkKSExact(b *testing.B) {
	for _, c := range []struct {
		name string
		n, m int
		ds   []float64
	}{
		{"1000x1000", 1000, 1000, []float64{0.03, 0.06, 0.1, 0.2}},
		{"1000x1001", 1000, 1001, []float64{0.03, 0.06, 0.1, 0.2}},
		{"9999x10000/D=0.01", 9999, 10000, []float64{0.01}},
		{"9999x10000/D=0.02", 9999, 10000, []float64{0.02}},
		{"9999x10000/D=0.036", 9999, 10000, []float64{0.036}},
		{"9999x10000/D=0.037", 9999, 10000, []float64{0.037}},
		{"9999x10000/D=0.05", 9999, 10000, []float64{0.05}},
		{"9999x10000/D=0.06", 9999, 10000, []float64{0.06}},
		{"9999x10000/D=0.14", 9999, 10000, []float64{0.14}},
		{"9999x10000/D=0.3", 9999, 10000, []float64{0.3}},
		{"9999x10000/D=0.6", 9999, 10000, []float64{0.6}},
		{"9999x10000/D=0.7", 9999, 10000, []float64{0.7}},
		{"9999x10000/D=1", 9999, 10000, []float64{1}},
		{"100x10000/D=0.14", 100, 10000, []float64{0.14}},
	} {
		lcm, _, _, _ := leastCommonMultiple(uint64(c.n), uint64(c.m))
		b.Run(c.name, func(b *testing.B) {
			k := 0
			for b.Loop() {
				KSExact(c.n, c.m, uint64(c.ds[k%len(c.ds)]*float64(lcm)))
				k++
			}
		})
	}
}

func BenchmarkKSAsymptotic(b *testing.B) {
	for _, c := range []struct {
		name string
		n, m int
		ds   []float64
	}{
		{"N=100", 200, 200, []float64{0.06, 0.1, 0.15, 0.3}},
		{"N=5000/expansion", 10_001, 10_000, []float64{0.008, 0.012, 0.016, 0.02}},
		{"N=5000/tail", 10_001, 10_000, []float64{0.03, 0.05, 0.1, 0.4}},
		{"N=5000/matrix", 10_001, 10_000, []float64{0.004, 0.0041, 0.0042}},
		{"N=500000/tail", 1_000_001, 1_000_000, []float64{0.003, 0.005, 0.01}},
	} {
		b.Run(c.name, func(b *testing.B) {
			k := 0
			for b.Loop() {
				KSAsymptotic(c.n, c.m, c.ds[k%len(c.ds)])
				k++
			}
		})
	}
}

func BenchmarkKSExactTied(b *testing.B) {
	random := rand.New(rand.NewPCG(2, 3))
	x, y := randomSample(random, 1000, 50, 0), randomSample(random, 1001, 50, 0)
	lcm := KS(x, y).LCM
	k := uint64(0)
	for b.Loop() {
		KSExactTied(x, y, lcm*(30+k%100)/1000)
		k++
	}
}

func BenchmarkWasserstein10000(b *testing.B) {
	samples := rotatingSamples(10_000, 0.1)
	k := 0
	for b.Loop() {
		Wasserstein(samples[k%rotated], samples[(k+1)%rotated])
		k++
	}
}

func BenchmarkCounts(b *testing.B) {
	random := rand.New(rand.NewPCG(4, 5))
	var tables [rotated][2][]uint64
	for k := range tables {
		for range 50 {
			tables[k][0] = append(tables[k][0], random.Uint64N(100))
			tables[k][1] = append(tables[k][1], random.Uint64N(20))
		}
	}
	for _, c := range []struct {
		name    string
		compare func(reference, current []uint64)
	}{
		{"PSI", func(x, y []uint64) { PSI(x, y) }},
		{"JensenShannon", func(x, y []uint64) { JensenShannon(x, y) }},
		{"ChiSquare", func(x, y []uint64) { ChiSquare(x, y).PValue() }},
		{"ChiSquareMatched", func(x, y []uint64) { ChiSquareMatched(x, y) }},
		{"ChiSquarePermutation", func(x, y []uint64) { ChiSquarePermutation(x, y, 9999) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			k := 0
			for b.Loop() {
				c.compare(tables[k%rotated][0], tables[k%rotated][1])
				k++
			}
		})
	}
}

func BenchmarkSort(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
		sort func([]float64)
	}{
		{"library/1000", 1000, slices.Sort[[]float64]},
		{"radix/1000", 1000, radixSort},
		{"library/10000", 10_000, slices.Sort[[]float64]},
		{"radix/10000", 10_000, radixSort},
		{"library/1000000", 1_000_000, slices.Sort[[]float64]},
		{"radix/1000000", 1_000_000, radixSort},
	} {
		b.Run(c.name, func(b *testing.B) {
			samples := shuffledSamples(c.n, 1)
			sorted := make([]float64, c.n)
			k := 0
			for b.Loop() {
				copy(sorted, samples[k%len(samples)])
				c.sort(sorted)
				k++
			}
		})
	}
}

// shuffledSamples are in no order, and together about a million values.
func shuffledSamples(n int, seed uint64) [][]float64 {
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	samples := make([][]float64, min(rotated, max(4, 1_000_000/n)))
	for k := range samples {
		samples[k] = make([]float64, n)
		for i := range samples[k] {
			samples[k][i] = random.NormFloat64()
		}
	}
	return samples
}

// BenchmarkTwoSampleTest is the whole test from two samples in no order: sort
// both, D, p. testdata/time_scipy.py times scipy's ks_2samp at the same sizes.
func BenchmarkTwoSampleTest(b *testing.B) {
	for _, size := range [][2]int{
		{10, 10}, {10, 11}, {100, 100}, {100, 101}, {1000, 1000}, {1000, 1001}, {100, 10_000}, {1000, 10_000},
		{5000, 10_000}, {10_000, 10_000}, {9999, 10_000}, {1000, 100_000}, {100_000, 100_000}, {100_000, 99_999},
		{10_000, 1_000_000}, {1_000_000, 1_000_000}, {1_000_000, 999_999},
	} {
		for _, shift := range []float64{0, 0.1, 1} {
			b.Run(fmt.Sprintf("%dx%d/shift=%v", size[0], size[1], shift), func(b *testing.B) {
				reference, current := shuffledSamples(size[0], 1), shuffledSamples(size[1], 2)
				for _, sample := range current {
					for i := range sample {
						sample[i] += shift
					}
				}
				x, y := make([]float64, size[0]), make([]float64, size[1])
				var took []time.Duration
				for b.Loop() {
					k := len(took)
					copy(x, reference[k%len(reference)])
					copy(y, current[k%len(current)])
					start := time.Now()
					Sort(x)
					Sort(y)
					r := KS(x, y)
					KSPValue(r.N, r.M, r.H)
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2])/1e3, "median-µs")
			})
		}
	}
}

func BenchmarkKSBinned1024(b *testing.B) {
	random := rand.New(rand.NewPCG(6, 7))
	var tables [rotated][2][]uint64
	for k := range tables {
		for range 1024 {
			tables[k][0] = append(tables[k][0], 40+random.Uint64N(20))
			tables[k][1] = append(tables[k][1], 80+random.Uint64N(40))
		}
	}
	single := make([]bool, 1024)
	k := 0
	for b.Loop() {
		KSBinned(tables[k%rotated][0], tables[k*7%rotated][1], single)
		k++
	}
}
