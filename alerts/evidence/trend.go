package evidence

import (
	"fmt"
	"slices"
)

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

// missingTrend draws which share of a feature's values was missing in each window,
// of several that share a column the largest; nil where none ever was. A full column
// is the largest share, or a hundredth where all are smaller, so that noise does not
// fill the picture.
func missingTrend(v *version, p *period, name string, selected *window) *trend {
	largest, at := 0.0, (*window)(nil)
	for _, w := range p.windows {
		if c, ok := w.find(name); ok && c.missingShare() > largest {
			largest, at = c.missingShare(), w
		}
	}
	if at == nil {
		return nil
	}
	top := max(largest, 0.01)
	s := newStrip(len(p.columns), trendHeight)
	for i, b := range p.columns {
		share, of := 0.0, (*window)(nil)
		for _, w := range b {
			if c, ok := w.find(name); ok && (of == nil || c.missingShare() > share) {
				share, of = c.missingShare(), w
			}
		}
		if of == nil {
			continue
		}
		height, class := 1.0, "none"
		if share > 0 {
			height, class = max(round(trendHeight*share/top), 2), "missing"
		}
		col := s.put(i, height, class, span(of.start, of.end)+": "+percent(share, 1)+" missing")
		col.Selected, col.Link = b.has(selected), p.feature(v, of, name)
	}
	s.Alt = fmt.Sprintf("The largest share of missing values is %s, in the window %s.", percent(largest, 1), span(at.start, at.end))
	if c, ok := selected.find(name); ok {
		s.Alt += fmt.Sprintf(" In this window it is %s.", percent(c.missingShare(), 1))
	}
	return &trend{Strip: s, Top: percent(top, 1)}
}
