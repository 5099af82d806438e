package redisstore

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/kolmo-ml/kolmo/windows"
)

const directoryFormat = 1

const (
	// pieceSize is the most bytes that a key of a blob holds: Redis serves nobody
	// else while it takes in a value.
	pieceSize = 256 << 10
	// maxBlob bounds what a directory can claim that a blob has.
	maxBlob = 1 << 30
)

// A blobID names a blob: bytes that no other claim draws, even after Redis has
// lost what it knew, and a number counted up by the claim. Each piece of a blob
// takes a number.
type blobID struct {
	claim  [8]byte
	number uint64 // of the first piece
	length int    // bytes in all pieces
}

func (b blobID) pieces() int { return max(1, (b.length+pieceSize-1)/pieceSize) }

// keys appends the keys of the blob's pieces.
func (b blobID) keys(keys []string, partitionKey string) []string {
	for piece := range b.pieces() {
		keys = append(keys, fmt.Sprintf("%s:b:%x.%d", partitionKey, b.claim, b.number+uint64(piece)))
	}
	return keys
}

func appendBlobID(dst []byte, b blobID) []byte {
	dst = append(dst, b.claim[:]...)
	dst = binary.AppendUvarint(dst, b.number)
	return binary.AppendUvarint(dst, uint64(b.length))
}

func (r *reader) blobID() blobID {
	var b blobID
	copy(b.claim[:], r.take(8))
	b.number = r.uvarint()
	length := r.uvarint()
	if length > maxBlob {
		r.fail("a blob of %d bytes", length)
		return b
	}
	b.length = int(length)
	return b
}

// A sampleBlob holds entries of a pane's samples.
type sampleBlob struct {
	blob    blobID
	entries uint64
}

// An Entry is what the manifest says of one pane, and where the pane is.
type Entry struct {
	Key          windows.PaneKey
	Interval     windows.Interval
	Events, Late uint64
	GridID       string // empty: none

	sampleSize int
	state      blobID
	samples    []sampleBlob // the pane's sample is the bottom-k of them all
}

// Bytes is the size of the pane's blobs.
func (e *Entry) Bytes() int {
	n := e.state.length
	for _, s := range e.samples {
		n += s.blob.length
	}
	return n
}

// keys appends the keys of all pieces of all the pane's blobs, in the order in
// which read wants them.
func (e *Entry) keys(keys []string, partitionKey string) []string {
	keys = e.state.keys(keys, partitionKey)
	for _, s := range e.samples {
		keys = s.blob.keys(keys, partitionKey)
	}
	return keys
}

// encodeDirectory writes the entries of a shard in the order of their keys.
func encodeDirectory(b []byte, entries []*Entry) []byte {
	b = append(b, directoryFormat)
	b = binary.AppendUvarint(b, uint64(len(entries)))
	for _, e := range entries {
		b = appendText(b, e.Key.Model)
		b = appendText(b, e.Key.Version)
		b = binary.AppendVarint(b, e.Key.Index)
		b = binary.AppendVarint(b, int64(e.Interval.Start))
		b = binary.AppendVarint(b, int64(e.Interval.End)-int64(e.Interval.Start))
		b = binary.AppendUvarint(b, uint64(e.sampleSize))
		b = binary.AppendUvarint(b, e.Events)
		b = binary.AppendUvarint(b, e.Late)
		b = appendText(b, e.GridID)
		b = appendBlobID(b, e.state)
		b = binary.AppendUvarint(b, uint64(len(e.samples)))
		for _, s := range e.samples {
			b = appendBlobID(b, s.blob)
			b = binary.AppendUvarint(b, s.entries)
		}
	}
	return b
}

// entrySize is the least an entry takes: nine one-byte fields, a blob, a count.
const entrySize = 9 + 10 + 1

func decodeDirectory(b []byte) ([]Entry, error) {
	r := &reader{rest: b}
	r.version(directoryFormat, "directory")
	n := r.count(entrySize)
	entries := make([]Entry, 0, n)
	for i := 0; i < n && r.err == nil; i++ {
		var e Entry
		e.Key.Model, e.Key.Version, e.Key.Index = r.text(), r.text(), r.varint()
		start := r.varint()
		e.Interval = windows.Interval{Start: windows.Timestamp(start), End: windows.Timestamp(start + r.varint())}
		size := r.uvarint()
		if size > math.MaxInt32 {
			r.fail("a sample of %d values", size)
		}
		e.sampleSize = int(size)
		e.Events, e.Late, e.GridID = r.uvarint(), r.uvarint(), r.text()
		e.state = r.blobID()
		for range r.count(11) {
			e.samples = append(e.samples, sampleBlob{blob: r.blobID(), entries: r.uvarint()})
		}
		if i > 0 && r.err == nil && entries[i-1].Key.Compare(e.Key) >= 0 {
			r.fail("panes out of order")
		}
		entries = append(entries, e)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return entries, nil
}
