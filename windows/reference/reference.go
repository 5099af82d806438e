package reference

import (
	"cmp"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// The kinds of references.
const (
	Fixed    = "fixed"    // a file, named in the configuration or loaded by hand
	First    = "first"    // the first windows of a version, then pinned
	Rolling  = "rolling"  // the last windows
	Seasonal = "seasonal" // the windows of the same slot in earlier periods
	Version  = "version"  // the window of another version at the same time
	Window   = "window"   // one window, of which the others are made
)

// A Reference is what the windows of a model version are compared with. It is
// immutable.
type Reference struct {
	// ID is "sha256:" and the hash of the contents: references with the same ID
	// are the same.
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Rows uint64 `json:"rows"`
	// Features in the order of their names, without the prediction.
	Features   []*Feature `json:"-"`
	Prediction *Feature   `json:"-"` // nil when the rows had none

	// Of is the window that a summary is of, or the last of those that made a grid;
	// GridID is the grid that a summary is counted on, empty for none: see Summarise
	// and Regrid. Every other reference has neither.
	Of     *Origin `json:"of,omitempty"`
	GridID string  `json:"grid,omitempty"`
}

// A Feature is the reference of one feature.
type Feature struct {
	Name string       `json:"name"`
	Type windows.Type `json:"type"`

	Present   uint64 `json:"present"` // rows with a value
	Missing   uint64 `json:"missing"`
	NonFinite uint64 `json:"non_finite,omitempty"`

	Moments windows.Moments `json:"-"` // of a numeric feature

	// Edges and Counts are a numeric feature's bins, as windows.FeatureGrid has
	// them: len(Counts) is len(Edges)+1. Counts are over Counted values: all
	// finite ones, or those of the sample where the rows could not be read twice.
	Edges   []float64 `json:"edges,omitempty"`
	Counts  []uint64  `json:"counts,omitempty"`
	Counted uint64    `json:"counted,omitempty"`

	// Sample is ascending; Complete says that it holds every finite value.
	Sample   []float64 `json:"-"`
	Complete bool      `json:"complete,omitempty"`
	// Distinct is the number of different finite values, as far as the sample
	// knows.
	Distinct int `json:"distinct,omitempty"`

	// LowFence and HighFence are Tukey's: the quartiles minus and plus 1.5 times
	// their distance. Nil without values.
	LowFence  *float64 `json:"low_fence,omitempty"`
	HighFence *float64 `json:"high_fence,omitempty"`
	// Outliers are the values outside the fences, of those Counted. Nil without
	// fences, and in references of before they were counted.
	Outliers *uint64 `json:"outliers,omitempty"`

	// Categories of a categorical feature, in ascending order, with their
	// counts; Overflow counts the values of categories beyond the limit.
	Categories     []string `json:"categories,omitempty"`
	CategoryCounts []uint64 `json:"category_counts,omitempty"`
	Overflow       uint64   `json:"overflow,omitempty"`

	// Calibration says how much the reference's own windows differ; nil where
	// they are not known, or too few.
	Calibration *Calibration `json:"calibration,omitempty"`
}

// Feature finds a feature by name; nil when the reference does not have it.
func (r *Reference) Feature(name string) *Feature {
	i, found := slices.BinarySearchFunc(r.Features, name, func(f *Feature, name string) int { return cmp.Compare(f.Name, name) })
	if !found {
		return nil
	}
	return r.Features[i]
}

// all lists the features and the prediction.
func (r *Reference) all() []*Feature {
	all := slices.Clone(r.Features)
	if r.Prediction != nil {
		all = append(all, r.Prediction)
	}
	return all
}

// Grid is the grid that the reference makes: its edges, its fences and its
// categories. Its ID is the reference's.
func (r *Reference) Grid() *windows.Grid {
	g := &windows.Grid{ID: r.ID}
	for _, f := range r.all() {
		g.Features = append(g.Features, f.grid())
	}
	slices.SortFunc(g.Features, func(a, b windows.FeatureGrid) int { return cmp.Compare(a.Name, b.Name) })
	g.Prepare()
	return g
}

// Find is Feature that allows r to be nil.
func (r *Reference) Find(name string) *Feature {
	if r == nil {
		return nil
	}
	return r.Feature(name)
}

// FindPrediction is the prediction's reference; nil when there is none, or r is
// nil.
func (r *Reference) FindPrediction() *Feature {
	if r == nil {
		return nil
	}
	return r.Prediction
}
