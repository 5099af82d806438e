package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// What a Parquet footer may hold. The largest real ones, of thousands of columns
// in hundreds of row groups, stay below.
const (
	longestFooter = 64 << 20
	longestList   = 1 << 18
	deepestThrift = 32
	deepestSchema = 64
)

// checkFooter refuses a footer that the Parquet library could not survive: it
// allocates what a list's length claims before reading the list, and walks the
// schema recursively. A process can recover from a panic, but not from memory or
// a stack that has run out.
func checkFooter(data io.ReaderAt, size int64) error {
	tail := make([]byte, 8)
	if size < int64(len("PAR1")+len(tail)) {
		return errors.New("is too short for a Parquet file")
	}
	if _, err := data.ReadAt(tail, size-8); err != nil && err != io.EOF {
		return err
	}
	switch string(tail[4:]) {
	case "PAR1":
	case "PARE":
		return errors.New("is an encrypted Parquet file; kolmo reads plain ones")
	default:
		return errors.New("does not end as a Parquet file does: was it cut short?")
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if length > size-12 || length > longestFooter {
		return fmt.Errorf("has a footer of %d bytes, in a file of %d", length, size)
	}
	footer := make([]byte, length)
	if _, err := data.ReadAt(footer, size-8-length); err != nil && err != io.EOF {
		return err
	}
	walk := thriftWalk{rest: footer}
	if err := walk.fields(0); err != nil {
		return fmt.Errorf("has a damaged footer: %w", err)
	}
	var metadata format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer[:len(footer)-len(walk.rest)], &metadata); err != nil {
		return fmt.Errorf("has a damaged footer: %w", err)
	}
	return checkSchemaDepth(metadata.Schema)
}

// checkSchemaDepth follows the depth-first list of the schema's elements.
func checkSchemaDepth(schema []format.SchemaElement) error {
	var open []int32 // how many children of each group are still to come
	for _, element := range schema {
		if n := len(open); n > 0 {
			open[n-1]--
		}
		if element.NumChildren.Valid && element.NumChildren.V > 0 {
			open = append(open, element.NumChildren.V)
		}
		for len(open) > 0 && open[len(open)-1] == 0 {
			open = open[:len(open)-1]
		}
		if len(open) > deepestSchema {
			return fmt.Errorf("has columns nested deeper than %d levels", deepestSchema)
		}
	}
	return nil
}

// thriftWalk passes over values in Thrift's compact protocol.
type thriftWalk struct{ rest []byte }

var errCutShort = errors.New("it is cut short")

// Types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftInt16  = 4
	thriftInt32  = 5
	thriftInt64  = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftStruct = 12
	thriftUUID   = 13
)

// fields passes over the fields of a struct and its end.
func (w *thriftWalk) fields(depth int) error {
	if depth > deepestThrift {
		return errors.New("it is nested too deep")
	}
	for {
		head, err := w.byte()
		if err != nil || head == 0 {
			return err
		}
		if head>>4 == 0 { // the field's number follows
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		if kind := head & 0xf; kind != thriftTrue && kind != thriftFalse {
			if err := w.value(kind, depth); err != nil {
				return err
			}
		}
	}
}

func (w *thriftWalk) value(kind byte, depth int) error {
	switch kind {
	case thriftTrue, thriftFalse, thriftByte:
		return w.skip(1)
	case thriftInt16, thriftInt32, thriftInt64:
		_, err := w.varint()
		return err
	case thriftDouble:
		return w.skip(8)
	case thriftUUID:
		return w.skip(16)
	case thriftBinary:
		n, err := w.varint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case thriftList, thriftSet:
		return w.list(depth)
	case thriftStruct:
		return w.fields(depth + 1)
	default: // no struct of Parquet's metadata has a map
		return fmt.Errorf("it holds a value of type %d", kind)
	}
}

func (w *thriftWalk) list(depth int) error {
	head, err := w.byte()
	if err != nil {
		return err
	}
	n := uint64(head >> 4)
	if n == 15 {
		if n, err = w.varint(); err != nil {
			return err
		}
	}
	if n > uint64(len(w.rest)) || n > longestList {
		return fmt.Errorf("it claims a list of %d elements", n)
	}
	if depth > deepestThrift {
		return errors.New("it is nested too deep")
	}
	for range n {
		if err := w.value(head&0xf, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *thriftWalk) byte() (byte, error) {
	if len(w.rest) == 0 {
		return 0, errCutShort
	}
	b := w.rest[0]
	w.rest = w.rest[1:]
	return b, nil
}

func (w *thriftWalk) varint() (uint64, error) {
	v, n := binary.Uvarint(w.rest)
	if n <= 0 {
		return 0, errCutShort
	}
	w.rest = w.rest[n:]
	return v, nil
}

func (w *thriftWalk) skip(n uint64) error {
	if n > uint64(len(w.rest)) {
		return errCutShort
	}
	w.rest = w.rest[n:]
	return nil
}
