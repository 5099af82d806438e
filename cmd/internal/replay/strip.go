package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
)

// What a page draws at most: more columns would be thinner than a pixel, and more
// rows than anybody reads.
const (
	mostColumns = 400
	mostStrips  = 60
)

// A strip is a row of columns, in the units of its view box.
type strip struct {
	Width, Height int
	Columns       []column
	Alt           string // what it says, for who does not see it
}

type column struct {
	X, Y, W, H float64
	Class      string
	Title      string
}

type featureStrip struct {
	Name string
	strip
	Counted, Drifted int
}

const (
	columnWidth  = 12
	columnGap    = 2
	stripHeight  = 24
	fewest       = 12 // columns that a strip is wide at least
	firingHeight = 14
)

// A mark is the most that a feature did in the windows of a column.
type mark uint8

const (
	untested mark = iota
	quiet
	heldBack
	counting
)

// heights and words of the marks: the height says what the colour does not.
var marks = [...]struct {
	height float64
	words  string
}{untested: {0, ""}, quiet: {stripHeight / 3, "no drift"}, heldBack: {stripHeight * 2 / 3, "drifted, but does not count"}, counting: {stripHeight, "drifted"}}

func newStrip(windows, per, height int) strip {
	return strip{Width: columnWidth * max((windows+per-1)/per, fewest), Height: height}
}

// gap is what is left free beside a column: nothing where they are many.
func (s *strip) gap() float64 {
	if s.Width > 150*columnWidth {
		return 0
	}
	return columnGap
}

// featureStrips draws the features, those whose drift counts most often first.
func featureStrips(v *Version, per int) (strips []featureStrip, leftOut int) {
	names := make(map[string]bool)
	for _, w := range v.Windows {
		for name := range w.Features {
			names[name] = true
		}
	}
	largest := make(map[string]float64)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s := featureStrip{Name: name, strip: newStrip(len(v.Windows), per, stripHeight)}
		for i := 0; i < len(v.Windows); i += per {
			s.draw(v.Windows[i:min(i+per, len(v.Windows))], float64(columnWidth*(i/per)), largest)
		}
		s.Alt = fmt.Sprintf("Drift that counts in %d of %s, drift in %d; largest effect %.3f.", s.Counted, plural(len(v.Windows), "window"), s.Drifted, largest[name])
		strips = append(strips, s)
	}
	slices.SortStableFunc(strips, func(a, b featureStrip) int {
		return cmp.Or(cmp.Compare(b.Counted, a.Counted), cmp.Compare(b.Drifted, a.Drifted), cmp.Compare(largest[b.Name], largest[a.Name]))
	})
	if leftOut = len(strips) - mostStrips; leftOut > 0 {
		return strips[:mostStrips], leftOut
	}
	return strips, 0
}

// draw adds the column of some windows.
func (s *featureStrip) draw(windows []*Window, x float64, largest map[string]float64) {
	worst, effect, broken := untested, 0.0, 0
	for _, w := range windows {
		f := w.Features[s.Name]
		if f.Broken != "" {
			broken++
		}
		if f.Test == "" {
			continue
		}
		m := quiet
		if f.Drifted {
			m = heldBack
			s.Drifted++
			if f.counts() {
				m = counting
				s.Counted++
			}
		}
		e := 0.0
		if f.Effect != nil {
			e = float64(*f.Effect)
		}
		largest[s.Name] = max(largest[s.Name], e)
		if m > worst || m == worst && e > effect {
			worst, effect = m, e
		}
	}
	if worst == untested {
		return
	}
	h := marks[worst].height
	title := fmt.Sprintf("%s – %s: %s, effect %.3f", moment(windows[0].Start), moment(windows[len(windows)-1].End), marks[worst].words, effect)
	if broken > 0 {
		title += fmt.Sprintf("; broken data in %s", plural(broken, "window"))
	}
	s.Columns = append(s.Columns, column{
		X: x, Y: stripHeight - h, W: columnWidth - s.gap(), H: h, Class: evidence.EffectClass(effect), Title: title,
	})
}

// firingStrip draws when pages fire: from the end of the window with which one
// begins to that of the window that resolves it.
func firingStrip(v *Version, per int) strip {
	s := newStrip(len(v.Windows), per, firingHeight)
	scale := columnWidth / float64(per)
	for _, p := range v.Pages {
		from, to := len(v.Windows), len(v.Windows)
		for i, w := range v.Windows {
			if w.End.Equal(p.Fired) {
				from = i
			}
			if p.Resolved != nil && w.End.Equal(*p.Resolved) {
				to = i
			}
		}
		s.Columns = append(s.Columns, column{
			X: float64(from) * scale, H: firingHeight, W: max(float64(to-from)*scale-s.gap(), 2), Class: "page",
			Title: fmt.Sprintf("%s, %s to %s: %s", p.KindWords(), moment(p.Fired), p.ending(), culprits(p.Culprits)),
		})
	}
	s.Alt = plural(len(v.Pages), "page") + "."
	return s
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
