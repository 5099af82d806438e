package windows

import (
	"cmp"
	"slices"
)

// An Entry is one sampled value and the hash of the event it came from.
type Entry struct {
	Hash  uint64
	Value float64
}

// A Sample is the bottom-k sample of a stream: the values of the k events with
// the smallest hashes. Because an event's hash depends on where it stands in
// the log and on nothing else, the sample of a union is the sample of the
// samples, whatever the order of merging, and features that are present in the
// same events are sampled on the same rows. Up to k values the sample is the
// whole stream.
//
// The zero Sample holds nothing and takes nothing; make one with NewSample.
type Sample struct {
	capacity int
	// entries is a max-heap by (hash, value): the root is what the next smaller
	// hash evicts.
	entries []Entry
	// fresh are the entries inserted since the last checkpoint, evicted ones
	// included: a checkpoint writes those that are still below the root.
	fresh []Entry
}

// NewSample returns an empty sample of at most capacity values.
func NewSample(capacity int) Sample { return Sample{capacity: capacity} }

// Add offers a value. It allocates only while the sample grows.
func (s *Sample) Add(hash uint64, value float64) {
	if len(s.entries) >= s.capacity && (s.capacity == 0 || hash >= s.entries[0].Hash) {
		return
	}
	entry := Entry{Hash: hash, Value: value}
	s.insert(entry)
	s.fresh = append(s.fresh, entry)
}

// insert puts an entry that belongs into the heap, evicting the root of a full
// one.
func (s *Sample) insert(entry Entry) {
	if len(s.entries) < s.capacity {
		s.entries = append(s.entries, entry)
		s.up(len(s.entries) - 1)
		return
	}
	s.entries[0] = entry
	s.down()
}

// Merge adds the other sample's entries. The result is the bottom-k of both
// streams when the other sample's capacity is at least this one's, or when it
// holds its whole stream.
func (s *Sample) Merge(other *Sample) { s.Restore(other.entries) }

// Restore adds entries without counting them as fresh: what a checkpoint
// already holds.
func (s *Sample) Restore(entries []Entry) {
	for _, entry := range entries {
		if len(s.entries) >= s.capacity && (s.capacity == 0 || compareEntries(entry, s.entries[0]) >= 0) {
			continue
		}
		s.insert(entry)
	}
}

// Len is the number of values held, Capacity how many it can hold.
func (s *Sample) Len() int { return len(s.entries) }

// Capacity is the k of the sample.
func (s *Sample) Capacity() int { return s.capacity }

// Entries are the entries held, in no particular order. The slice belongs to
// the sample and is valid until the next call that changes it.
func (s *Sample) Entries() []Entry { return s.entries }

// Fresh are the entries that came since the last Checkpointed and are still
// held. The slice belongs to the sample.
func (s *Sample) Fresh() []Entry {
	if len(s.entries) == s.capacity && s.capacity > 0 {
		root := s.entries[0]
		s.fresh = slices.DeleteFunc(s.fresh, func(e Entry) bool { return compareEntries(e, root) > 0 })
	}
	return s.fresh
}

// Checkpointed says that what Fresh returned is safe.
func (s *Sample) Checkpointed() {
	if cap(s.fresh) > mostFreshKept {
		s.fresh = nil // what a burst took is not held on to
	}
	s.fresh = s.fresh[:0]
}

// mostFreshKept is how many places for fresh entries outlive a checkpoint: a full
// sample rarely takes that many between two.
const mostFreshKept = 256

// Shrink makes the sample one of at most capacity values, and gives back the
// memory of those it lets go: the bottom-k of the same stream, with a smaller k.
func (s *Sample) Shrink(capacity int) (dropped int) {
	for len(s.entries) > capacity {
		last := len(s.entries) - 1
		s.entries[0] = s.entries[last]
		s.entries = s.entries[:last]
		s.down()
		dropped++
	}
	s.capacity = min(s.capacity, capacity)
	if dropped > 0 {
		s.entries = slices.Clip(slices.Clone(s.entries))
		s.fresh = slices.Clip(slices.Clone(s.Fresh()))
	}
	return dropped
}

// Sorted returns the values in ascending order, in a slice of the caller's.
func (s *Sample) Sorted() []float64 {
	values := make([]float64, len(s.entries))
	for i, entry := range s.entries {
		values[i] = entry.Value
	}
	slices.Sort(values)
	return values
}

func compareEntries(a, b Entry) int {
	if c := cmp.Compare(a.Hash, b.Hash); c != 0 {
		return c
	}
	return cmp.Compare(a.Value, b.Value)
}

func (s *Sample) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if compareEntries(s.entries[parent], s.entries[i]) >= 0 {
			return
		}
		s.entries[parent], s.entries[i] = s.entries[i], s.entries[parent]
		i = parent
	}
}

func (s *Sample) down() {
	for i := 0; ; {
		largest := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s.entries); child++ {
			if compareEntries(s.entries[child], s.entries[largest]) > 0 {
				largest = child
			}
		}
		if largest == i {
			return
		}
		s.entries[i], s.entries[largest] = s.entries[largest], s.entries[i]
		i = largest
	}
}
