package windows

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Type is how a feature is tested.
type Type uint8

// The types of features.
const (
	Numeric Type = iota
	Categorical
)

func (t Type) String() string {
	if t == Categorical {
		return "categorical"
	}
	return "numeric"
}

// MarshalText is the name of the type, as verdicts and references carry it.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *Type) UnmarshalText(text []byte) error {
	switch string(text) {
	case "numeric":
		*t = Numeric
	case "categorical":
		*t = Categorical
	default:
		return fmt.Errorf("%q is not a type of feature: numeric or categorical", text)
	}
	return nil
}

// MaxEdges is the most edges a numeric feature can have in a grid.
const MaxEdges = 1023

// PredictionName is the reserved name under which predictions are counted.
const PredictionName = "prediction"

// A Grid fixes how the values of a model version are counted: bin edges for
// every numeric feature, the known categories of every other. It comes from a
// reference, and panes that share a grid can be compared over all their values.
// A Grid is immutable once it is used.
type Grid struct {
	// ID identifies the contents: two grids with the same ID count alike.
	ID string
	// Features in the order of their names.
	Features []FeatureGrid
}

// A FeatureGrid is the grid of one feature.
type FeatureGrid struct {
	Name string
	Type Type
	// Edges of a numeric feature, strictly ascending, at most MaxEdges. Bin b
	// is (Edges[b-1], Edges[b]], with everything up to Edges[0] in bin 0 and
	// everything above the last edge in bin len(Edges): a value equal to an edge
	// is in the bin below it. A value that the reference repeats has a bin of its
	// own, which ends at the value and begins at the next smaller float64.
	Edges []float64
	// LowFence and HighFence are Tukey's: values outside are outliers. They are
	// infinite where the reference has no quartiles.
	LowFence, HighFence float64
	// Categories of a categorical feature, in ascending order.
	Categories []string

	finder binFinder
}

// Feature finds a feature by its name; nil when the grid does not know it.
func (g *Grid) Feature(name string) *FeatureGrid {
	if g == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(g.Features, name, func(f FeatureGrid, name string) int {
		switch {
		case f.Name < name:
			return -1
		case f.Name > name:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return &g.Features[i]
}

// Prepare builds what makes look-ups fast. Call it once, before the grid is
// shared between goroutines.
func (g *Grid) Prepare() {
	for i := range g.Features {
		g.Features[i].finder = newBinFinder(g.Features[i].Edges)
	}
}

// Bins is the number of bins: one more than there are edges.
func (f *FeatureGrid) Bins() int { return len(f.Edges) + 1 }

// Bin is the number of the bin that holds the finite value x.
func (f *FeatureGrid) Bin(x float64) int { return f.finder.find(f.Edges, x) }

// Category is the number of a known category, or -1.
func (f *FeatureGrid) Category(name string) int {
	if i, found := slices.BinarySearch(f.Categories, name); found {
		return i
	}
	return -1
}

// binFinder narrows the search for a bin to a few edges by a uniform division
// of the range they span. cells[c] is the first edge that a value of cell c can
// be at or below.
type binFinder struct {
	low   float64
	scale float64
	cells []uint16
}

func newBinFinder(edges []float64) binFinder {
	if len(edges) < 8 {
		return binFinder{}
	}
	low, high := edges[0], edges[len(edges)-1]
	count := 4 * len(edges)
	scale := float64(count) / (high - low)
	if math.IsInf(scale, 0) || scale == 0 || math.IsInf(high-low, 0) {
		return binFinder{}
	}
	f := binFinder{low: low, scale: scale, cells: make([]uint16, count+2)}
	// Monotone rounding keeps cell(x) non-decreasing in x, so counting the
	// edges of smaller cells gives a bin that is never too high.
	edge := 0
	for cell := range f.cells {
		for edge < len(edges) && f.cell(edges[edge]) < cell {
			edge++
		}
		f.cells[cell] = uint16(edge)
	}
	return f
}

func (f *binFinder) cell(x float64) int {
	position := float64((x - f.low) * f.scale)
	// The comparison is written so that a value beyond either end, however far,
	// never reaches the conversion.
	switch {
	case !(position > 0):
		return 0
	case position >= float64(len(f.cells)-1):
		return len(f.cells) - 1
	}
	return int(position)
}

func (f *binFinder) find(edges []float64, x float64) int {
	if f.cells == nil {
		return sort.SearchFloat64s(edges, x)
	}
	bin := int(f.cells[f.cell(x)])
	for step := 0; bin < len(edges) && edges[bin] < x; step++ {
		if step == 8 { // a crowded cell: halve what is left
			return bin + sort.SearchFloat64s(edges[bin:], x)
		}
		bin++
	}
	return bin
}
