package reference

import (
	"fmt"
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// An Origin names the window that a summary is of. It is part of the summary,
// and so of its ID: no two windows share one, however alike they are.
type Origin struct {
	Model   string            `json:"model"`
	Version string            `json:"version"`
	Segment string            `json:"segment,omitempty"`
	Start   windows.Timestamp `json:"start"`
	End     windows.Timestamp `json:"end"`
}

// Summarise makes of one window what later ones are compared with: its moments
// and categories, its counts between the edges of its grid, and a sample of at
// most size values per feature. A feature that the window's panes did not count
// on one grid is known by its sample alone, as one bin.
//
// In memory a summary has its grid's edges; encoded it has the grid's name, and
// counts and samples alone. After decoding, call OnGrid.
func Summarise(w *windows.Window, of Origin, size int) *Reference {
	r := &Reference{Kind: Window, Rows: w.Events, Of: &of}
	if w.Grid != nil {
		r.GridID = w.Grid.ID
	}
	for _, t := range w.Features {
		r.Features = append(r.Features, summarised(t, w.FeatureEvents, w.Grid.Feature(t.Name), size))
	}
	if w.Prediction != nil {
		r.Prediction = summarised(w.Prediction, w.PredictionEvents, w.Grid.Feature(windows.PredictionName), size)
	}
	r.seal()
	return r
}

func summarised(t *windows.Tally, events uint64, grid *windows.FeatureGrid, size int) *Feature {
	f := described(t, events, size)
	switch {
	case f.Type == windows.Categorical:
	case grid != nil && t.Bins != nil:
		f.Edges, f.Counts, f.Counted = grid.Edges, t.Bins, t.Moments.Count
		if low, high := grid.LowFence, grid.HighFence; !math.IsInf(low, 0) && !math.IsInf(high, 0) {
			outliers := t.Outliers
			f.LowFence, f.HighFence, f.Outliers = &low, &high, &outliers
		}
	default:
		f.Counts, f.Counted = []uint64{uint64(len(f.Sample))}, uint64(len(f.Sample))
	}
	return f
}

// leastCrowd is how many values make a crowd: fewer in a bin are chance.
const leastCrowd = 50

// Crowded names the features of which the grid tells too little in a summary that
// could be compared with a reference bin by bin: more than a share of the values
// stand in one bin, although they need not be equal. beyond counts only what
// exceeds the reference's own share in the bin.
func (r *Reference) Crowded(than *Reference, share float64, beyond bool) []string {
	crowded := func(f, g *Feature) bool {
		if g == nil || len(f.Edges) == 0 || g.Counted != g.Moments.Count || !slices.Equal(f.Edges, g.Edges) {
			return false
		}
		for bin, n := range f.Counts {
			mass := float64(n) / float64(f.Counted)
			if beyond {
				mass -= float64(g.Counts[bin]) / float64(g.Counted)
			}
			if n >= leastCrowd && mass > share && !f.single(bin) {
				return true
			}
		}
		return false
	}
	var names []string
	for _, f := range r.Features {
		if crowded(f, than.Feature(f.Name)) {
			names = append(names, f.Name)
		}
	}
	if r.Prediction != nil && crowded(r.Prediction, than.Prediction) {
		names = append(names, windows.PredictionName)
	}
	return names
}

// single reports whether a bin can hold one value alone.
func (f *Feature) single(bin int) bool {
	return bin > 0 && bin < len(f.Edges) && math.Nextafter(f.Edges[bin], math.Inf(-1)) == f.Edges[bin-1]
}

// OnGrid gives a summary that was decoded the edges of its grid, which is the
// one with its GridID. Summaries of one grid share them.
func (r *Reference) OnGrid(g *windows.Grid) error {
	for _, f := range r.all() {
		if f.Type != windows.Numeric || len(f.Counts) < 2 {
			continue
		}
		grid := g.Feature(f.Name)
		if grid == nil || grid.Bins() != len(f.Counts) {
			return fmt.Errorf("reading summary %s: the %d counts of feature %q are not on its grid %q", r.ID, len(f.Counts), f.Name, r.GridID)
		}
		f.Edges = grid.Edges
	}
	return nil
}

// mostSummaryRows is far above what panes can hold, and far enough below 2^64 for
// the sums and products of Merge.
const mostSummaryRows = 1 << 44

// checkSummary tells whether what was decoded as one window's can be merged.
func (f *Feature) checkSummary(rows uint64) error {
	counted := uint64(0)
	for _, counts := range [][]uint64{f.Counts, f.CategoryCounts} {
		for _, n := range counts {
			if n > rows {
				return fmt.Errorf("a count of %d in %d rows", n, rows)
			}
			counted += n
		}
	}
	values := f.Moments.Count
	if f.Type != windows.Numeric {
		return nil
	}
	if rows > mostSummaryRows || values > rows || counted != f.Counted || counted > values || uint64(len(f.Sample)) > values {
		return fmt.Errorf("%d counted and %d sampled of %d values in %d rows", f.Counted, len(f.Sample), values, rows)
	}
	if len(f.Sample) == 0 && values > 0 || len(f.Counts) == 0 || len(f.Counts) > windows.MaxEdges+1 || f.Edges != nil {
		return fmt.Errorf("a summary with %d edges, %d counts and a sample of %d", len(f.Edges), len(f.Counts), len(f.Sample))
	}
	return nil
}

// Parts is how many parts Encode makes, without encoding.
func (r *Reference) Parts() int {
	parts := 0
	for _, f := range r.all() {
		parts += max(1, (len(f.Sample)+samplePart-1)/samplePart)
	}
	return parts
}

// withoutEdges is the form in which a summary's feature is encoded.
func (f *Feature) withoutEdges() *Feature {
	stripped := *f
	stripped.Edges = nil
	return &stripped
}

// Bytes is about how much memory a summary takes, without the edges that it
// shares with its grid.
func (r *Reference) Bytes() int {
	bytes := 0
	for _, f := range r.all() {
		bytes += f.bytes()
	}
	return bytes
}

func (f *Feature) bytes() int {
	bytes := 400 + 8*(len(f.Counts)+len(f.Sample)+len(f.CategoryCounts))
	for _, category := range f.Categories {
		bytes += 16 + len(category)
	}
	return bytes
}
