package drift

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// BenchmarkDecision3000 is what deciding on 3,000 binned features takes: bounds on
// D from 1,024 bins, the p-value, and the correction over all of them. The values
// behind the counts are normal and, where drifted, shifted by 0.3 standard
// deviations. No two features have the same counts.
func BenchmarkDecision3000(b *testing.B) {
	const features, bins = 3000, 1024
	for _, c := range []struct {
		name  string
		n, m  int
		shift float64
	}{
		{"50000 and 100000 quiet", 50_000, 100_000, 0},
		{"50000 and 100000 drifted", 50_000, 100_000, 0.3},
		{"50000 and 1000 quiet", 50_000, 1000, 0},
		{"50000 and 1000 drifted", 50_000, 1000, 0.3},
		{"50000 and 100 quiet", 50_000, 100, 0},
		{"5000 and 5000 quiet, exact", 5000, 5000, 0},
		{"5000 and 5000 drifted, exact", 5000, 5000, 0.3},
	} {
		b.Run(c.name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(uint64(c.n), uint64(c.m)))
			count := func(n int, shift float64) []uint64 {
				counts := make([]uint64, bins)
				for range n {
					p := 0.5 * math.Erfc(-(random.NormFloat64()+shift)/math.Sqrt2)
					counts[min(bins-1, int(p*bins))]++
				}
				return counts
			}
			// A pool of samples, paired so that each pair is another.
			const pool = 55
			var references, currents [pool][]uint64
			for k := range pool {
				references[k], currents[k] = count(c.n, 0), count(c.m, c.shift)
			}
			single := make([]bool, bins)
			p := make([]float64, features)
			b.ResetTimer()
			for b.Loop() {
				for f := range features {
					d := twosample.KSBinned(references[f%pool], currents[f/pool], single)
					p[f] = twosample.KSPValue(int(d.N), int(d.M), d.H).P
				}
				Adjust(CorrectionBH, p)
			}
		})
	}
}
