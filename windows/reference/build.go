package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/kolmo-ml/kolmo/windows"
)

// A Rows is a set of rows that can be read from the start more than once. Next
// fills the observation, whose slices hold until the next call, and returns
// io.EOF after the last row.
type Rows interface {
	Rewind() error
	Next(*windows.Observation) error
}

// minEdgeSample is how many values per feature the first pass keeps at least,
// to place the edges: up to so many rows they are exact quantiles, beyond it
// quantiles of a uniform sample. The counts between them are over all rows
// either way.
const minEdgeSample = 65_536

// Build reads rows twice, in bounded memory whatever their number: once to
// place the edges and take the sample, once to count all rows between the
// edges. size is how many values per feature the reference keeps.
func Build(kind string, rows Rows, size int, limits windows.Limits) (*Reference, error) {
	return BuildInWindows(kind, rows, size, limits, nil)
}

// BuildInWindows is Build for rows that may have times: those that fall into
// windows of the definition's size also tell how much windows differ
// (Calibration). Rows need not be in the order of their times. A nil definition
// is of a reference without windows.
func BuildInWindows(kind string, rows Rows, size int, limits windows.Limits, definition *windows.Definition) (*Reference, error) {
	times := timeRange{first: windows.Forever, last: windows.Unset}
	first, err := pass(rows, nil, max(size, minEdgeSample), limits, times.see)
	if err != nil {
		return nil, err
	}
	return finish(kind, rows, first, size, limits, newTimedBlocks(definition, times, first))
}

// finish makes the reference of what the first pass found, and reads the rows once
// more where they have to be counted.
func finish(kind string, rows Rows, first *windows.Window, size int, limits windows.Limits, blocks *timedBlocks) (*Reference, error) {
	draft := fromWindow(kind, first, size)
	if draft.needsSecondPass() || blocks != nil {
		second, err := pass(rows, draft.Grid(), 0, limits, blocks.count)
		if err != nil {
			return nil, err
		}
		if second.Events != first.Events {
			return nil, fmt.Errorf("the rows changed while they were read: %d the first time, %d the second", first.Events, second.Events)
		}
		draft.count(second)
		draft.calibrate(blocks.finish())
	}
	draft.seal()
	return draft, nil
}

// pass reads all rows into one pane, shows them to see, and returns the pane as
// a window.
func pass(rows Rows, grid *windows.Grid, sampleSize int, limits windows.Limits, see func(*windows.Observation)) (*windows.Window, error) {
	return passInto(rows, newPane(grid, sampleSize, limits), see)
}

// newPane makes a pane for rows that belong to no window.
func newPane(grid *windows.Grid, sampleSize int, limits windows.Limits) *windows.Pane {
	always := windows.Interval{Start: windows.Unset, End: windows.Forever}
	return windows.NewPane(windows.PaneKey{}, always, grid, sampleSize, limits)
}

// passInto is pass into a pane of the caller's.
func passInto(rows Rows, pane *windows.Pane, see func(*windows.Observation)) (*windows.Window, error) {
	if err := rows.Rewind(); err != nil {
		return nil, err
	}
	var o windows.Observation
	for n := uint64(0); ; n++ {
		switch err := rows.Next(&o); err {
		case nil:
		case io.EOF:
			return windows.Merge(pane.Interval, []windows.Part{{Pane: pane}}), nil
		default:
			return nil, err
		}
		if n == math.MaxUint32 {
			return nil, fmt.Errorf("a reference can have at most %d rows", uint32(math.MaxUint32))
		}
		pane.Count(&o, windows.RowHash(n))
		see(&o)
	}
}

// FromWindow makes a reference of a window's values. Where the window holds
// more values than its sample, the counts between edges are those of the
// sample.
func FromWindow(kind string, w *windows.Window, size int) *Reference {
	r := fromWindow(kind, w, size)
	r.seal()
	return r
}

// fromWindow drafts a reference: everything but the counts over all rows.
func fromWindow(kind string, w *windows.Window, size int) *Reference {
	r := &Reference{Kind: kind, Rows: w.Events}
	for _, t := range w.Features {
		r.Features = append(r.Features, fromTally(t, w.FeatureEvents, size))
	}
	if w.Prediction != nil && w.Prediction.Present() > 0 {
		r.Prediction = fromTally(w.Prediction, w.PredictionEvents, size)
	}
	return r
}

