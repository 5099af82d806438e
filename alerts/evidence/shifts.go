package evidence

import (
	"fmt"
	"math"
	"strings"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// shifts show how far each quantile has moved: the window's minus the reference's.
type shifts struct {
	Width, Height            float64
	Left, Right, Top, Bottom float64 // edges of the plot
	Notch                    float64
	Zero                     float64 // where nothing moved
	Line                     string  // points of the polyline
	Area                     string  // points of the polygon between the line and zero
	TicksX, TicksY           []tick
	Alt                      string
}

// newShifts lays the shifts out; nil where there are no quantiles that could be
// drawn. The least and the greatest value are left out where there are others:
// a single one decides them.
func newShifts(q *drift.Quantiles) *shifts {
	if !drawable(q) {
		return nil
	}
	first, last := 0, len(q.P)-1
	if last >= 8 {
		first, last = 1, last-1
	}
	lo, hi := 0.0, 0.0
	for i := first; i <= last; i++ {
		moved := q.Current[i] - q.Reference[i]
		if math.IsInf(moved, 0) {
			return nil // further than a float64 can say
		}
		lo, hi = min(lo, moved), max(hi, moved)
	}
	if lo == hi {
		lo, hi = -1, 1
	}
	room := hi/20 - lo/20
	if math.IsInf(hi-lo+2*room, 0) {
		return nil
	}
	lo, hi = lo-room, hi+room
	s := &shifts{Width: 648, Height: 250, Left: 76, Right: 616, Top: 14, Bottom: 210, Notch: 215}
	x := func(p float64) float64 { return s.Left + (s.Right-s.Left)*p }
	y := func(moved float64) float64 { return s.Bottom - (s.Bottom-s.Top)*fraction(moved, lo, hi) }
	var line strings.Builder
	least, most := first, first
	for i := first; i <= last; i++ {
		moved := q.Current[i] - q.Reference[i]
		if i > first {
			line.WriteByte(' ')
		}
		line.WriteString(coordinate(x(q.P[i])) + "," + coordinate(y(moved)))
		if moved < q.Current[least]-q.Reference[least] {
			least = i
		}
		if moved > q.Current[most]-q.Reference[most] {
			most = i
		}
	}
	s.Zero, s.Line = round(y(0)), line.String()
	s.Area = coordinate(x(q.P[first])) + "," + coordinate(s.Zero) + " " + s.Line + " " + coordinate(x(q.P[last])) + "," + coordinate(s.Zero)
	for _, p := range []float64{0, 0.25, 0.5, 0.75, 1} {
		s.TicksX = append(s.TicksX, tick{At: round(x(p)), Label: fmt.Sprintf("%d %%", int(100*p))})
	}
	for _, t := range ticks(lo, hi) {
		s.TicksY = append(s.TicksY, tick{At: round(y(t.At)), Label: plus(t.At, t.Label)})
	}
	moved := func(i int) string {
		by := q.Current[i] - q.Reference[i]
		return plus(by, decimal(by, 4))
	}
	s.Alt = "How far each quantile moved from the reference: "
	if moved(least) == moved(most) {
		s.Alt += "all by " + moved(least) + "."
	} else {
		s.Alt += fmt.Sprintf("least %s at %s %%, most %s at %s %%.", moved(least), decimal(100*q.P[least], 4), moved(most), decimal(100*q.P[most], 4))
	}
	return s
}
