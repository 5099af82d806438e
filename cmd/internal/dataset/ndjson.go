package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// ndjsonRows reads one JSON object a line. Empty lines are passed over.
type ndjsonRows struct {
	source  *source
	limits  event.Limits
	decoder *event.Decoder
	// native says that the lines are events, not objects of columns.
	native  bool
	scanner *bufio.Scanner
	line    int64
}

// openNDJSON reads the file up to the first line that can only be a native event,
// which is the first line if its events have features.
func openNDJSON(source *source, limits event.Limits) (*ndjsonRows, error) {
	n := &ndjsonRows{source: source, limits: limits, decoder: event.NewDecoder(limits)}
	if err := n.rewind(); err != nil {
		return nil, err
	}
	for !n.native {
		line, err := n.scan()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		n.native = mayHoldFields(line) && n.decoder.HoldsFields(line)
	}
	return n, nil
}

// mayHoldFields says without decoding that a line is no native event: it then names
// neither object, and escapes nothing that could be its name.
func mayHoldFields(line []byte) bool {
	return bytes.Contains(line, []byte(`"features"`)) || bytes.Contains(line, []byte(`"metrics"`)) || bytes.IndexByte(line, '\\') >= 0
}

func (n *ndjsonRows) columns() []Column { return nil }
func (n *ndjsonRows) count() int64      { return -1 }
func (n *ndjsonRows) close() error      { return nil }

func (n *ndjsonRows) rewind() error {
	stream, err := n.source.stream()
	if err != nil {
		return err
	}
	n.line = 0
	n.scanner = bufio.NewScanner(stream)
	n.scanner.Buffer(make([]byte, min(1<<16, n.limits.MaxBytes)), n.limits.MaxBytes+len("\r\n"))
	return nil
}

// scan returns the next line that is not empty, which holds until the one after.
func (n *ndjsonRows) scan() ([]byte, error) {
	for n.scanner.Scan() {
		n.line++
		if len(n.scanner.Bytes()) > 0 {
			return n.scanner.Bytes(), nil
		}
	}
	err := n.scanner.Err()
	switch {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d is longer than %d bytes", n.line+1, n.limits.MaxBytes)
	default:
		return nil, fmt.Errorf("after line %d: %w", n.line, err)
	}
}

func (n *ndjsonRows) next(row *Row) error {
	line, err := n.scan()
	if err != nil {
		return err
	}
	row.Line, row.Raw = n.line, line
	if n.native {
		err = n.decoder.Decode(event.Whole, line, &row.Event)
	} else {
		err = n.decoder.DecodeColumns(line, &row.Event)
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", n.line, err)
	}
	return nil
}
