package dataset

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// longestCSVRow bounds what one row may hold in memory: a quote that is never
// closed makes a row of the rest of the file.
const longestCSVRow = 16 << 20

// csvRows reads a CSV file with a header row. Opening it reads the whole file once,
// to learn which columns are numeric.
type csvRows struct {
	source  *source
	header  []csvColumn
	feature []Column
	rows    int64

	records *recordReader
	// scratch holds the texts of the row.
	scratch []byte
	success []byte
}

type csvColumn struct {
	name string
	use  use
	// label is name for the rows' fields, all of which share it.
	label []byte
	// numeric says that every non-empty field is a finite number, some that there
	// is such a field; because is where the first other field stands.
	numeric bool
	some    bool
	because string
	// feature is the column's place among the features.
	feature int
}

func openCSV(source *source, limits event.Limits) (*csvRows, error) {
	c := &csvRows{source: source, success: []byte(success)}
	records, err := newRecordReader(source)
	if err != nil {
		return nil, err
	}
	names, err := records.read()
	if err == io.EOF {
		return nil, errors.New("is empty: a CSV file begins with a header row")
	}
	if err != nil {
		return nil, err
	}
	if err := c.readHeader(names, limits); err != nil {
		return nil, err
	}
	for {
		record, err := records.read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		c.rows++
		c.learn(record, records)
	}
	for i := range c.header {
		column := &c.header[i]
		if column.use == useFeature {
			column.feature = len(c.feature)
			c.feature = append(c.feature, column.describe())
		}
	}
	return c, nil
}

func (c *csvRows) readHeader(names []string, limits event.Limits) error {
	if len(names) == 1 && strings.ContainsAny(names[0], ";\t") {
		return fmt.Errorf("the header %s has no comma: fields must be separated by commas, not by semicolons or tabs", shorten(names[0]))
	}
	seen := map[string]int{}
	for i, name := range names {
		switch before, again := seen[name]; {
		case name == "":
			return fmt.Errorf("column %d of the header has no name; if it is a row number, leave it out (index=False in pandas)", i+1)
		case !utf8.ValidString(name):
			return fmt.Errorf("column %d of the header is not UTF-8; convert the file, for example with iconv -t UTF-8", i+1)
		case len(name) > limits.MaxNameBytes:
			return fmt.Errorf("the name of column %d has %d bytes, at most %d are kept", i+1, len(name), limits.MaxNameBytes)
		case again:
			return fmt.Errorf("columns %d and %d of the header are both called %s", before, i+1, shorten(name))
		}
		seen[name] = i + 1
		c.header = append(c.header, csvColumn{name: strings.Clone(name), label: []byte(name), use: useOf(name), numeric: true})
	}
	features := 0
	for _, column := range c.header {
		if column.use == useFeature {
			features++
		}
	}
	if features > limits.MaxFeatures {
		return fmt.Errorf("%d feature columns, at most %d are read", features, limits.MaxFeatures)
	}
	return nil
}

// learn looks at a record of the first pass.
func (c *csvRows) learn(record []string, records *recordReader) {
	for i, field := range record {
		column := &c.header[i]
		if field == "" || !column.use.typed() || (!column.numeric && column.some) {
			continue
		}
		if _, ok := finiteNumber(field); ok {
			column.some = true
		} else if column.numeric {
			column.numeric = false
			column.because = fmt.Sprintf("line %d holds %s", records.line(i), shorten(field))
		}
	}
}

func (c csvColumn) describe() Column {
	column := Column{Name: c.name, Numeric: c.numeric}
	if !c.numeric && c.some {
		column.Because = c.because
	}
	return column
}

func (c *csvRows) asCategories(name string) bool {
	for i := range c.header {
		if column := &c.header[i]; column.name == name && column.use.typed() {
			column.numeric = false
			if column.use == useFeature {
				c.feature[column.feature].Numeric = false
			}
			return true
		}
	}
	return false
}

func (c *csvRows) columns() []Column { return c.feature }
func (c *csvRows) count() int64      { return c.rows }
func (c *csvRows) close() error      { return nil }

func (c *csvRows) rewind() (err error) {
	if c.records, err = newRecordReader(c.source); err != nil {
		return err
	}
	_, err = c.records.read() // the header
	return err
}

