package evidence

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A strip is a row of columns, one for each bundle of windows, drawn as an SVG.
// Its height is in the units of its view box; a column is columnWidth wide.
type strip struct {
	Width, Height int
	Columns       []column
	// Shapes are columns without titles or links, all of a class in one path: a
	// page of many strips stays light.
	Shapes []shape
	// Alt is what the strip says, for who does not see it.
	Alt string
}

// A column is one bundle of a strip.
type column struct {
	X, Y, W, H float64
	Class      string
	Title      string // shown when pointed at
	Link       string // "" : none
	Selected   bool
}

// A shape is a path.
type shape struct{ Class, D string }

const (
	columnWidth = 12
	columnGap   = 2
	stripHeight = 24
	// fewestColumns is how many columns a strip has at least: what it lacks stays
	// empty, so that a model's first window is not drawn as wide as the page.
	fewestColumns = 12
	// titledColumns is how many columns a strip without links has at most for each to
	// have a title.
	titledColumns = 48
)

// effectSteps are the upper ends of the classes of effect that strips colour;
// what is beyond the last is the class after it.
var effectSteps = [...]float64{0.05, 0.1, 0.2, 0.4}

func effectClass(effect float32) string {
	step := 0
	for step < len(effectSteps) && float64(effect) >= effectSteps[step] {
		step++
	}
	return "e" + strconv.Itoa(step)
}

// newStrip makes an empty strip for so many columns.
func newStrip(columns, height int) strip {
	return strip{Width: columnWidth * max(columns, fewestColumns), Height: height}
}

// put adds a column that stands on the ground of the strip. Its X is left to put.
func (s *strip) put(at int, height float64, class, title string) *column {
	s.Columns = append(s.Columns, column{
		X: float64(columnWidth * at), W: columnWidth - columnGap, H: height, Y: float64(s.Height) - height, Class: class, Title: title,
	})
	return &s.Columns[len(s.Columns)-1]
}

// light makes shapes of the columns but for the selected one's mark, where no
// column has a link.
func (s strip) light() strip {
	if slices.ContainsFunc(s.Columns, func(c column) bool { return c.Link != "" }) {
		return s
	}
	paths := make(map[string]*strings.Builder)
	var kept []column
	for _, c := range s.Columns {
		if c.Selected {
			kept = append(kept, c) // with its title
			continue
		}
		path := paths[c.Class]
		if path == nil {
			path = new(strings.Builder)
			paths[c.Class] = path
			s.Shapes = append(s.Shapes, shape{Class: c.Class})
		}
		_, _ = fmt.Fprintf(path, "M%g %gh%gv%gh-%gz", c.X, round(c.Y), c.W, round(c.H), c.W) // a builder takes everything
	}
	for i := range s.Shapes {
		s.Shapes[i].D = paths[s.Shapes[i].Class].String()
	}
	s.Columns = kept
	return s
}

// heatStrip draws one feature over the windows, of each bundle the worst. Colour
// says how large the effect is; height says the verdict, so that it can be read
// without colour: full for drifted, half for tested, a line for untested, nothing
// where no window has the feature. link makes the columns lead to their windows;
// it may be nil.
func heatStrip(columns []bundle, name string, selected *window, link func(*window) string) strip {
	s := newStrip(len(columns), stripHeight)
	windows, times, tested, largest := 0, 0, 0, float32(0)
	for i, b := range columns {
		worst, c := (*window)(nil), cell{}
		drifts := 0
		for _, w := range b {
			windows++
			found, ok := w.find(name)
			if !ok {
				continue
			}
			if found.mark >= quiet {
				tested++
				largest = max(largest, found.effect)
			}
			if found.mark == drifted {
				drifts++
			}
			if worst == nil || found.mark > c.mark || found.mark == c.mark && found.effect > c.effect {
				worst, c = w, found
			}
		}
		times += drifts
		if worst == nil {
			continue
		}
		height, class, words := 2.0, "untested", "not tested"
		switch c.mark {
		case drifted:
			height, class, words = stripHeight, "drifted "+effectClass(c.effect), fmt.Sprintf("drifted, effect %.3f", c.effect)
		case quiet:
			height, class, words = stripHeight/2, effectClass(c.effect), fmt.Sprintf("no drift, effect %.3f", c.effect)
		}
		if len(b) > 1 {
			words = fmt.Sprintf("drifted in %d of %d windows; the largest effect: %s", drifts, len(b), span(worst.start, worst.end)+", "+words)
		}
		col := s.put(i, height, class, b.span()+": "+words)
		col.Selected = b.has(selected)
		if link != nil {
			col.Link = link(worst)
		}
	}
	s.Alt = fmt.Sprintf("Drifted in %d of %s, not tested in %d; largest effect %.3f.", times, plural(windows, "window", "windows"), windows-tested, largest)
	if len(columns) > titledColumns {
		return s.light()
	}
	return s
}

