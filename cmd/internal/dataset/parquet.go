package dataset

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// parquetRows reads a Parquet file, the columns side by side, a page of each in
// memory at a time. Columns that are ignored are not read.
type parquetRows struct {
	source *source
	// unzipped is the temporary file of a gzipped one, which cannot be read at any
	// offset; else nil.
	unzipped *os.File
	file     *parquet.File
	leaves   []*parquetColumn
	feature  []Column
	total    int64

	// group is the row group being read, left the rows of it still to come, done
	// the rows before.
	group   int
	left    int64
	done    int64
	scratch []byte
	success []byte
}

func openParquet(source *source, limits event.Limits) (*parquetRows, error) {
	p := &parquetRows{source: source, success: []byte(success)}
	if err := p.open(limits); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *parquetRows) open(limits event.Limits) (err error) {
	var data io.ReaderAt = p.source.data
	size := p.source.size
	if p.source.gzipped {
		if size, err = p.unzip(); err != nil {
			return err
		}
		data = p.unzipped
	}
	if err := checkFooter(data, size); err != nil {
		return err
	}
	err = guard(func() (err error) {
		p.file, err = parquet.OpenFile(data, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err != nil {
			return err
		}
		p.leaves, err = parquetColumns(p.file.Root(), limits)
		return err
	})
	if err != nil {
		return err
	}
	for _, leaf := range p.leaves {
		if leaf.use == useFeature {
			leaf.feature = len(p.feature)
			p.feature = append(p.feature, Column{Name: leaf.name, Numeric: leaf.numeric})
		}
	}
	for i, group := range p.file.RowGroups() {
		rows := group.NumRows()
		if rows < 0 || rows > 1<<40 {
			return fmt.Errorf("row group %d claims %d rows", i+1, rows)
		}
		if len(p.leaves) == 0 && rows > 0 {
			return errors.New("has no column to read")
		}
		p.total += rows
	}
	return nil
}

// guard turns a panic of the Parquet library into an error. The library checks
// much of what it reads, but trusts some of it, so a damaged file can make it
// index out of range. It reads in the caller's goroutine, so nothing escapes.
func guard(read func() error) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("is a damaged Parquet file: %v", panicked)
		}
	}()
	return read()
}

// unzip decompresses the file to a temporary one, so that memory stays bounded.
func (p *parquetRows) unzip() (size int64, err error) {
	stream, err := p.source.stream()
	if err != nil {
		return 0, err
	}
	if p.unzipped, err = os.CreateTemp("", "kolmo-*.parquet"); err != nil {
		return 0, err
	}
	if size, err = io.Copy(p.unzipped, stream); err != nil {
		return 0, fmt.Errorf("decompressing to %s: %w", p.unzipped.Name(), err)
	}
	return size, nil
}

func (p *parquetRows) columns() []Column { return p.feature }
func (p *parquetRows) count() int64      { return p.total }

func (p *parquetRows) close() error {
	errs := []error{p.closePages()}
	if p.unzipped != nil {
		errs = append(errs, p.unzipped.Close(), os.Remove(p.unzipped.Name()))
		p.unzipped = nil
	}
	return errors.Join(errs...)
}

func (p *parquetRows) closePages() error {
	return guard(func() error {
		var errs []error
		for _, leaf := range p.leaves {
			errs = append(errs, leaf.close())
		}
		return errors.Join(errs...)
	})
}

func (p *parquetRows) rewind() error {
	p.source.read.Store(0)
	p.group, p.left, p.done = -1, 0, 0
	return p.closePages()
}

func (p *parquetRows) next(row *Row) error {
	return guard(func() error { return p.read(row) })
}

func (p *parquetRows) read(row *Row) error {
	groups := p.file.RowGroups()
	for p.left == 0 {
		if err := p.closePages(); err != nil {
			return err
		}
		if p.group+1 >= len(groups) {
			p.source.read.Store(p.source.size)
			return io.EOF
		}
		p.group++
		chunks := groups[p.group].ColumnChunks()
		p.left = groups[p.group].NumRows()
		for _, leaf := range p.leaves {
			leaf.open(chunks[leaf.leaf])
		}
	}
	p.left--
	p.done++
	p.source.read.Store(int64(float64(p.source.size) * float64(p.done-1) / float64(p.total)))

	row.HasFeatures = true
	row.Status = p.success
	p.scratch = p.scratch[:0]
	for _, leaf := range p.leaves {
		value, err := leaf.next()
		if err == nil {
			err = p.set(row, leaf, value)
		}
		if err != nil {
			return fmt.Errorf("row %d: column %q: %w", row.Number, leaf.name, err)
		}
	}
	return nil
}

// set converts a value and puts it where the column belongs.
func (p *parquetRows) set(row *Row, leaf *parquetColumn, value parquet.Value) (err error) {
	if leaf.use == useFeature {
		row.Features = append(row.Features, event.Field{Name: leaf.label})
	}
	if value.IsNull() {
		return nil
	}
	var v event.Value
	if p.scratch, err = leaf.convert(p.scratch, value, &v); err != nil {
		return err
	}
	switch leaf.use {
	case useModel:
		row.Model = v.Text
	case useVersion:
		row.Version = v.Text
	case useRequestID:
		row.RequestID = v.Text
	case useStatus:
		row.Status = v.Text
	case useTime:
		row.HasTime, row.Time = true, int64(v.Number)
	case useLatency:
		row.HasLatency, row.LatencyMillis = true, v.Number
		if v.Kind != event.Number || v.Number < 0 {
			return fmt.Errorf("%v is not a number of at least 0", v.Number)
		}
	case usePrediction:
		row.HasPrediction, row.Prediction = true, v
	case useOutcome:
		row.HasOutcome, row.Outcome = true, v
	case useFeature:
		row.Features[leaf.feature].Value = v
	}
	return nil
}
