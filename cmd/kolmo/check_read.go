package main

import (
	"context"
	"io"
	"math"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// How much of a file check keeps. Up to exactValues numbers, rows times columns, it
// keeps them all; of a longer file it counts them all between quantiles of the
// reference and keeps manyKept of each column, so that memory no longer grows with
// the file. Two files of exactValues numbers take less than a gigabyte.
//
// Two files of five million rows and ten columns (eight of floating-point numbers
// with all their digits, one of 24 integers, one of 20 texts) were compared in so
// many seconds of one core of an AMD EPYC, and with so much memory at most; beside
// it pandas 3 and scipy 1.17, which hold the files in memory:
//
//	          check                            pandas and scipy
//	CSV       33.5 s  299,000 rows/s  356 MB   22.3 s   2,112 MB
//	NDJSON    28.4 s  352,000 rows/s  346 MB   67.8 s  10,224 MB
//	Parquet   21.9 s  457,000 rows/s  358 MB   19.7 s   1,856 MB
//
// CSV costs more because each file is read once more, to learn which columns are
// numeric, and the reference twice after that.
const (
	exactValues = 8_000_000
	manyKept    = 10_000
)

// checkLimits let a file have as many columns as it likes. Of a column's categories
// so many are told apart, as many again that only the current file has, and those
// beyond are counted as one: a column of identifiers has one for every row.
func checkLimits() windows.Limits {
	return windows.Limits{Models: 1, Features: math.MaxInt32, Categories: 100_000}
}

// kept is how many values of a file are kept.
func (o *checkOptions) kept() reference.Within {
	if o.sampleSize > 0 {
		return reference.Within{Each: o.sampleSize}
	}
	return reference.Within{All: exactValues, Each: manyKept}
}

// alignColumns reads a column of the current file as categories where the
// reference's is, so that the codes of one file are not numbers in the other, and
// as numbers where the reference's is, so that a few texts are counted as such
// and leave the others what they are.
func alignColumns(reference, current *dataset.Reader) error {
	categorical, numeric := make(map[string]bool), make(map[string]bool)
	for _, column := range reference.Columns() {
		categorical[column.Name], numeric[column.Name] = !column.Numeric, column.Numeric
	}
	if current.Format() != dataset.CSV {
		return nil
	}
	for _, column := range current.Columns() {
		var err error
		switch {
		case column.Numeric && categorical[column.Name]:
			err = current.AsCategories(column.Name)
		case !column.Numeric && numeric[column.Name]:
			err = current.AsNumbers(column.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rows adds a progress bar for each time a file is read, and an end.
type rows struct {
	dataset.Observations
	ctx    context.Context
	stderr io.Writer
	what   string
	bar    *progress
	seen   int
}

func watched(ctx context.Context, r *dataset.Reader, stderr io.Writer, what string) *rows {
	return &rows{Observations: dataset.Observations{Reader: r}, ctx: ctx, stderr: stderr, what: what}
}

// Rewind implements reference.Rows.
func (r *rows) Rewind() error {
	if r.bar != nil {
		r.what += " again"
	}
	r.bar = newProgress(r.stderr, r.Reader.Size(), r.what)
	return r.Observations.Rewind()
}

// Next implements reference.Rows.
func (r *rows) Next(o *windows.Observation) error {
	if r.seen++; r.seen%4096 == 0 {
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		r.bar.set(r.Reader.BytesRead())
	}
	err := r.Observations.Next(o)
	if err == io.EOF {
		r.bar.done()
	}
	return err
}
