package redisstore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Every value begins with a version byte. Integers are varints as
// encoding/binary has them, floats their bits, little-endian; texts have their
// length before them.

func appendText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

func appendFloat(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal ends a blob with the checksum of what came before.
func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// unseal checks and removes the checksum.
func unseal(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: %d bytes are too short for a blob", ErrCorrupt, len(b))
	}
	body := b[:len(b)-4]
	if binary.LittleEndian.Uint32(b[len(b)-4:]) != crc32.Checksum(body, castagnoli) {
		return nil, fmt.Errorf("%w: the checksum of a blob of %d bytes does not match", ErrCorrupt, len(b))
	}
	return body, nil
}

// A reader takes values off the front of a buffer. The first error stays, and
// everything read after it is zero. Lengths are believed only as far as the
// bytes that are there could bear them out, so that what is allocated is in
// proportion to what was read.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
		r.rest = nil
	}
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail("it ends early")
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail("%d bytes are wanted where %d are left", n, len(r.rest))
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("a number is cut off or too long")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail("a number is cut off or too long")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) float() float64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *reader) text() string { return string(r.take(r.uvarint())) }

// count reads how many elements follow, each of at least size bytes.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.fail("%d elements are promised where %d bytes are left", n, len(r.rest))
		return 0
	}
	return int(n)
}

// version reads the first byte.
func (r *reader) version(known byte, of string) {
	if v := r.byte(); r.err == nil && v != known {
		r.fail("a %s of format %d, where this program reads format %d: was it written by a newer version?", of, v, known)
	}
}

// end reports the first error, or that something is left over.
func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.fail("%d bytes are left over", len(r.rest))
	}
	return r.err
}