func fromTally(t *windows.Tally, events uint64, size int) *Feature {
	f := described(t, events, size)
	if f.Type == windows.Categorical {
		return f
	}
	values := t.Sample.Sorted()
	f.Distinct = countDistinct(values)
	f.Edges = edgesOf(values)
	f.fence(values)
	f.Counts = f.bin(values)
	f.Counted = uint64(len(values))
	return f
}

// described is what a tally says of a feature without a grid: its type, its
// moments and a sample, or its categories.
func described(t *windows.Tally, events uint64, size int) *Feature {
	f := &Feature{Name: t.Name, Present: t.Present(), Missing: events - t.Present(), NonFinite: t.NonFinite}
	if t.Moments.Count == 0 && t.Texts() > 0 || t.Texts() > t.Moments.Count {
		f.Type = windows.Categorical
		f.categorise(t.Categories)
		f.Overflow = t.Overflow
		return f
	}
	f.Type = windows.Numeric
	f.Moments = t.Moments
	if t.Sample.Len() > size {
		kept := windows.NewSample(size)
		kept.Merge(&t.Sample)
		f.Sample = kept.Sorted()
	} else {
		f.Sample = t.Sample.Sorted()
	}
	f.Complete = uint64(len(f.Sample)) == t.Moments.Count
	return f
}

// categorise takes the counts of categories.
func (f *Feature) categorise(counts map[string]uint64) {
	f.Categories = slices.Sorted(maps.Keys(counts))
	f.CategoryCounts = nil
	for _, name := range f.Categories {
		f.CategoryCounts = append(f.CategoryCounts, counts[name])
	}
}

// fence finds Tukey's fences of ascending values, and counts those outside.
func (f *Feature) fence(values []float64) {
	if len(values) == 0 {
		return
	}
	q1, q3 := Quantile(values, 0.25), Quantile(values, 0.75)
	low, high := q1-float64(1.5*(q3-q1)), q3+float64(1.5*(q3-q1))
	if !math.IsInf(low, 0) && !math.IsInf(high, 0) { // quartiles so far apart have nothing outside
		outliers := outside(values, low, high)
		f.LowFence, f.HighFence, f.Outliers = &low, &high, &outliers
	}
}

// bin counts values between the feature's edges.
func (f *Feature) bin(values []float64) []uint64 {
	counts := make([]uint64, len(f.Edges)+1)
	grid := f.grid()
	for _, v := range values {
		counts[grid.Bin(v)]++
	}
	return counts
}

// needsSecondPass reports whether some feature has more values than were
// counted.
func (r *Reference) needsSecondPass() bool {
	return slices.ContainsFunc(r.all(), func(f *Feature) bool { return f.Counted < f.Moments.Count })
}

// count replaces the counts between edges by those over all rows.
func (r *Reference) count(w *windows.Window) {
	for _, f := range r.Features {
		f.count(w.Feature(f.Name))
	}
	if r.Prediction != nil {
		r.Prediction.count(w.Prediction)
	}
}

func (f *Feature) count(t *windows.Tally) {
	if f.Type == windows.Numeric && t != nil && t.Bins != nil {
		f.Counts, f.Counted = t.Bins, t.Moments.Count
		if f.Outliers != nil {
			outliers := t.Outliers
			f.Outliers = &outliers
		}
	}
}

// outside counts the ascending values below low and above high.
func outside(sorted []float64, low, high float64) uint64 {
	below, _ := slices.BinarySearch(sorted, low)
	upTo := sort.Search(len(sorted), func(i int) bool { return sorted[i] > high })
	return uint64(below + len(sorted) - upTo)
}

// grid is the feature's part of the grid, ready for look-ups of its own.
func (f *Feature) grid() windows.FeatureGrid {
	g := windows.FeatureGrid{
		Name: f.Name, Type: f.Type, Edges: f.Edges, Categories: f.Categories,
		LowFence: math.Inf(-1), HighFence: math.Inf(1),
	}
	if f.LowFence != nil {
		g.LowFence, g.HighFence = *f.LowFence, *f.HighFence
	}
	return g
}

// seal computes the ID from the contents.
func (r *Reference) seal() {
	r.ID = ""
	head, parts := r.Encode()
	h := sha256.New()
	h.Write(head)
	for _, part := range parts {
		h.Write(part)
	}
	r.ID = "sha256:" + hex.EncodeToString(h.Sum(nil))
}
