package dataset

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

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
	// mixed: of a numeric column, some fields are other than numbers.
	mixed bool
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
		if isFiniteNumber(field) {
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

func (c *csvRows) asCategories(name string) bool { return c.as(name, false) }
func (c *csvRows) asNumbers(name string) bool    { return c.as(name, true) }

func (c *csvRows) as(name string, numeric bool) bool {
	for i := range c.header {
		if column := &c.header[i]; column.name == name && column.use.typed() {
			column.mixed = numeric && !column.numeric
			column.numeric = numeric
			if column.use == useFeature {
				feature := &c.feature[column.feature]
				feature.Numeric = numeric
				if numeric {
					feature.Because = ""
				}
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
	switch {
	case !ok && column.mixed && (field == "NaN" || field == "Infinity" || field == "-Infinity"):
		*v = event.Value{Kind: event.NonFinite}
		return nil
	case !ok && column.mixed:
		*v = event.Value{Kind: event.Text, Text: c.keep(field)}
		return nil
	case !ok:
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
	for i := range len(field) {
		if !numeral[field[i]] {
			return 0, false
		}
	}
	number, err := strconv.ParseFloat(field, 64)
	return number, err == nil && !math.IsInf(number, 0)
}

// isFiniteNumber is finiteNumber for whoever does not need the number: where there
// is no exponent, and no room for 300 digits, the digits need not be converted.
func isFiniteNumber(field string) bool {
	digits, points := 0, 0
	for i := range len(field) {
		switch b := field[i]; {
		case '0' <= b && b <= '9':
			digits++
		case b == '.':
			points++
		case (b == '-' || b == '+') && i == 0:
		default:
			_, ok := finiteNumber(field)
			return ok
		}
	}
	if len(field) > 300 {
		_, ok := finiteNumber(field)
		return ok
	}
	return digits > 0 && points <= 1
}

// numeral are the bytes that decimal numbers are made of.
var numeral = func() (set [256]bool) {
	for _, b := range []byte("0123456789+-.eE") {
		set[b] = true
	}
	return set
}()