func (c *csvRows) next(row *Row) error {
	record, err := c.records.read()
	if err != nil {
		return err
	}
	row.Line = c.records.line(0)
	row.HasFeatures = true
	row.Status = c.success
	c.scratch = c.scratch[:0]
	for i, field := range record {
		column := &c.header[i]
		if column.use == useFeature {
			row.Features = append(row.Features, event.Field{Name: column.label})
		}
		if field == "" {
			continue
		}
		if err := c.set(row, column, field); err != nil {
			return fmt.Errorf("line %d: %w", c.records.line(i), err)
		}
	}
	return nil
}

// set reads a field that is not empty.
func (c *csvRows) set(row *Row, column *csvColumn, field string) (err error) {
	if column.use != useNothing && !utf8.ValidString(field) {
		return fieldError(column.name, "%s is not UTF-8; convert the file, for example with iconv -t UTF-8", shorten(field))
	}
	switch column.use {
	case useModel:
		row.Model = c.keep(field)
	case useVersion:
		row.Version = c.keep(field)
	case useRequestID:
		row.RequestID = c.keep(field)
	case useStatus:
		row.Status = c.keep(field)
	case useTime:
		text := c.keep(field)
		row.HasTime = true
		var ok bool
		if row.Time, ok = event.ParseTimestamp(text); ok {
			break
		}
		if row.Time, ok = event.ParseMillis(text); !ok {
			err = fieldError(column.name, "%s is neither an RFC 3339 time with an offset, such as 2026-01-31T23:59:59Z, nor whole milliseconds since 1970", shorten(field))
		}
	case useLatency:
		row.HasLatency = true
		var ok bool
		if row.LatencyMillis, ok = finiteNumber(field); !ok || row.LatencyMillis < 0 {
			err = fieldError(column.name, "%s is not a number of at least 0", shorten(field))
		}
	case usePrediction:
		row.HasPrediction = true
		err = c.value(&row.Prediction, column, field)
	case useOutcome:
		row.HasOutcome = true
		err = c.value(&row.Outcome, column, field)
	case useFeature:
		err = c.value(&row.Features[column.feature].Value, column, field)
	}
	return err
}

func (c *csvRows) value(v *event.Value, column *csvColumn, field string) error {
	if !column.numeric {
		*v = event.Value{Kind: event.Text, Text: c.keep(field)}
		return nil
	}
	number, ok := finiteNumber(field)
	if !ok {
		return fieldError(column.name, "%s is not a finite number, as every field was before: the file changed while it was read", shorten(field))
	}
	*v = event.Value{Kind: event.Number, Number: number}
	return nil
}

// keep copies text to where it lasts until the next row. When the buffer grows,
// what was cut from the old one stays valid.
func (c *csvRows) keep(text string) []byte {
	start := len(c.scratch)
	c.scratch = append(c.scratch, text...)
	return c.scratch[start:len(c.scratch):len(c.scratch)]
}

// finiteNumber reads a decimal number: an optional sign, digits with at most one
// point, an optional exponent. Neither the hexadecimal numbers nor the names of
// non-finite values that strconv knows are numbers here, and neither is what
// lies beyond float64.
func finiteNumber(field string) (float64, bool) {
	if strings.ContainsAny(field, "xXpP_iInN") {
		return 0, false
	}
	number, err := strconv.ParseFloat(field, 64)
	return number, err == nil && !math.IsInf(number, 0)
}

// recordReader reads the records of a CSV stream, each of bounded length.
type recordReader struct {
	csv  *csv.Reader
	left int64
	// source is what csv reads from, through this recordReader.
	source io.Reader
}

var errLongRow = fmt.Errorf("a row is longer than %d MiB: is a quote not closed?", longestCSVRow>>20)

func newRecordReader(source *source) (*recordReader, error) {
	stream, err := source.stream()
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(stream, 1<<16)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	r := &recordReader{source: buffered}
	r.csv = csv.NewReader(r)
	r.csv.ReuseRecord = true
	return r, nil
}

// Read serves the CSV reader.
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
	record, err := r.csv.Read()
	switch {
	case err == nil || err == io.EOF:
		return record, err
	case errors.Is(err, csv.ErrFieldCount):
		return nil, fmt.Errorf("line %d has %d fields, the header has %d", r.line(0), len(record), r.csv.FieldsPerRecord)
	default:
		return nil, err // csv.ParseError names line and column
	}
}

func (r *recordReader) line(field int) int64 {
	line, _ := r.csv.FieldPos(field)
	return int64(line)
}
