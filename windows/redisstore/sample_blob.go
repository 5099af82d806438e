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

type sampledValue struct {
	offset int64
	value  float64
}

// encodeSamples writes entries of every feature of a pane: those that choose
// picks. It returns how many it wrote; none make no blob.
func encodeSamples(b []byte, id windows.PartitionID, p *windows.Pane, choose func(*windows.Sample) []windows.Entry) (blob []byte, entries int) {
	begin := len(b)
	b = append(b, samplesFormat)
	var before, values []sampledValue
	write := func(slot int, f *windows.Feature) {
		chosen := choose(&f.Sample)
		if len(chosen) == 0 {
			return
		}
		values = values[:0]
		for _, e := range chosen {
			values = append(values, sampledValue{id.EventOffset(e.Hash), e.Value})
		}
		slices.SortFunc(values, func(a, b sampledValue) int {
			return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(math.Float64bits(a.value), math.Float64bits(b.value)))
		})
		b = binary.AppendUvarint(b, uint64(slot))
		b = appendOffsets(b, values, before)
		b = appendValues(b, values)
		entries += len(values)
		before, values = values, before
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

func appendOffsets(b []byte, values, before []sampledValue) []byte {
	if slices.EqualFunc(values, before, func(a, b sampledValue) bool { return a.offset == b.offset }) {
		return append(b, offsetsSame)
	}
	b = append(b, offsetsOwn)
	b = binary.AppendUvarint(b, uint64(len(values)))
	b = binary.AppendVarint(b, values[0].offset)
	for i, v := range values[1:] {
		b = binary.AppendUvarint(b, uint64(v.offset)-uint64(values[i].offset))
	}
	return b
}

func appendValues(b []byte, values []sampledValue) []byte {
	integers, singles := true, true
	for _, v := range values {
		bits := math.Float64bits(v.value)
		integers = integers && math.Abs(v.value) <= maxSafeInteger && math.Float64bits(float64(int64(v.value))) == bits
		singles = singles && math.Float64bits(float64(float32(v.value))) == bits
	}
	switch {
	case integers:
		b = append(b, valuesInteger)
		for _, v := range values {
			b = binary.AppendVarint(b, int64(v.value))
		}
	case singles:
		b = append(b, valuesFloat32)
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v.value)))
		}
	default:
		b = append(b, valuesFloat64)
		for _, v := range values {
			b = appendFloat(b, v.value)
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
