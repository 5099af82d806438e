package redisstore

import (
	"encoding/binary"

	"github.com/kolmo-ml/kolmo/windows"
)

const (
	headFormat = 1
	markFormat = 1
)

// maxAdvances bounds how many idle advances a checkpoint remembers. Advances at
// the same offset are one, so this many times records came and stopped.
const maxAdvances = 32

// An Advance is the watermark of an idle partition being moved: having read up
// to Offset, from From to To.
type Advance struct {
	Offset   int64
	From, To windows.Timestamp
}

// A head is what the manifest says of the partition as a whole.
type head struct {
	nextOffset         int64
	watermark, lastEnd windows.Timestamp
	advances           []Advance // the last ones, in the order they were made
}

// advanced adds an advance, and forgets the oldest beyond the bound. An advance
// that goes on from the last one at the same offset becomes part of it.
func advanced(advances []Advance, a *Advance) []Advance {
	if a == nil {
		return advances
	}
	// A copy: the old list belongs to the checkpoint that is valid.
	advances = append(make([]Advance, 0, len(advances)+1), advances...)
	if n := len(advances); n > 0 && advances[n-1].Offset == a.Offset {
		advances[n-1].To = max(advances[n-1].To, a.To)
		return advances
	}
	advances = append(advances, *a)
	return advances[max(0, len(advances)-maxAdvances):]
}

func encodeHead(h head) []byte {
	b := []byte{headFormat}
	b = binary.AppendVarint(b, h.nextOffset)
	b = binary.AppendVarint(b, int64(h.watermark))
	b = binary.AppendVarint(b, int64(h.lastEnd))
	b = binary.AppendUvarint(b, uint64(len(h.advances)))
	for _, a := range h.advances {
		b = binary.AppendVarint(b, a.Offset)
		b = binary.AppendVarint(b, int64(a.From))
		b = binary.AppendVarint(b, int64(a.To))
	}
	return b
}

func decodeHead(b []byte) (head, error) {
	r := &reader{rest: b}
	r.version(headFormat, "manifest")
	h := head{nextOffset: r.varint(), watermark: r.timestamp(), lastEnd: r.timestamp()}
	for range r.count(3) {
		h.advances = append(h.advances, Advance{Offset: r.varint(), From: r.timestamp(), To: r.timestamp()})
	}
	return h, r.end()
}

func (r *reader) timestamp() windows.Timestamp { return windows.Timestamp(r.varint()) }

// A Mark is what pollers see of a partition.
type Mark struct {
	Found              bool // false: the partition has no checkpoint
	Watermark, LastEnd windows.Timestamp
	NextOffset         int64
	Idle               bool
	// Held: an event waits until shard HeldShard has closed through HeldThrough.
	Held        bool
	HeldShard   int
	HeldThrough windows.Timestamp
	// Epoch and Sequence are of the checkpoint. Sequence grows by one with each.
	Epoch, Sequence int64
}

const (
	markIdle = 1 << iota
	markHeld
)

func encodeMark(m Mark) []byte {
	var flags byte
	if m.Idle {
		flags |= markIdle
	}
	if m.Held {
		flags |= markHeld
	}
	b := []byte{markFormat, flags}
	for _, n := range [...]int64{int64(m.Watermark), int64(m.LastEnd), m.NextOffset, m.Epoch, m.Sequence} {
		b = binary.AppendVarint(b, n)
	}
	if m.Held {
		b = binary.AppendVarint(b, int64(m.HeldShard))
		b = binary.AppendVarint(b, int64(m.HeldThrough))
	}
	return b
}

func decodeMark(b []byte) (Mark, error) {
	r := &reader{rest: b}
	r.version(markFormat, "mark")
	flags := r.byte()
	if flags > markIdle|markHeld {
		r.fail("a mark with unknown flags %#x", flags)
	}
	m := Mark{
		Found: true, Idle: flags&markIdle != 0, Held: flags&markHeld != 0,
		Watermark: r.timestamp(), LastEnd: r.timestamp(), NextOffset: r.varint(), Epoch: r.varint(), Sequence: r.varint(),
	}
	if m.Held {
		m.HeldShard, m.HeldThrough = int(r.varint()), r.timestamp()
	}
	if err := r.end(); err != nil {
		return Mark{}, err
	}
	return m, nil
}
