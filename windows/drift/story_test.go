package drift

import (
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// The stories of this package are told with columns of numbers, or of texts.

// A table has columns of equal length. A value is a float64, a string, nil where it
// is missing, or nonFinite.
type nonFinite struct{}

type table map[string][]any

// numbers is a column of so many numbers.
func numbers(n int, next func() float64) []any {
	column := make([]any, n)
	for i := range column {
		column[i] = next()
	}
	return column
}

// tableRows reads a table, an hour for every hourly rows.
type tableRows struct {
	table  table
	names  []string
	length int
	hourly int // 0: the rows have no times
	next   int
}

func (r *tableRows) Rewind() error { r.next = 0; return nil }

func (r *tableRows) Next(o *windows.Observation) error {
	if r.next == r.length {
		return io.EOF
	}
	*o = windows.Observation{HasFeatures: true}
	if r.hourly > 0 {
		o.Time = windows.Timestamp(1 + r.next*3_600_000/r.hourly)
	}
	for _, name := range r.names {
		field := windows.Field{Name: []byte(name)}
		switch v := r.table[name][r.next].(type) {
		case float64:
			field.Value = windows.Value{Kind: windows.Number, Number: v}
		case string:
			field.Value = windows.Value{Kind: windows.Text, Text: []byte(v)}
		case nonFinite:
			field.Value = windows.Value{Kind: windows.NonFinite}
		}
		o.Features = append(o.Features, field)
	}
	r.next++
	return nil
}

func tableRowsOf(t table, hourly int) *tableRows {
	r := &tableRows{table: t, hourly: hourly}
	for name, column := range t {
		r.names, r.length = append(r.names, name), len(column)
	}
	return r
}

var limits = windows.Limits{Models: 1, Features: 4000, Categories: 1000}

// tableReference is built from a table that keeps size values; with hourly rows it is
// calibrated.
func tableReference(t *testing.T, columns table, size, hourly int) *reference.Reference {
	t.Helper()
	d := &windows.Definition{Size: windows.DurationSpan(time.Hour)}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := reference.BuildInWindows(reference.Fixed, tableRowsOf(columns, hourly), size, limits, d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tableWindow counts a table on the grid of a reference, if one is given, and keeps
// size values.
func tableWindow(columns table, r *reference.Reference, size int) *windows.Window {
	var grid *windows.Grid
	if r != nil {
		grid = r.Grid()
	}
	return gridWindow(columns, grid, size)
}

// gridWindow counts a table on a grid, or on none.
func gridWindow(columns table, grid *windows.Grid, size int) *windows.Window {
	hour := windows.Interval{Start: 0, End: 3_600_000}
	pane := windows.NewPane(windows.PaneKey{}, hour, grid, size, limits)
	source := tableRowsOf(columns, 0)
	var o windows.Observation
	for n := uint64(0); source.Next(&o) == nil; n++ {
		pane.Count(&o, windows.RowHash(n))
	}
	return windows.Merge(hour, []windows.Part{{Pane: pane}})
}

// normals draws from a normal distribution.
func normals(random *rand.Rand, shift float64) func() float64 {
	return func() float64 { return random.NormFloat64() + shift }
}

// autoregressive draws from an AR(1) process of unit variance.
func autoregressive(random *rand.Rand, rho float64) func() float64 {
	x := random.NormFloat64()
	return func() float64 {
		x = rho*x + math.Sqrt(1-rho*rho)*random.NormFloat64()
		return x
	}
}

func value(n *Number) float64 {
	if n == nil {
		return math.NaN()
	}
	return float64(*n)
}