// driftStrip draws how many features drifted in each window, above the columns
// of heatStrip; of a bundle, in the window with the most. link makes the columns
// lead to their windows; it may be nil.
func driftStrip(columns []bundle, height int, selected *window, link func(*window) string) strip {
	s := newStrip(len(columns), height)
	most := 1
	for _, b := range columns {
		most = max(most, b.worst().drifts())
	}
	counts := make([]string, 0, len(columns))
	for i, b := range columns {
		w := b.worst()
		n := w.drifts()
		high, class := 2.0, "none"
		switch {
		case n > 0:
			high, class = max(float64(height)*float64(n)/float64(most), 4), "count"
		case w.tested == 0 && w.prediction < quiet:
			high, class = 1, "untested"
		}
		title := b.span() + ": " + w.words()
		if len(b) > 1 {
			title = fmt.Sprintf("%s, %d windows; the most in %s: %s", b.span(), len(b), span(w.start, w.end), w.words())
		}
		col := s.put(i, high, class, title)
		col.Selected = b.has(selected)
		if link != nil {
			col.Link = link(w)
		}
		counts = append(counts, strconv.Itoa(n))
	}
	if extra := len(counts) - 24; extra > 0 {
		counts = slices.Insert(counts[extra:], 0, "…")
	}
	s.Alt = "Drifted in each window, oldest first: " + strings.Join(counts, ", ") + "."
	return s
}

// levelStrip draws a number over the windows, as high as its share of top; of a
// bundle what of gives. Bundles without it stay empty.
func levelStrip(columns []bundle, class string, selected *window, top float64, of func(bundle) (float64, bool), words func(float64) string) strip {
	s := newStrip(len(columns), stripHeight)
	for i, b := range columns {
		x, ok := of(b)
		if !ok {
			continue
		}
		height := 1.0
		if x > 0 && top > 0 {
			height = max(round(stripHeight*min(x/top, 1)), 1)
		}
		s.put(i, height, class, b.span()+": "+words(x)).Selected = b.has(selected)
	}
	if len(columns) > titledColumns {
		return s.light()
	}
	return s
}

// flushRight moves the columns to the right end of a strip of so many, so that
// the newest windows of several strips stand below each other.
func (s strip) flushRight(columns int) strip {
	by := float64(columns*columnWidth) - float64(len(s.Columns)*columnWidth)
	for i := range s.Columns {
		s.Columns[i].X += by
	}
	s.Width = columns * columnWidth
	return s
}

// drifts counts what drifted, the prediction with the features.
func (w *window) drifts() int {
	if w.prediction == drifted {
		return int(w.drift) + 1
	}
	return int(w.drift)
}

// untested says that nothing of a window was.
func (w *window) untested() bool { return w.tested == 0 && w.prediction < quiet }

// words say what a window found.
func (w *window) words() string {
	var out string
	switch {
	case w.failed:
		return "could not be compared"
	case w.events == 0 && w.untested():
		return "no events"
	case w.untested() && !w.hasReference:
		return "no reference yet"
	case w.untested() && w.broken > 0:
		out = "not tested"
	case w.untested():
		return "not tested"
	case w.drift == 0:
		out = fmt.Sprintf("none of %s drifted", plural(int(w.features), "feature", "features"))
	default:
		out = fmt.Sprintf("%d of %s drifted", w.drift, plural(int(w.features), "feature", "features"))
	}
	if w.prediction == drifted {
		out += ", and the prediction"
	}
	if w.broken > 0 {
		out += fmt.Sprintf("; the data of %d is broken", w.broken)
	}
	return out
}

// known is a number of a window that may be missing.
func known(x float32) (float64, bool) {
	return float64(x), !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0)
}
