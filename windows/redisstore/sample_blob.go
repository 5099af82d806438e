package redisstore

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

const samplesFormat = 1

// Where the values of a sample come from, in a blob of samples: the prediction,
// the latency, and the features in the pane's order, which only grows.
const (
	slotPrediction = iota
	slotLatency
	slotFeatures
)

// How the offsets of a sample are written.
const (
	offsetsOwn  = iota // the first, then the distances
	offsetsSame        // as in the sample before: features are sampled on the same rows
)

// How the values of a sample are written: in the shortest form that gives every
// value its very bits back.
const (
	valuesFloat64 = iota
	valuesFloat32
	valuesInteger // zigzag varints
)

// maxSafeInteger is how far integers of a float64 are without gaps.
const maxSafeInteger = 1 << 53

// encodeSamples writes entries of every feature of a pane: those that choose
// picks. It returns how many it wrote; none make no blob.
func encodeSamples(b []byte, id windows.PartitionID, p *windows.Pane, choose func(*windows.Sample) []windows.Entry) (blob []byte, entries int) {
	begin := len(b)
	b = append(b, samplesFormat)
	var rows sampledRows
	write := func(slot int, f *windows.Feature) {
		chosen := choose(&f.Sample)
		if len(chosen) == 0 {
			return
		}
		b = binary.AppendUvarint(b, uint64(slot))
		b = rows.appendOffsets(b, id, chosen)
		b = appendValues(b, rows.values(chosen))
		entries += len(chosen)
	}
	if p.Prediction != nil {
		write(slotPrediction, p.Prediction)
	}
	if p.Latency != nil {
		write(slotLatency, p.Latency)
	}
	for i, f := range p.Features {
		write(slotFeatures+i, f)
	}
	if entries == 0 {
		return b[:begin], 0
	}
	return seal(b), entries
}

// sampledRows are the rows of the sample written last. Features that are
// present in the same events hold the same hashes in the same places, so that
// their entries need not be sorted again.
type sampledRows struct {
	entries []windows.Entry // as they were given
	rows    []sampledRow    // in the order of their offsets
	ordered []float64
}

type sampledRow struct {
	offset int64
	place  int // in entries
}

func (s *sampledRows) appendOffsets(b []byte, id windows.PartitionID, entries []windows.Entry) []byte {
	same := slices.EqualFunc(entries, s.entries, func(a, b windows.Entry) bool { return a.Hash == b.Hash })
	s.entries = entries
	if same {
		return append(b, offsetsSame)
	}
	s.rows = s.rows[:0]
	for place, e := range entries {
		s.rows = append(s.rows, sampledRow{id.EventOffset(e.Hash), place})
	}
	slices.SortFunc(s.rows, func(a, b sampledRow) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.place, b.place))
	})
	b = append(b, offsetsOwn)
	b = binary.AppendUvarint(b, uint64(len(s.rows)))
	b = binary.AppendVarint(b, s.rows[0].offset)
	for i, row := range s.rows[1:] {
		b = binary.AppendUvarint(b, uint64(row.offset)-uint64(s.rows[i].offset))
	}
	return b
}

// values are those of the entries, in the order of the rows.
func (s *sampledRows) values(entries []windows.Entry) []float64 {
	s.ordered = s.ordered[:0]
	for _, row := range s.rows {
		s.ordered = append(s.ordered, entries[row.place].Value)
	}
	return s.ordered
}

func appendValues(b []byte, values []float64) []byte {
	integers, singles := true, true
	for _, x := range values {
		bits := math.Float64bits(x)
		integers = integers && math.Abs(x) <= maxSafeInteger && math.Float64bits(float64(int64(x))) == bits
		singles = singles && math.Float64bits(float64(float32(x))) == bits
	}
	switch {
	case integers:
		b = append(b, valuesInteger)
		for _, x := range values {
			b = binary.AppendVarint(b, int64(x))
		}
	case singles:
		b = append(b, valuesFloat32)
		for _, x := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
		}
	default:
		b = append(b, valuesFloat64)
		for _, x := range values {
			b = appendFloat(b, x)
		}
	}
	return b
}

// decodeSamples adds the entries of a blob to the samples of a pane whose
// features are there already.
func decodeSamples(blob []byte, id windows.PartitionID, p *windows.Pane) error {
	body, err := unseal(blob)
	if err != nil {
		return err
	}
	r := &reader{rest: body}
	r.version(samplesFormat, "sample")
	var offsets []int64
	var entries []windows.Entry
	for next := uint64(0); len(r.rest) > 0 && r.err == nil; {
		slot := r.uvarint()
		if slot < next {
			r.fail("samples out of order")
		}
		next = slot + 1
		f, err := slotFeature(p, slot)
		if err != nil {
			r.fail("%v", err)
		}
		offsets = r.offsets(offsets)
		entries = r.values(entries[:0], offsets, id)
		if r.err == nil {
			f.Sample.Restore(entries)
		}
	}
	return r.end()
}

func slotFeature(p *windows.Pane, slot uint64) (*windows.Feature, error) {
	var f *windows.Feature
	switch {
	case slot == slotPrediction:
		f = p.Prediction
	case slot == slotLatency:
		f = p.Latency
	case slot-slotFeatures < uint64(len(p.Features)):
		f = p.Features[slot-slotFeatures]
	}
	if f == nil {
		return nil, fmt.Errorf("a sample of number %d, which the pane does not have", slot)
	}
	return f, nil
}

func (r *reader) offsets(before []int64) []int64 {
	switch mode := r.byte(); {
	case r.err != nil:
		return nil
	case mode == offsetsSame:
		return before
	case mode != offsetsOwn:
		r.fail("offsets are written in an unknown way")
		return nil
	}
	n := r.count(1)
	offsets := make([]int64, n)
	for i := range offsets {
		if i == 0 {
			offsets[0] = r.varint()
			continue
		}
		offsets[i] = int64(uint64(offsets[i-1]) + r.uvarint())
	}
	return offsets
}

func (r *reader) values(entries []windows.Entry, offsets []int64, id windows.PartitionID) []windows.Entry {
	mode := r.byte()
	size := map[byte]int{valuesFloat64: 8, valuesFloat32: 4, valuesInteger: 1}[mode]
	switch {
	case r.err != nil:
		return entries
	case size == 0:
		r.fail("values are written in an unknown way")
		return entries
	case len(offsets) > len(r.rest)/size:
		r.fail("%d values are promised where %d bytes are left", len(offsets), len(r.rest))
		return entries
	}
	for _, offset := range offsets {
		var x float64
		switch mode {
		case valuesFloat64:
			x = r.float()
		case valuesFloat32:
			x = float64(math.Float32frombits(binary.LittleEndian.Uint32(r.take(4))))
		case valuesInteger:
			x = float64(r.varint())
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			r.fail("a sampled value is not finite")
		}
		if r.err != nil {
			return entries
		}
		entries = append(entries, windows.Entry{Hash: id.EventHash(offset), Value: x})
	}
	return entries
}
