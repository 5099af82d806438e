package windows

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

func TestEventHashGivesTheOffsetBack(t *testing.T) {
	id := PartitionID{Topic: TopicID{1, 2, 3}, Partition: 7}
	seen := make(map[uint64]bool)
	for _, offset := range []int64{0, 1, 2, 1 << 20, 1<<40 + 3, math.MaxInt64} {
		h := id.EventHash(offset)
		if seen[h] {
			t.Errorf("two offsets share the hash %x", h)
		}
		seen[h] = true
		if back := id.EventOffset(h); back != offset {
			t.Errorf("offset %d has hash %x, which gives back %d", offset, h, back)
		}
	}
	if err := quickCheck(func(z uint64) bool { return unmix(mix(z)) == z && mix(unmix(z)) == z }); err != nil {
		t.Error(err)
	}
}

func quickCheck(holds func(uint64) bool) error {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		if z := r.Uint64(); !holds(z) {
			return &failure{z}
		}
	}
	return nil
}

type failure struct{ z uint64 }

func (f *failure) Error() string { return "does not hold for a random value" }

func TestShardsAreEven(t *testing.T) {
	counts := make([]int, 8)
	for i := range 8000 {
		counts[Shard("model-"+string(rune('a'+i%26))+string(rune('a'+i/26%26)), string(rune('0'+i%7)), 8)]++
	}
	for shard, n := range counts {
		if n < 700 || n > 1300 {
			t.Errorf("shard %d has %d of 8,000 versions", shard, n)
		}
	}
	if Shard("ab", "c", 1<<30) == Shard("a", "bc", 1<<30) {
		t.Error("a letter moved from one name to the other does not change the shard")
	}
}

// Whatever the split and the order of merging, the sample is the k values with
// the smallest hashes.
func TestSampleIsTheBottomK(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n, k, parts := r.IntN(200), 1+r.IntN(50), 1+r.IntN(5)
		entries := make([]Entry, n)
		samples := make([]Sample, parts)
		for i := range samples {
			samples[i] = NewSample(k)
		}
		for i := range entries {
			entries[i] = Entry{Hash: r.Uint64(), Value: r.NormFloat64()}
			samples[r.IntN(parts)].Add(entries[i].Hash, entries[i].Value)
		}
		merged := NewSample(k)
		for _, i := range r.Perm(parts) {
			merged.Merge(&samples[i])
		}
		slices.SortFunc(entries, compareEntries)
		want := entries[:min(k, n)]
		got := slices.SortedFunc(slices.Values(merged.Entries()), compareEntries)
		if !slices.Equal(got, want) {
			t.Fatalf("n %d k %d parts %d: the sample is not the bottom k", n, k, parts)
		}
	}
}

// What checkpoints wrote, delta by delta, restores the sample.
func TestFreshEntriesRestoreTheSample(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		live, restored := NewSample(20), NewSample(20)
		for range 1 + r.IntN(6) {
			for range r.IntN(60) {
				live.Add(r.Uint64(), r.Float64())
			}
			restored.Restore(live.Fresh())
			live.Checkpointed()
		}
		a := slices.SortedFunc(slices.Values(live.Entries()), compareEntries)
		b := slices.SortedFunc(slices.Values(restored.Entries()), compareEntries)
		if !slices.Equal(a, b) {
			t.Fatal("restored entries differ")
		}
	}
}

func TestBinIsTheFirstEdgeNotBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, edges := range [][]float64{
		nil, {0}, {-1, 0, 1},
		{math.SmallestNonzeroFloat64, 1e-300, 1, 2, 3, 4, 5, 6, 1e300},
		{-math.MaxFloat64, -1, 0, 1, 2, 3, 4, 5, math.MaxFloat64},
		crowded(r), normal(r, 1023), normal(r, 50),
	} {
		g := Grid{Features: []FeatureGrid{{Name: "x", Edges: edges}}}
		g.Prepare()
		f := g.Feature("x")
		check := func(x float64) {
			if got, want := f.Bin(x), sort.SearchFloat64s(edges, x); got != want {
				t.Fatalf("%d edges: %v is in bin %d, found %d", len(edges), x, want, got)
			}
		}
		for _, e := range edges {
			check(e)
			check(math.Nextafter(e, math.Inf(-1)))
			check(math.Nextafter(e, math.Inf(1)))
		}
		for range 2000 {
			check(r.NormFloat64() * math.Pow(10, float64(r.IntN(20)-10)))
		}
		for _, x := range []float64{math.MaxFloat64, -math.MaxFloat64, 0, math.Copysign(0, -1)} {
			check(x)
		}
	}
}

func normal(r *rand.Rand, n int) []float64 {
	edges := make([]float64, n)
	for i := range edges {
		edges[i] = r.NormFloat64()
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

// crowded has almost all edges in one cell of any uniform division.
func crowded(r *rand.Rand) []float64 {
	edges := normal(r, 500)
	return append(edges, 1e9)
}

func FuzzBin(f *testing.F) {
	f.Add(0.5, 1.5, 3.25, 2.0)
	f.Fuzz(func(t *testing.T, a, step, scale, x float64) {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return
		}
		var edges []float64
		for e, i := a, 0; i < 64; i++ {
			if math.IsNaN(e) || math.IsInf(e, 0) || len(edges) > 0 && e <= edges[len(edges)-1] {
				break
			}
			edges = append(edges, e)
			e += step * math.Pow(math.Abs(scale), float64(i))
		}
		g := FeatureGrid{Edges: edges, finder: newBinFinder(edges)}
		if got, want := g.Bin(x), sort.SearchFloat64s(edges, x); got != want {
			t.Fatalf("bin %d, want %d", got, want)
		}
	})
}

// Moments by parts agree with the two-pass formula over all values.
func TestMomentsAgreeWithTwoPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		n := 1 + r.IntN(500)
		values := make([]float64, n)
		parts := make([]Moments, 1+r.IntN(4))
		offset := math.Pow(10, float64(r.IntN(8)))
		for i := range values {
			values[i] = offset + r.NormFloat64()
			parts[i*len(parts)/n].Add(values[i])
		}
		var m Moments
		for _, part := range parts {
			m.Merge(part)
		}
		sum := 0.0
		for _, x := range values {
			sum += x
		}
		mean := sum / float64(n)
		m2 := 0.0
		for _, x := range values {
			m2 += (x - mean) * (x - mean)
		}
		if m.Count != uint64(n) || m.Min != slices.Min(values) || m.Max != slices.Max(values) ||
			math.Abs(m.Mean-mean) > 1e-12*math.Abs(mean) || math.Abs(m.Std()-math.Sqrt(m2/float64(n))) > 1e-7*(1+m.Std()) {
			t.Fatalf("moments %+v, want mean %v and M2 %v of %d values", m, mean, m2, n)
		}
	}
}

func BenchmarkBin(b *testing.B) {
	r := rand.New(rand.NewPCG(11, 12))
	edges := normal(r, 1023)
	f := FeatureGrid{Edges: edges, finder: newBinFinder(edges)}
	values := make([]float64, 1<<16)
	for i := range values {
		values[i] = r.NormFloat64()
	}
	var sum int
	for i := 0; b.Loop(); i++ {
		sum += f.Bin(values[i&(1<<16-1)])
	}
	_ = sum
}
