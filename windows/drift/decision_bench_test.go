package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/reference"
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
					d := twosample.KSBinnedOf(uint64(c.n), uint64(c.m), references[f%pool], currents[f/pool], single)
					p[f] = twosample.KSPValue(int(d.N), int(d.M), d.H).P
				}
				Adjust(CorrectionBH, p)
			}
		})
	}
}

// BenchmarkDecideVerdict3000 is the same of a verdict's own features: their
// references built once, of 50,000 rows, and their windows counted, of 20,000
// events; then every feature compared on its grid of up to 1,023 edges, and the
// verdict decided. Beside the statistics that is finding the grid, telling which
// bins hold one value, and memory that is not in the cache. BenchmarkCompare3000
// is all that a verdict says.
func BenchmarkDecideVerdict3000(b *testing.B) {
	const features, kept, rows, events = 3000, 64, 2500, 1000
	random := rand.New(rand.NewPCG(3, 5))
	for _, shift := range []float64{0, 0.3} {
		b.Run(fmt.Sprintf("shift=%v", shift), func(b *testing.B) {
			before, after := table{}, table{}
			for i := range features {
				name := fmt.Sprintf("f%04d", i)
				before[name], after[name] = numbers(rows, normals(random, 0)), numbers(events, normals(random, shift))
			}
			r, err := reference.Build(reference.Fixed, tableRowsOf(before, 0), kept, limits)
			if err != nil {
				b.Fatal(err)
			}
			w := tableWindow(after, r, kept)
			// As many values as if every row had come twenty times.
			const times = 20
			for _, f := range r.Features {
				for i := range f.Counts {
					f.Counts[i] *= times
				}
				f.Moments.Count, f.Counted = times*rows, times*rows
				t := w.Feature(f.Name)
				for i := range t.Bins {
					t.Bins[i] *= times
				}
				t.Moments.Count = times * events
			}
			settings := Default()
			for b.Loop() {
				v := &Verdict{Features: make(map[string]*Feature, features)}
				for _, ref := range r.Features {
					f := new(Feature)
					p := pairOf(&settings, w, w.Feature(ref.Name), ref)
					if p.method != methodBinned {
						b.Fatalf("%s is %s", ref.Name, p.method)
					}
					ks := p.ks(f)
					f.Test, f.Method = testKS, p.method
					f.Statistic, f.StatisticError, f.Effect = number(ks.d), number(ks.err), number(ks.d)
					f.tested.effectError = ks.err
					v.Features[ref.Name] = f
				}
				decide(v, &settings, 0)
				if v.Drifted != (shift > 0) {
					b.Fatalf("drifted: %v", v.Drifted)
				}
			}
			b.ReportMetric(float64(len(r.Features[0].Edges)), "edges")
		})
	}
}
