package consumer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// packers pack as Kafka's clients do.
func packers(t testing.TB) map[string]struct {
	codec kgo.CompressionCodecType
	pack  func([]byte) []byte
} {
	type packer = struct {
		codec kgo.CompressionCodecType
		pack  func([]byte) []byte
	}
	written := func(w interface {
		Write([]byte) (int, error)
		Close() error
	}, to *bytes.Buffer, data []byte) []byte {
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return to.Bytes()
	}
	return map[string]packer{
		"gzip": {kgo.CodecGzip, func(data []byte) []byte {
			var b bytes.Buffer
			return written(gzip.NewWriter(&b), &b, data)
		}},
		"snappy": {kgo.CodecSnappy, func(data []byte) []byte { return s2.EncodeSnappy(nil, data) }},
		"xerial": {kgo.CodecSnappy, func(data []byte) []byte {
			b := append([]byte(xerialHeader), 0, 0, 0, 1, 0, 0, 0, 1)
			for len(data) > 0 {
				n := min(len(data), 32<<10)
				block := s2.EncodeSnappy(nil, data[:n])
				b = append(binary.BigEndian.AppendUint32(b, uint32(len(block))), block...)
				data = data[n:]
			}
			return b
		}},
		"lz4": {kgo.CodecLz4, func(data []byte) []byte {
			var b bytes.Buffer
			return written(lz4.NewWriter(&b), &b, data)
		}},
		"zstd": {kgo.CodecZstd, func(data []byte) []byte {
			var b bytes.Buffer
			w, err := zstd.NewWriter(&b)
			if err != nil {
				t.Fatal(err)
			}
			return written(w, &b, data)
		}},
	}
}

func TestUnpacking(t *testing.T) {
	const most = 8 << 20 // zstd asks for that much, whatever it has packed
	for name, p := range packers(t) {
		t.Run(name, func(t *testing.T) {
			u := newUnpacker(most)
			for _, size := range []int{0, 1, 1000, most} {
				data := bytes.Repeat([]byte("kolmo"), size/5+1)[:size]
				for range 2 { // what is pooled is used again
					got, err := u.Decompress(p.pack(data), p.codec)
					if err != nil || !bytes.Equal(got, data) {
						t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
					}
				}
			}
			bomb := p.pack(make([]byte, 4*most))
			if _, err := u.Decompress(bomb, p.codec); !errors.Is(err, kgo.ErrMaxDecompress) {
				t.Errorf("a bomb of %d bytes: %v", len(bomb), err)
			}
			if _, err := u.Decompress(p.pack(make([]byte, most+1)), p.codec); !errors.Is(err, kgo.ErrMaxDecompress) {
				t.Errorf("one byte too many: %v", err)
			}
			packed := p.pack(bytes.Repeat([]byte("kolmo"), 1000))
			for _, broken := range [][]byte{packed[:len(packed)/2], []byte("no such thing"), {0xff}} {
				if _, err := u.Decompress(broken, p.codec); err == nil || errors.Is(err, kgo.ErrMaxDecompress) {
					t.Errorf("%q: %v", broken, err)
				}
			}
		})
	}
}

// What fits one by one does not all fit at once: the rest waits for the next poll.
func TestUnpackingWaitsForThePoll(t *testing.T) {
	u := newUnpacker(32 << 20)
	packed := packers(t)["zstd"].pack(make([]byte, 20<<20))
	for poll := range 3 {
		for batch := range 4 {
			if _, err := u.Decompress(packed, kgo.CodecZstd); err != nil {
				t.Fatalf("poll %d, batch %d: %v", poll, batch, err)
			}
		}
		if _, err := u.Decompress(packed, kgo.CodecZstd); !errors.Is(err, errUnpackedEnough) {
			t.Fatalf("poll %d: %v", poll, err)
		}
		if _, err := u.Decompress([]byte("plain"), kgo.CodecNone); err != nil {
			t.Errorf("what is not packed: %v", err)
		}
		u.polled()
	}
}

func FuzzUnpack(f *testing.F) {
	for _, p := range packers(f) {
		f.Add(p.pack([]byte(`{"model":"m","features":{"x":1}}`)), int8(p.codec))
		f.Add(p.pack(make([]byte, 100_000)), int8(p.codec))
	}
	const most = 4 << 10
	u := newUnpacker(most) // what a broken batch leaves in a reader must not matter
	f.Fuzz(func(t *testing.T, packed []byte, codec int8) {
		u.polled()
		got, err := u.Decompress(packed, kgo.CompressionCodecType(codec))
		if err == nil && len(got) > max(most, len(packed)) {
			t.Errorf("%d bytes unpack to %d", len(packed), len(got))
		}
	})
}
