package consumer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errUnpackedEnough says that a batch is not unpacked now, because what was unpacked
// since the last poll fills the memory there is for it. It is fetched again.
var errUnpackedEnough = errors.New("what has been unpacked must be taken first")

// An unpacker decompresses batches. One batch may not unpack to more than most bytes;
// all of those between two polls together not to more than enough, however little
// they take packed: where that is reached the client keeps what came before, and
// fetches the rest again.
type unpacker struct {
	most     int
	enough   int64
	unpacked atomic.Int64 // since the last poll

	gzip, lz4, zstd sync.Pool
}

func newUnpacker(most int) *unpacker {
	return &unpacker{most: most, enough: int64(max(64<<20, 2*most))}
}

// polled says that what was unpacked has been taken.
func (u *unpacker) polled() { u.unpacked.Store(0) }

// Decompress implements kgo.Decompressor.
func (u *unpacker) Decompress(packed []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if codec == kgo.CodecNone {
		return packed, nil
	}
	if u.unpacked.Load() >= u.enough {
		return nil, errUnpackedEnough
	}
	unpacked, err := u.unpack(packed, codec)
	if err != nil {
		return nil, err
	}
	u.unpacked.Add(int64(len(unpacked)))
	return unpacked, nil
}

func (u *unpacker) unpack(packed []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	switch codec {
	case kgo.CodecGzip:
		r, _ := u.gzip.Get().(*gzip.Reader)
		if r == nil {
			r = new(gzip.Reader)
		}
		defer u.gzip.Put(r)
		if err := r.Reset(bytes.NewReader(packed)); err != nil {
			return nil, fmt.Errorf("reading a batch packed by gzip: %w", err)
		}
		return u.read(r)
	case kgo.CodecSnappy:
		return u.snappy(packed)
	case kgo.CodecLz4:
		r, _ := u.lz4.Get().(*lz4.Reader)
		if r == nil {
			r = lz4.NewReader(nil)
		}
		defer u.lz4.Put(r)
		r.Reset(bytes.NewReader(packed))
		return u.read(r)
	case kgo.CodecZstd:
		r, _ := u.zstd.Get().(*zstd.Decoder)
		if r == nil {
			var err error
			if r, err = zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(u.most))); err != nil {
				return nil, fmt.Errorf("preparing to read a batch packed by zstd: %w", err)
			}
		}
		defer u.zstd.Put(r)
		unpacked, err := r.DecodeAll(packed, nil)
		switch {
		case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
			return nil, kgo.ErrMaxDecompress
		case err != nil:
			return nil, fmt.Errorf("reading a batch packed by zstd: %w", err)
		}
		return unpacked, nil
	default:
		return nil, fmt.Errorf("reading a batch: nothing is known of the compression with number %d", codec)
	}
}

// read reads a stream to its end, and not beyond the most.
func (u *unpacker) read(r io.Reader) ([]byte, error) {
	var unpacked bytes.Buffer
	n, err := io.Copy(&unpacked, io.LimitReader(r, int64(u.most)+1))
	switch {
	case n > int64(u.most):
		return nil, kgo.ErrMaxDecompress
	case err != nil:
		return nil, fmt.Errorf("reading a packed batch: %w", err)
	}
	return unpacked.Bytes(), nil
}

// xerialHeader begins snappy as Java's clients write it: blocks, each after its
// length, behind a header of sixteen bytes.
const (
	xerialHeader     = "\x82SNAPPY\x00"
	xerialHeaderSize = 16
)

func (u *unpacker) snappy(packed []byte) ([]byte, error) {
	if !bytes.HasPrefix(packed, []byte(xerialHeader)) || len(packed) < xerialHeaderSize {
		return u.block(nil, packed)
	}
	var unpacked []byte
	for rest := packed[xerialHeaderSize:]; len(rest) > 0; {
		if len(rest) < 4 || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-4) {
			return nil, errors.New("reading a batch packed by snappy: a block is cut off")
		}
		size := binary.BigEndian.Uint32(rest)
		var err error
		if unpacked, err = u.block(unpacked, rest[4:4+size]); err != nil {
			return nil, err
		}
		rest = rest[4+size:]
	}
	return unpacked, nil
}

// block appends a block of snappy to what is unpacked.
func (u *unpacker) block(unpacked, packed []byte) ([]byte, error) {
	n, err := s2.DecodedLen(packed)
	if err != nil {
		return nil, fmt.Errorf("reading a batch packed by snappy: %w", err)
	}
	if n > u.most-len(unpacked) {
		return nil, kgo.ErrMaxDecompress
	}
	decoded, err := s2.Decode(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("reading a batch packed by snappy: %w", err)
	}
	if unpacked == nil {
		return decoded, nil
	}
	return append(unpacked, decoded...), nil
}
