package windows

import (
	"cmp"
	"maps"
	"slices"
)

// A Tally is a feature's counts over a whole window: panes merged.
type Tally struct {
	Name      string
	Moments   Moments
	Sample    Sample
	NonFinite uint64
	Nulls     uint64
	Outliers  uint64
	// Bins are counts between the edges of the window's grid; nil when the
	// panes do not share a grid that has edges for the feature.
	Bins       []uint64
	Categories map[string]uint64
	Overflow   uint64 // values of categories beyond the limit
}

// Texts is the number of values that arrived as text or bool.
func (t *Tally) Texts() uint64 {
	n := t.Overflow
	for _, count := range t.Categories {
		n += count
	}
	return n
}

// Present is the number of values that were neither null nor absent.
func (t *Tally) Present() uint64 { return t.Moments.Count + t.NonFinite + t.Texts() }

// A Window is what is compared with a reference: every partition's panes of
// one window of a model version, merged.
type Window struct {
	Interval         Interval
	Events           uint64
	FeatureEvents    uint64
	PredictionEvents uint64
	Late             uint64
	OverLimit        uint64
	Requests         map[string]uint64

	// Grid is the one that all panes with events share; nil when they do not.
	Grid *Grid
	// Features in the order of their names.
	Features   []*Tally
	Prediction *Tally // nil while there was no prediction event
	Latency    *Tally // nil while no event carried a latency
}

// Feature finds a feature by name; nil when no event carried it.
func (w *Window) Feature(name string) *Tally {
	i, found := slices.BinarySearchFunc(w.Features, name, func(t *Tally, name string) int { return cmp.Compare(t.Name, name) })
	if !found {
		return nil
	}
	return w.Features[i]
}

// A Part is a partition's pane. Partitions are numbered in the order of their
// topic's name and their number, which fixes the order of floating-point sums.
type Part struct {
	Partition int
	Pane      *Pane
}

// Merge puts the panes of a window together. The result depends on the panes
// and on nothing else: the order in which parts are given does not matter, and
// the panes are left as they were.
func Merge(interval Interval, parts []Part) *Window {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Pane.Key.Index, b.Pane.Key.Index), cmp.Compare(a.Partition, b.Partition))
	})
	w := &Window{Interval: interval, Requests: make(map[string]uint64)}
	w.Grid = commonGrid(parts)
	features := make(map[string][]*Feature)
	var predictions, latencies []*Feature
	for _, part := range parts {
		p := part.Pane
		w.Events += p.Events
		w.FeatureEvents += p.FeatureEvents
		w.PredictionEvents += p.PredictionEvents
		w.Late += p.Late
		w.OverLimit += p.OverLimit
		for status, n := range p.Requests {
			w.Requests[status] += n
		}
		for _, f := range p.Features {
			features[f.Name] = append(features[f.Name], f)
		}
		if p.Prediction != nil {
			predictions = append(predictions, p.Prediction)
		}
		if p.Latency != nil {
			latencies = append(latencies, p.Latency)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(features)) {
		w.Features = append(w.Features, mergeFeature(features[name], w.Grid.Feature(name)))
	}
	if predictions != nil {
		w.Prediction = mergeFeature(predictions, w.Grid.Feature(PredictionName))
	}
	if latencies != nil {
		w.Latency = mergeFeature(latencies, latencies[0].grid)
	}
	return w
}

// commonGrid is the grid that every pane with events shares, or nil.
func commonGrid(parts []Part) *Grid {
	var grid *Grid
	for _, part := range parts {
		switch p := part.Pane; {
		case p.Events == 0:
		case p.Grid == nil:
			return nil
		case grid == nil:
			grid = p.Grid
		case grid.ID != p.Grid.ID:
			return nil
		}
	}
	return grid
}

// mergeFeature merges one feature's parts in their order. grid is the
// window's, which tells whether bins and known categories of different parts
// mean the same.
func mergeFeature(parts []*Feature, grid *FeatureGrid) *Tally {
	capacity := parts[0].Sample.Capacity()
	for _, f := range parts {
		capacity = min(capacity, f.Sample.Capacity())
	}
	t := &Tally{Name: parts[0].Name, Sample: NewSample(capacity), Categories: make(map[string]uint64)}
	if grid != nil && grid.Type == Numeric {
		t.Bins = make([]uint64, grid.Bins())
	}
	for _, f := range parts {
		t.Moments.Merge(f.Moments)
		t.Sample.Merge(&f.Sample)
		t.NonFinite += f.NonFinite
		t.Nulls += f.Nulls
		t.Outliers += f.Outliers
		if t.Bins != nil {
			for bin, n := range f.Bins {
				t.Bins[bin] += uint64(n)
			}
		}
		for category, n := range f.Known {
			if n > 0 {
				t.Categories[f.grid.Categories[category]] += uint64(n)
			}
		}
		for name, n := range f.Others {
			t.Categories[name] += n
		}
		t.Overflow += f.Overflow
	}
	return t
}

// Append adds a later window to w, which then holds the values of both. It is
// how a reference grows out of a version's first windows. The grids are
// forgotten: what two windows have in common is their values.
func (w *Window) Append(later *Window) {
	w.Interval.End = later.Interval.End
	w.Events += later.Events
	w.FeatureEvents += later.FeatureEvents
	w.PredictionEvents += later.PredictionEvents
	w.OverLimit += later.OverLimit
	w.Grid = nil
	for _, t := range later.Features {
		if mine := w.Feature(t.Name); mine != nil {
			mine.append(t)
			continue
		}
		w.Features = append(w.Features, t)
		slices.SortFunc(w.Features, func(a, b *Tally) int { return cmp.Compare(a.Name, b.Name) })
	}
	switch {
	case w.Prediction == nil:
		w.Prediction = later.Prediction
	case later.Prediction != nil:
		w.Prediction.append(later.Prediction)
	}
}

func (t *Tally) append(later *Tally) {
	t.Bins = nil
	t.Moments.Merge(later.Moments)
	t.NonFinite += later.NonFinite
	t.Nulls += later.Nulls
	t.Outliers += later.Outliers
	if later.Sample.Capacity() < t.Sample.Capacity() {
		smaller := NewSample(later.Sample.Capacity())
		smaller.Merge(&t.Sample)
		t.Sample = smaller
	}
	t.Sample.Merge(&later.Sample)
	for name, n := range later.Categories {
		t.Categories[name] += n
	}
	t.Overflow += later.Overflow
}
