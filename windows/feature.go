package windows

import (
	"math"
	"sync"
)

// Other is the category that stands for all categories beyond a limit.
const Other = "__other__"

// A Feature is what a pane keeps of one feature. Numbers and categories are
// counted side by side, because what a feature is follows from its reference,
// which may come later, and because a number that arrives as text is worth
// knowing.
type Feature struct {
	Name string

	Moments   Moments // of the finite numbers
	Sample    Sample  // of the finite numbers
	NonFinite uint64
	Nulls     uint64 // explicit nulls
	Outliers  uint64 // numbers outside the grid's fences
	// Bins counts the finite numbers between the grid's edges; nil where the
	// pane's grid has no edges for the feature. A pane holds fewer than 2^32
	// events, so no count overflows.
	Bins []uint32

	// Known counts the grid's categories by number; nil where it has none.
	Known []uint32
	// Others counts every other category, up to the limit; then Overflow.
	Others   map[string]uint64
	Overflow uint64

	grid  *FeatureGrid // nil: the pane's grid does not know the feature
	names names        // of Others
}

func newFeature(name string, grid *FeatureGrid, sampleSize int) *Feature {
	f := &Feature{Name: name, Sample: NewSample(sampleSize), grid: grid}
	if grid != nil {
		switch grid.Type {
		case Numeric:
			f.Bins = make([]uint32, grid.Bins())
		case Categorical:
			f.Known = make([]uint32, len(grid.Categories))
		}
	}
	return f
}

// add counts one value in a pane.
func (f *Feature) add(v *Value, hash uint64, p *Pane) {
	switch v.Kind {
	case Missing:
		f.Nulls++
	case NonFinite:
		f.NonFinite++
	case Number:
		f.addNumber(v.Number, hash)
	case Text, Bool:
		f.addCategory(v.Text, p)
	}
}

func (f *Feature) addNumber(x float64, hash uint64) {
	f.Moments.Add(x)
	f.Sample.Add(hash, x)
	if f.Bins != nil {
		f.Bins[f.grid.Bin(x)]++
		if x < f.grid.LowFence || x > f.grid.HighFence {
			f.Outliers++
		}
	}
}

func (f *Feature) addCategory(text []byte, p *Pane) {
	if f.Known != nil {
		if i := f.grid.Category(string(text)); i >= 0 {
			f.Known[i]++
			return
		}
	}
	if _, known := f.Others[string(text)]; known {
		f.Others[f.names.own(text)]++
		return
	}
	if len(f.Others) >= p.limits.Categories || p.limits.TextBytes > 0 && len(text) > p.limits.TextBytes {
		f.Overflow++
		p.exceeded(LimitCategories)
		return
	}
	if !p.grow(textCost + 2*int64(len(text))) {
		f.Overflow++
		return
	}
	if f.Others == nil {
		f.Others = make(map[string]uint64)
	}
	f.Others[f.names.own(text)] = 1
}

// names keeps a string for every text that has been counted: a map can be asked
// with bytes, but written to with a string only, which would be made anew for
// every event.
type names map[string]string

func (n *names) own(text []byte) string {
	if s, ok := (*n)[string(text)]; ok {
		return s
	}
	if *n == nil {
		*n = make(names)
	}
	s := string(text)
	(*n)[s] = s
	return s
}

// Texts is the number of values that arrived as text or bool.
func (f *Feature) Texts() uint64 {
	n := f.Overflow
	for _, count := range f.Known {
		n += uint64(count)
	}
	for _, count := range f.Others {
		n += count
	}
	return n
}

// LatencyGrid is the grid on which every pane counts serving latencies:
// MaxEdges edges from 1 µs to 1 h, each 2.2 % above the last, so that a
// quantile read from the bins is off by about one percent.
func LatencyGrid() *FeatureGrid { return latencyGrid() }

var latencyGrid = sync.OnceValue(func() *FeatureGrid {
	const low, high = 1e-3, 3.6e6 // milliseconds
	edges := make([]float64, MaxEdges)
	step := math.Log(high/low) / float64(len(edges)-1)
	for i := range edges {
		edges[i] = low * math.Exp(float64(i)*step)
	}
	g := &FeatureGrid{Name: "latency_ms", Type: Numeric, Edges: edges, LowFence: math.Inf(-1), HighFence: math.Inf(1)}
	g.finder = newBinFinder(edges)
	return g
})
