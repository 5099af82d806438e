package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A strip is a row of columns, one for each window, drawn as an SVG. Its height
// is in the units of its view box; a column is columnWidth wide.
type strip struct {
	Width, Height int
	Columns       []column
	// Alt is what the strip says, for who does not see it.
	Alt string
}

// A column is one window of a strip.
type column struct {
	X, Y, W, H float64
	Class      string
	Title      string // shown when pointed at
	Link       string // "" : none
	Selected   bool
}

const (
	columnWidth = 12
	columnGap   = 2
	stripHeight = 24
	// fewestColumns is how many columns a strip has at least: what it lacks stays
	// empty, so that a model's first window is not drawn as wide as the page.
	fewestColumns = 12
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

// heatStrip draws one feature over the windows. Colour says how large the
// effect is; height says the verdict, so that it can be read without colour:
// full for drifted, half for tested, a line for untested, nothing where the
// window does not have the feature.
func heatStrip(windows []*window, name string, selected *window) strip {
	s := strip{Width: columnWidth * max(len(windows), fewestColumns), Height: stripHeight}
	times, tested, largest := 0, 0, float32(0)
	for i, w := range windows {
		c, ok := w.find(name)
		if !ok {
			continue
		}
		col := column{X: float64(columnWidth * i), W: columnWidth - columnGap, Selected: w == selected}
		words := "not tested"
		switch c.mark {
		case drifted:
			times++
			tested++
			largest = max(largest, c.effect)
			col.H, col.Class, words = stripHeight, "drifted "+effectClass(c.effect), fmt.Sprintf("drifted, effect %.3f", c.effect)
		case quiet:
			tested++
			largest = max(largest, c.effect)
			col.H, col.Class, words = stripHeight/2, effectClass(c.effect), fmt.Sprintf("no drift, effect %.3f", c.effect)
		default:
			col.H, col.Class = 2, "untested"
		}
		col.Y = stripHeight - col.H
		col.Title = span(w.start, w.end) + ": " + words
		s.Columns = append(s.Columns, col)
	}
	s.Alt = fmt.Sprintf("Drifted in %d of %s, not tested in %d; largest effect %.3f.", times, plural(len(windows), "window", "windows"), len(windows)-tested, largest)
	return s
}

// driftStrip draws how many features drifted in each window, above the columns
// of heatStrip. link makes the columns lead to their windows; it may be nil.
func driftStrip(windows []*window, height int, selected *window, link func(*window) string) strip {
	s := strip{Width: columnWidth * max(len(windows), fewestColumns), Height: height}
	most := 1
	for _, w := range windows {
		most = max(most, w.drifts())
	}
	counts := make([]string, 0, len(windows))
	for i, w := range windows {
		n := w.drifts()
		col := column{X: float64(columnWidth * i), W: columnWidth - columnGap, H: 2, Class: "none", Selected: w == selected}
		switch {
		case n > 0:
			col.H, col.Class = max(float64(height)*float64(n)/float64(most), 4), "count"
		case w.tested == 0 && w.prediction < quiet:
			col.H, col.Class = 1, "untested"
		}
		col.Y = float64(height) - col.H
		col.Title = span(w.start, w.end) + ": " + w.words()
		if link != nil {
			col.Link = link(w)
		}
		s.Columns = append(s.Columns, col)
		counts = append(counts, strconv.Itoa(n))
	}
	if extra := len(counts) - 24; extra > 0 {
		counts = slices.Insert(counts[extra:], 0, "…")
	}
	s.Alt = "Drifted in each window, oldest first: " + strings.Join(counts, ", ") + "."
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
		return w.drift + 1
	}
	return w.drift
}

// words say what a window found.
func (w *window) words() string {
	var out string
	switch {
	case w.failed:
		return "could not be compared"
	case w.tested == 0 && w.prediction < quiet && !w.hasReference:
		return "no reference yet"
	case w.tested == 0 && w.prediction < quiet && w.broken > 0:
		out = "not tested"
	case w.tested == 0 && w.prediction < quiet:
		return "not tested"
	case w.drift == 0:
		out = fmt.Sprintf("none of %s drifted", plural(w.features, "feature", "features"))
	default:
		out = fmt.Sprintf("%d of %s drifted", w.drift, plural(w.features, "feature", "features"))
	}
	if w.prediction == drifted {
		out += ", and the prediction"
	}
	if w.broken > 0 {
		out += fmt.Sprintf("; the data of %d is broken", w.broken)
	}
	return out
}
