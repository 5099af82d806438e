package redisstore

import (
	"encoding/binary"
	"math"
)

// appendCounts writes the counts of bins or categories: varints, and a run of
// zeros as a zero and the length of the run less one. Most bins of a short
// window are empty, and most others hold less than 128.
func appendCounts(b []byte, counts []uint32) []byte {
	b = binary.AppendUvarint(b, uint64(len(counts)))
	for i := 0; i < len(counts); {
		if counts[i] != 0 {
			b = binary.AppendUvarint(b, uint64(counts[i]))
			i++
			continue
		}
		run := 1
		for i+run < len(counts) && counts[i+run] == 0 {
			run++
		}
		b = append(b, 0)
		b = binary.AppendUvarint(b, uint64(run-1))
		i += run
	}
	return b
}

// counts reads exactly want counts: how many there are follows from the grid.
func (r *reader) counts(want int, of string) []uint32 {
	if n := r.uvarint(); r.err == nil && n != uint64(want) {
		r.fail("%s has %d counts where its grid has %d", of, n, want)
	}
	if r.err != nil {
		return nil
	}
	counts := make([]uint32, want)
	for i := 0; i < want && r.err == nil; {
		n := r.uvarint()
		switch {
		case n > math.MaxUint32:
			r.fail("a count of %s does not fit in 32 bits", of)
		case n > 0:
			counts[i] = uint32(n)
			i++
		default:
			run := r.uvarint()
			if run >= uint64(want-i) {
				r.fail("a run of zeros leaves the counts of %s", of)
				break
			}
			i += int(run) + 1
		}
	}
	return counts
}
