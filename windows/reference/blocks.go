package reference

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/kolmo-ml/kolmo/windows"
)

// mostCuts is how many cuts, and so about how many bins, the blocks of a numeric
// feature are counted between. With 64 bins the largest distance at a cut is, for
// values without drift, on average 8 % below the largest anywhere.
const mostCuts = 63

// mostBlockCategories is how many categories of a feature blocks are counted in;
// the others are one more.
const mostBlockCategories = 63

// mostBlocks bounds how many windows are kept of a reference: they take up to
// 256 bytes a feature each.
const mostBlocks = 1024

// Blocks are coarse counts of a reference, window by window: how much its own
// windows differ from each other is what a window is held against
// (Calibration). The zero Blocks is empty.
//
// What is counted between is fixed by the first window that holds enough of a
// feature, so that windows can be added as they come.
type Blocks struct {
	features []*featureBlocks // in the order of (prediction, name)
}

// featureBlocks are one feature's rows of counts, a window each.
type featureBlocks struct {
	Name       string     `json:"name"`
	Prediction bool       `json:"prediction,omitempty"`
	Cuts       []float64  `json:"cuts,omitempty"`       // of a numeric feature, strictly ascending
	Categories []string   `json:"categories,omitempty"` // of a categorical one, ascending
	Rows       [][]uint32 `json:"rows,omitempty"`
	// Missing is the share of events without a value, of windows with enough
	// events.
	Missing []float64 `json:"missing,omitempty"`
}

// leastForCuts is how many values a window must hold of a feature for the cuts
// to be placed by it.
const leastForCuts = 50

// Add counts one window of the reference.
func (b *Blocks) Add(w *windows.Window) {
	for _, t := range w.Features {
		b.begin(t, false)
	}
	if w.Prediction != nil {
		b.begin(w.Prediction, true)
	}
	for _, f := range b.features {
		t, events := w.Feature(f.Name), w.FeatureEvents
		if f.Prediction {
			t, events = w.Prediction, w.PredictionEvents
		}
		f.add(t, events)
	}
}

// begin fixes what a feature is counted between, if nothing does yet and the
// window holds enough of it.
func (b *Blocks) begin(t *windows.Tally, prediction bool) {
	if b.find(t.Name, prediction) != nil {
		return
	}
	if f := newFeatureBlocks(t, prediction); f != nil {
		b.insert(f)
	}
}

// add counts one window, in which so many events could have carried the feature.
// t is nil where none did.
func (f *featureBlocks) add(t *windows.Tally, events uint64) {
	var present uint64
	if t != nil {
		present = t.Present()
		if row := f.count(t); row != nil && len(f.Rows) < mostBlocks {
			f.Rows = append(f.Rows, row)
		}
	}
	f.miss(events-min(present, events), events)
}

// miss counts how many events of a window lack a value.
func (f *featureBlocks) miss(missing, events uint64) {
	if events >= leastForCuts && len(f.Missing) < mostBlocks {
		f.Missing = append(f.Missing, float64(missing)/float64(events))
	}
}

func (b *Blocks) find(name string, prediction bool) *featureBlocks {
	i, found := slices.BinarySearchFunc(b.features, &featureBlocks{Name: name, Prediction: prediction}, compareBlocks)
	if !found {
		return nil
	}
	return b.features[i]
}

func (b *Blocks) insert(f *featureBlocks) {
	i, _ := slices.BinarySearchFunc(b.features, f, compareBlocks)
	b.features = slices.Insert(b.features, i, f)
}

func compareBlocks(a, b *featureBlocks) int {
	if a.Prediction != b.Prediction {
		if a.Prediction {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.Name, b.Name)
}

// newFeatureBlocks fixes what a feature is counted between; nil while the window
// holds too little of it.
func newFeatureBlocks(t *windows.Tally, prediction bool) *featureBlocks {
	if t.Present() < leastForCuts {
		return nil
	}
	f := &featureBlocks{Name: t.Name, Prediction: prediction}
	if t.Texts() > t.Moments.Count {
		f.Categories = commonest(t.Categories, mostBlockCategories)
		return f
	}
	f.Cuts = cutsOf(t.Sample.Sorted())
	return f
}

// cutsOf are at most mostCuts of the values, in ascending order: all different
// ones where they are so few, quantiles otherwise.
func cutsOf(sorted []float64) []float64 {
	if distinct := distinctUpTo(sorted, mostCuts); distinct != nil {
		return distinct
	}
	return quantileCuts(sorted, mostCuts+1)
}

// quantileCuts are the different values at the ranks ⌈n·i/bins⌉.
func quantileCuts(sorted []float64, bins int) []float64 {
	var cuts []float64
	for i := 1; i < bins; i++ {
		v := sorted[(len(sorted)*i+bins-1)/bins-1]
		if len(cuts) == 0 || cuts[len(cuts)-1] < v {
			cuts = append(cuts, v)
		}
	}
	return cuts
}

// commonest are at most limit of the categories, those with the most values, in
// ascending order.
func commonest(counts map[string]uint64, limit int) []string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(-cmp.Compare(counts[a], counts[b]), cmp.Compare(a, b))
	})
	names = names[:min(limit, len(names))]
	slices.Sort(names)
	return names
}

// bins is how many counts a row has.
func (f *featureBlocks) bins() int { return max(len(f.Cuts), len(f.Categories)) + 1 }

// count is a window's row: the values of its sample between the cuts, or its
// categories. nil of a window without values.
func (f *featureBlocks) count(t *windows.Tally) []uint32 {
	row := make([]uint32, f.bins())
	if f.Categories != nil {
		for name, n := range t.Categories {
			row[f.category(name)] += uint32(min(n, 1<<31))
		}
		row[len(row)-1] += uint32(min(t.Overflow, 1<<31))
	} else {
		for _, entry := range t.Sample.Entries() {
			row[f.cut(entry.Value)]++
		}
	}
	if sumOf(row) == 0 {
		return nil
	}
	return row
}

// cut is the bin of a number: bins end at cuts, and hold them.
func (f *featureBlocks) cut(x float64) int { return sort.SearchFloat64s(f.Cuts, x) }

func (f *featureBlocks) category(name string) int {
	if i, found := slices.BinarySearch(f.Categories, name); found {
		return i
	}
	return len(f.Categories)
}

func sumOf(row []uint32) uint64 {
	var n uint64
	for _, c := range row {
		n += uint64(c)
	}
	return n
}

// check tells whether decoded blocks keep the promises of their fields.
func (f *featureBlocks) check(name, role string) error {
	if f.Name != name || f.Prediction != (role == windows.PredictionName) {
		return fmt.Errorf("the blocks of feature %q stand with %q", f.Name, name)
	}
	for i := 1; i < len(f.Cuts); i++ {
		if !(f.Cuts[i-1] < f.Cuts[i]) {
			return fmt.Errorf("cut %d of feature %q is not above the one before it", i, name)
		}
	}
	if !slices.IsSorted(f.Categories) || len(f.Cuts) > 0 && f.Categories != nil {
		return fmt.Errorf("the categories of feature %q are out of order, or beside cuts", name)
	}
	for i, share := range f.Missing {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("of window %d of feature %q a share of %v is missing", i, name, share)
		}
	}
	for i, row := range f.Rows {
		if len(row) != f.bins() {
			return fmt.Errorf("window %d of feature %q has %d counts in place of %d", i, name, len(row), f.bins())
		}
	}
	return nil
}
