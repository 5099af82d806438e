package evidence

import (
	"fmt"
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// missingWhole is the share of missing values where all are.
const missingWhole = math.MaxUint16

// missingOf is the share of missing values as a cell keeps it.
func missingOf(f *drift.Feature) uint16 {
	all := float64(f.N) + float64(f.Missing)
	if f.Missing == 0 || all == 0 {
		return 0
	}
	return uint16(max(math.Round(missingWhole*(float64(f.Missing)/all)), 1))
}

// missingShare is the share of the feature's values that are missing.
func (c cell) missingShare() float64 { return float64(c.missing) / missingWhole }

// A trend is the share of missing values in each window.
type trend struct {
	Strip strip
	// Top is the share that the full height stands for.
	Top string
}

const trendHeight = 48

// Linked says that the columns lead somewhere. Such a strip is for pointers: who
// reads with their ears hears what it says, and not a link for every window.
func (s strip) Linked() bool {
	return slices.ContainsFunc(s.Columns, func(c column) bool { return c.Link != "" })
}

// missingTrend draws which share of a feature's values was missing in each window;
// nil where none ever was. A full column is the largest share, or a hundredth where
// all are smaller, so that noise does not fill the picture.
func missingTrend(id alerts.Version, windows []*window, name string, selected *window) *trend {
	largest, at := 0.0, 0
	for i, w := range windows {
		if c, ok := w.find(name); ok && c.missingShare() > largest {
			largest, at = c.missingShare(), i
		}
	}
	if largest == 0 {
		return nil
	}
	top := max(largest, 0.01)
	s := strip{Width: columnWidth * max(len(windows), fewestColumns), Height: trendHeight}
	for i, w := range windows {
		c, ok := w.find(name)
		if !ok {
			continue
		}
		share := c.missingShare()
		col := column{
			X: float64(columnWidth * i), W: columnWidth - columnGap, Selected: w == selected, Class: "none", H: 1,
			Title: span(w.start, w.end) + ": " + percent(share, 1) + " missing", Link: alerts.FeaturePath(id, w.start, name),
		}
		if share > 0 {
			col.Class, col.H = "missing", max(round(trendHeight*share/top), 2)
		}
		col.Y = trendHeight - col.H
		s.Columns = append(s.Columns, col)
	}
	s.Alt = fmt.Sprintf("The largest share of missing values is %s, in the window %s.", percent(largest, 1), span(windows[at].start, windows[at].end))
	if c, ok := selected.find(name); ok {
		s.Alt += fmt.Sprintf(" In this window it is %s.", percent(c.missingShare(), 1))
	}
	return &trend{Strip: s, Top: percent(top, 1)}
}
