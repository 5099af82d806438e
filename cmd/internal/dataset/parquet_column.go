package dataset

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// parquetColumn is a leaf column of the schema that is read.
type parquetColumn struct {
	name string
	// label is name for the rows' fields, all of which share it.
	label   []byte
	use     use
	numeric bool
	// leaf is the column's place among the leaves of the schema, feature its
	// place among the features.
	leaf    int
	feature int
	// convert turns a value that is not null into ours.
	convert conversion

	pages   parquet.ColumnChunkValueReader
	buffer  []parquet.Value
	pending []parquet.Value
}

// open begins to read the column's part of a row group.
func (c *parquetColumn) open(chunk parquet.ColumnChunk) {
	c.pages = parquet.NewColumnChunkValueReader(chunk)
	c.pending = nil
}

func (c *parquetColumn) close() error {
	if c.pages == nil {
		return nil
	}
	pages := c.pages
	c.pages, c.pending = nil, nil
	return pages.Close()
}

// next returns the column's next value, which holds until the one after.
func (c *parquetColumn) next() (parquet.Value, error) {
	if len(c.pending) == 0 {
		if c.buffer == nil {
			c.buffer = make([]parquet.Value, 256)
		}
		n, err := c.pages.ReadValues(c.buffer)
		if n == 0 {
			if err == nil || err == io.EOF {
				err = errors.New("it has fewer values than its row group has rows")
			}
			return parquet.Value{}, err
		}
		c.pending = c.buffer[:n]
	}
	value := c.pending[0]
	c.pending = c.pending[1:]
	return value, nil
}

// parquetColumns lists the columns to read, flattening groups by one level.
func parquetColumns(root *parquet.Column, limits event.Limits) ([]*parquetColumn, error) {
	var columns []*parquetColumn
	var problems []error
	add := func(column *parquet.Column, name string) {
		added, err := newParquetColumn(column, name)
		if err != nil {
			problems = append(problems, fmt.Errorf("column %q: %w", name, err))
			return
		}
		columns = append(columns, added)
	}
	for _, column := range root.Columns() {
		switch {
		case useOf(column.Name()) == useNothing:
		case column.Leaf():
			add(column, column.Name())
		case useOf(column.Name()) != useFeature:
			problems = append(problems, fmt.Errorf("column %q: is a group of columns and must be a single one", column.Name()))
		case column.Repeated() || isCollection(column):
			problems = append(problems, fmt.Errorf("column %q: is a list or map; a feature is one value a row", column.Name()))
		default:
			for _, inner := range column.Columns() {
				name := column.Name() + "." + inner.Name()
				if !inner.Leaf() {
					problems = append(problems, fmt.Errorf("column %q: is nested deeper than one level", name))
					continue
				}
				add(inner, name)
			}
		}
	}
	seen := map[string]bool{}
	features := 0
	for _, column := range columns {
		if seen[column.name] {
			problems = append(problems, fmt.Errorf("column %q: stands twice", column.name))
		}
		seen[column.name] = true
		if len(column.name) > limits.MaxNameBytes {
			problems = append(problems, fmt.Errorf("column %s: its name has %d bytes, at most %d are kept", shorten(column.name), len(column.name), limits.MaxNameBytes))
		}
		if column.use == useFeature {
			features++
		}
	}
	if features > limits.MaxFeatures {
		problems = append(problems, fmt.Errorf("%d feature columns, at most %d are read", features, limits.MaxFeatures))
	}
	return columns, errors.Join(problems...)
}

// isCollection says whether a group is annotated as a list, map or variant, or
// holds a repeated field, as lists do in files older than the annotation.
func isCollection(column *parquet.Column) bool {
	if t := column.Type(); t.LogicalType() != nil {
		return true
	}
	for _, inner := range column.Columns() {
		if inner.Repeated() {
			return true
		}
	}
	return false
}

func newParquetColumn(column *parquet.Column, name string) (*parquetColumn, error) {
	// A name within a group is never an event field's, "user.ts" being none.
	c := &parquetColumn{name: name, label: []byte(name), use: useOf(name), leaf: column.Index()}
	if column.Repeated() || column.MaxRepetitionLevel() > 0 {
		return nil, errors.New("is repeated; a feature is one value a row")
	}
	var err error
	switch c.use {
	case useTime:
		c.convert, err = toTime(column.Type())
	case useModel, useVersion, useRequestID, useStatus:
		c.convert, err = toName(column.Type())
	case useLatency:
		if c.convert, c.numeric, err = toValue(column.Type()); err == nil && !c.numeric {
			err = errors.New("must be numeric")
		}
	default:
		c.convert, c.numeric, err = toValue(column.Type())
	}
	if err != nil {
		return nil, fmt.Errorf("has the type %s and %w", strings.ToLower(column.Type().String()), err)
	}
	return c, nil
}
