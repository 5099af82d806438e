package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// longestCSVRow bounds what one row may hold in memory: a quote that is never
// closed makes a row of the rest of the file.
const longestCSVRow = 16 << 20

// csvBuffer is what a line must fit into to be read the quick way.
const csvBuffer = 1 << 16

// recordReader reads the records of a CSV stream, each of bounded length. A line
// without a quote is a record of its own and is cut at its commas; what has a quote
// is read by encoding/csv, which reads from the same buffer and nothing ahead.
type recordReader struct {
	csv      *csv.Reader
	buffered *bufio.Reader
	source   io.Reader // what buffered reads from, through this recordReader
	left     int64
	fields   []string
	// cutLines were cut at their commas, csvLines were read by encoding/csv, which
	// does not know of the others.
	cutLines, csvLines int64
	quick              bool // the last record was such a line
	// count is how many fields a record has; 0 before the header.
	count int
}

var errLongRow = fmt.Errorf("a row is longer than %d MiB: is a quote not closed?", longestCSVRow>>20)

func newRecordReader(source *source) (*recordReader, error) {
	stream, err := source.stream()
	if err != nil {
		return nil, err
	}
	r := &recordReader{source: stream, left: longestCSVRow}
	r.buffered = bufio.NewReaderSize(r, csvBuffer)
	if mark, err := r.buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = r.buffered.Discard(3)
	}
	r.csv = csv.NewReader(r.buffered) // which adds no buffer of its own to one
	r.csv.ReuseRecord = true
	return r, nil
}

// Read serves the buffer.
func (r *recordReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLongRow
	}
	n, err := r.source.Read(p)
	r.left -= int64(n)
	return n, err
}

// read returns the fields of the next record, which hold until the one after.
func (r *recordReader) read() ([]string, error) {
	r.left = longestCSVRow
	if r.count > 0 {
		if record, err := r.cut(); record != nil || err != nil {
			return record, err
		}
	}
	r.quick = false
	record, err := r.csv.Read()
	var wrong *csv.ParseError
	switch {
	case err == nil:
		r.count = len(record)
		line, _ := r.csv.FieldPos(r.count - 1)
		r.csvLines = int64(line + strings.Count(record[r.count-1], "\n"))
		return record, nil
	case err == io.EOF:
		return nil, io.EOF
	case errors.Is(err, csv.ErrFieldCount):
		return nil, r.fieldCount(len(record))
	case errors.As(err, &wrong): // which names line and column
		moved := *wrong
		moved.StartLine += int(r.cutLines)
		moved.Line += int(r.cutLines)
		return nil, &moved
	default:
		return nil, err
	}
}

// cut reads a line that is whole in the buffer and has no quote. It returns
// nothing where there is none.
func (r *recordReader) cut() ([]string, error) {
	for {
		line := r.peek()
		if line == nil {
			return nil, nil
		}
		length := len(line) + 1
		line = bytes.TrimSuffix(line, []byte{'\r'})
		text := string(line)
		_, _ = r.buffered.Discard(length) // it is in the buffer
		r.cutLines++
		if text == "" {
			continue // encoding/csv passes over empty lines as well
		}
		r.quick = true
		r.fields = r.fields[:0]
		for {
			comma := strings.IndexByte(text, ',')
			if comma < 0 {
				break
			}
			r.fields = append(r.fields, text[:comma])
			text = text[comma+1:]
		}
		r.fields = append(r.fields, text)
		if len(r.fields) != r.count {
			return nil, r.fieldCount(len(r.fields))
		}
		return r.fields, nil
	}
}

// peek returns the next line, without its end, if it can be cut.
func (r *recordReader) peek() []byte {
	ahead, _ := r.buffered.Peek(r.buffered.Buffered())
	end := bytes.IndexByte(ahead, '\n')
	if end < 0 {
		// Fill the buffer: this moves what is left of it to its front. An error comes
		// again when encoding/csv reads.
		ahead, _ = r.buffered.Peek(csvBuffer)
		if end = bytes.IndexByte(ahead, '\n'); end < 0 {
			return nil
		}
	}
	if line := ahead[:end]; bytes.IndexByte(line, '"') < 0 {
		return line
	}
	return nil
}

func (r *recordReader) fieldCount(n int) error {
	return fmt.Errorf("line %d has %d fields, the header has %d", r.line(0), n, r.count)
}

// line is the line on which a field of the last record begins.
func (r *recordReader) line(field int) int64 {
	if r.quick {
		return r.cutLines + r.csvLines
	}
	line, _ := r.csv.FieldPos(field)
	return int64(line) + r.cutLines
}
