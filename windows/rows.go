package windows

import (
	"cmp"
	"slices"
)

// A Row is where an event stands in the log: its partition, numbered as parts
// are, and its offset there.
type Row struct {
	Partition int
	Offset    int64
}

// SampledRows are the k events with the smallest hashes among those that the parts'
// samples hold, in the order of the hashes: a uniform sample of the window's events
// that carry a finite number, be it a feature, the prediction or the latency. ids
// are the partitions by their numbers; parts of others are left out. Like the
// samples, it depends on the log alone, whatever the order of the parts. It is
// fewer than k where there are fewer such events, or where the samples are smaller.
func SampledRows(parts []Part, ids []PartitionID, k int) []Row {
	type hashed struct {
		hash uint64
		part int
	}
	order := func(a, b hashed) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.part, b.part)) }
	smallest := make([]hashed, 0, k+1) // in order
	for _, part := range parts {
		if part.Partition < 0 || part.Partition >= len(ids) {
			continue
		}
		for f := range part.Pane.all() {
			for _, entry := range f.Sample.entries {
				e := hashed{entry.Hash, part.Partition}
				if len(smallest) == k && (k == 0 || order(e, smallest[k-1]) >= 0) {
					continue
				}
				at, known := slices.BinarySearchFunc(smallest, e, order)
				if known {
					continue // another feature of the same event
				}
				smallest = slices.Insert(smallest, at, e)
				smallest = smallest[:min(len(smallest), k)]
			}
		}
	}
	rows := make([]Row, len(smallest))
	for i, e := range smallest {
		rows[i] = Row{Partition: e.part, Offset: ids[e.part].EventOffset(e.hash)}
	}
	return rows
}
