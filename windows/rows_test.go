package windows

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// The rows of a window are those that all of its events, put in the order of their
// hashes, begin with: whatever the slices and partitions they lie in, whichever
// features they carry, and in whatever order the parts come.
func TestSampledRowsAreTheSmallestHashes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 100 {
		ids := []PartitionID{{Partition: 0}, {Partition: 1}, {Topic: TopicID{7}, Partition: 0}}
		type event struct {
			hash uint64
			row  Row
		}
		var all []event
		var parts []Part
		for partition, id := range ids {
			offset := random.Int64N(1 << 40)
			for index := range int64(3) {
				pane := NewPane(PaneKey{Model: "m", Index: index}, Interval{}, nil, 8, Limits{Features: 10, Categories: 10})
				for range random.IntN(20) {
					offset += 1 + random.Int64N(3)
					o := &Observation{Offset: offset, HasFeatures: true, IsPrediction: random.IntN(2) == 0, Prediction: Value{Kind: Number, Number: 1}}
					for _, name := range []string{"a", "b"} {
						if random.IntN(2) == 0 {
							o.Features = append(o.Features, Field{Name: []byte(name), Value: Value{Kind: Number, Number: random.Float64()}})
						}
					}
					// A text is counted, not sampled.
					o.Features = append(o.Features, Field{Name: []byte("c"), Value: Value{Kind: Text, Text: []byte("x")}})
					pane.CountPartition(o, id)
					if o.IsPrediction || len(o.Features) > 1 {
						all = append(all, event{id.EventHash(offset), Row{partition, offset}})
					}
				}
				parts = append(parts, Part{Partition: partition, Pane: pane})
			}
		}
		slices.SortFunc(all, func(a, b event) int { return cmp.Compare(a.hash, b.hash) })
		var want []Row
		for _, e := range all[:min(len(all), 5)] {
			want = append(want, e.row)
		}
		random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		if got := SampledRows(parts, ids, 5); !slices.Equal(got, want) {
			t.Fatalf("round %d: %v, want %v", round, got, want)
		}
		for _, row := range SampledRows(parts, ids[:1], 5) {
			if row.Partition != 0 {
				t.Fatalf("round %d: a row of partition %d, which is not among those named", round, row.Partition)
			}
		}
		if got := SampledRows(parts, ids, 0); len(got) != 0 {
			t.Fatalf("round %d: none were asked for: %v", round, got)
		}
	}
}
