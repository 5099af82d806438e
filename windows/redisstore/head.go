package redisstore

import (
	"encoding/binary"

	"github.com/kolmo-ml/kolmo/windows"
)

const (
	headFormat = 2
	markFormat = 1
)

// maxAdvances bounds how many idle advances a checkpoint remembers: 40 KB. A
// partition that stops and goes on more often between two windows forgets the
// oldest, and a rewind over them may count late what was not, or the reverse.
const maxAdvances = 4096

// A head is what the manifest says of the partition as a whole.
type head struct {
	nextOffset         int64
	watermark, lastEnd windows.Timestamp
	decisions          windows.Decisions
}

func encodeHead(h head) []byte {
	b := []byte{headFormat}
	b = binary.AppendVarint(b, h.nextOffset)
	b = binary.AppendVarint(b, int64(h.watermark))
	b = binary.AppendVarint(b, int64(h.lastEnd))
	b = binary.AppendVarint(b, h.decisions.Start)
	b = binary.AppendVarint(b, h.decisions.Ahead)
	advances := h.decisions.Advances
	advances = advances[max(0, len(advances)-maxAdvances):]
	b = binary.AppendUvarint(b, uint64(len(advances)))
	for _, a := range advances {
		b = binary.AppendVarint(b, a.Offset)
		b = binary.AppendVarint(b, int64(a.From))
		b = binary.AppendVarint(b, int64(a.To))
	}
	b = binary.AppendUvarint(b, uint64(len(h.decisions.Gaps)))
	for _, g := range h.decisions.Gaps {
		b = binary.AppendVarint(b, g.From)
		b = binary.AppendVarint(b, g.To)
		b = binary.AppendVarint(b, int64(g.After))
		b = binary.AppendVarint(b, int64(g.Until))
	}
	return b
}

func decodeHead(b []byte) (head, error) {
	r := &reader{rest: b}
	r.version(headFormat, "manifest")
	h := head{nextOffset: r.varint(), watermark: r.timestamp(), lastEnd: r.timestamp()}
	h.decisions.Start, h.decisions.Ahead = r.varint(), r.varint()
	for range r.count(3) {
		h.decisions.Advances = append(h.decisions.Advances, windows.Advance{Offset: r.varint(), From: r.timestamp(), To: r.timestamp()})
	}
	for range r.count(4) {
		h.decisions.Gaps = append(h.decisions.Gaps, windows.Gap{From: r.varint(), To: r.varint(), After: r.timestamp(), Until: r.timestamp()})
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
