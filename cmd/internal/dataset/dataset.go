// Package dataset reads files of events and of rows: CSV, NDJSON and Parquet, each
// also gzipped, as a stream of rows in bounded memory.
//
// # Columns
//
// Columns named model, version, ts, request_id, status, latency_ms and outcome
// are the event fields of that name, prediction is the prediction, label is
// ignored, and every other column is a feature. An NDJSON file is either one of
// native events, with a features (or metrics) object in at least one line, or one
// of plain objects of columns, where every field that is not one of the above is
// a feature, flattened by one level.
//
// # Types
//
// A CSV column whose every non-empty field reads as a finite decimal number is
// numeric, any other categorical: a single "NaN", "inf" or "n/a" makes
// the whole column categorical, and [Column.Because] says where it stands. An
// empty field is missing. To know, the file is read once before the first row is
// given out, so it cannot come from a pipe. In NDJSON a value's type is that of
// its JSON. In Parquet it is the column's: integers, floating-point numbers and
// decimals are numbers; booleans, strings, enums and UUIDs are categories; null is
// missing; groups are flattened by one level; a timestamp can only be ts, and
// without a zone it is read as UTC. Any other column is an error that names it.
package dataset

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// Row is one row of a file, or one event.
//
// Its slices hold until the next call of Next or Rewind.
type Row struct {
	// Event holds the fields. Features of a CSV or Parquet file stand in the order
	// of Columns, missing ones included; those of NDJSON as in the line. Model is
	// empty where a file names none; native events always have one.
	event.Event
	// Number counts the rows of the file, from 1.
	Number int64
	// Line is the line the row begins on, from 1; 0 in Parquet.
	Line int64
	// Raw is the line of an NDJSON file as it stands there, without its end; nil
	// in other formats.
	Raw []byte
}

// reset empties the row, keeping the arrays of its fields.
func (r *Row) reset() {
	*r = Row{Event: event.Event{Features: r.Features[:0], Metrics: r.Metrics[:0]}}
}

// Column is a feature column.
type Column struct {
	// Name is flattened where the column is nested in a group.
	Name string
	// Numeric columns hold numbers and missing values (in Parquet non-finite
	// values as well), others texts, bools and missing values.
	Numeric bool
	// Because says which field makes a CSV column categorical that holds numbers
	// as well. It is empty otherwise.
	Because string
}

// Format is how a file is written.
type Format string

// The formats.
const (
	CSV     Format = "CSV"
	NDJSON  Format = "NDJSON"
	Parquet Format = "Parquet"
)

// Reader reads a file row by row. It is not for concurrent use, but for Size and
// BytesRead.
type Reader struct {
	source *source
	format Format
	rows   rows
	number int64
	failed error
}

// rows is what differs between the formats.
type rows interface {
	// next reads a row, and returns io.EOF behind the last one. The row is empty.
	next(*Row) error
	// rewind goes back to before the first row. It is called before the first next.
	rewind() error
	// columns is nil where they are not known before the rows are read.
	columns() []Column
	// count is -1 where it is not known before the rows are read.
	count() int64
	close() error
}

// Open opens a file. limits bound the lines, names and number of features; zero
// fields mean their defaults. Errors name the file.
func Open(path string, limits event.Limits) (*Reader, error) {
	if path == "-" {
		return nil, errors.New("standard input cannot be read: a data set may be read more than once; write it to a file first")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return open(path, file, limits)
}

// OpenFS opens a file of a file system whose files can be read at any offset, as
// those of embed and os.DirFS can.
func OpenFS(files fs.FS, name string, limits event.Limits) (*Reader, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	return open(name, file, limits)
}

func open(name string, file fs.File, limits event.Limits) (*Reader, error) {
	reader, err := newReader(name, file, limits.WithDefaults())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), file.Close())
	}
	return reader, nil
}

func newReader(name string, file fs.File, limits event.Limits) (*Reader, error) {
	source, err := newSource(name, file)
	if err != nil {
		return nil, err
	}
	r := &Reader{source: source}
	if r.format, err = source.sniff(); err != nil {
		return nil, err
	}
	switch r.format {
	case Parquet:
		r.rows, err = openParquet(source, limits)
	case NDJSON:
		r.rows, err = openNDJSON(source, limits)
	default:
		r.rows, err = openCSV(source, limits)
	}
	if err != nil {
		return nil, err
	}
	if err := r.rows.rewind(); err != nil {
		return nil, errors.Join(err, r.rows.close())
	}
	return r, nil
}

// Next reads the next row. It returns io.EOF behind the last one. Any other error
// names the file, the row or line, and the column, and ends the reading: Next
// repeats it until Rewind.
func (r *Reader) Next(row *Row) error {
	if r.failed != nil {
		return r.failed
	}
	row.reset()
	r.number++
	row.Number = r.number
	if err := r.rows.next(row); err != nil {
		if err != io.EOF {
			err = fmt.Errorf("%s: %w", r.source.name, err)
		}
		r.failed = err
	}
	return r.failed
}

// Rewind goes back to before the first row.
func (r *Reader) Rewind() error {
	r.number, r.failed = 0, nil
	if err := r.rows.rewind(); err != nil {
		r.failed = fmt.Errorf("%s: %w", r.source.name, err)
	}
	return r.failed
}

// Columns returns the feature columns in the order of the file. It is nil for
// NDJSON, where they are known only when all rows have been read.
func (r *Reader) Columns() []Column { return r.rows.columns() }

// AsCategories makes a numeric column of a CSV file categorical, for a
// comparison with a file in which it is. Numbers keep their spelling. It changes
// what Next and Columns return from then on.
func (r *Reader) AsCategories(column string) error {
	if rows, ok := r.rows.(*csvRows); ok && rows.asCategories(column) {
		return nil
	}
	return fmt.Errorf("%s: %q is no column of a CSV file", r.source.name, column)
}

// AsNumbers reads the numbers of a categorical column of a CSV file as numbers,
// for a comparison with a file in which all of them are: the others stay texts, or
// not finite where they are NaN, Infinity or -Infinity. It changes what Next and
// Columns return from then on.
func (r *Reader) AsNumbers(column string) error {
	if rows, ok := r.rows.(*csvRows); ok && rows.asNumbers(column) {
		return nil
	}
	return fmt.Errorf("%s: %q is no column of a CSV file", r.source.name, column)
}

// Rows returns the number of rows, or -1 where it is not known yet, as in NDJSON.
func (r *Reader) Rows() int64 { return r.rows.count() }

// Format returns how the file is written.
func (r *Reader) Format() Format { return r.format }

// Size returns the size of the file in bytes, as it lies on the disk.
func (r *Reader) Size() int64 { return r.source.size }

// BytesRead returns how many of those bytes have been read since Open or the last
// Rewind, for showing progress: at the end it is Size. It may be called while
// another goroutine reads. For Parquet, which is not read in one go, it is the
// share of the rows.
func (r *Reader) BytesRead() int64 { return min(r.source.read.Load(), r.source.size) }

// Close closes the file.
func (r *Reader) Close() error { return errors.Join(r.rows.close(), r.source.close()) }
