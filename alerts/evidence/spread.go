package evidence

import (
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// spread is a range of values that a picture shows, the same for every picture
// of a feature.
type spread struct {
	lo, hi float64
	// clipped says that the farthest values at either end lie outside.
	clipped bool
}

// drawable reports whether quantiles can be drawn: as many on both sides as there
// are probabilities, at least two, all in order.
func drawable(q *drift.Quantiles) bool {
	return q != nil && len(q.P) >= 2 && len(q.P) == len(q.Reference) && len(q.P) == len(q.Current) &&
		slices.IsSorted(q.P) && slices.IsSorted(q.Reference) && slices.IsSorted(q.Current) &&
		q.P[0] >= 0 && q.P[len(q.P)-1] <= 1
}

// spreadOf is the range of values to draw: all, or without the outermost
// quantiles where a few far values would press everything else into a line. It is
// never empty, and holds D's location.
func spreadOf(f *drift.Feature) spread {
	q := f.Quantiles
	last := len(q.P) - 1
	s := spread{lo: min(q.Reference[0], q.Current[0]), hi: max(q.Reference[last], q.Current[last])}
	if last >= 8 {
		innerLo, innerHi := min(q.Reference[1], q.Current[1]), max(q.Reference[last-1], q.Current[last-1])
		inner := innerHi/2 - innerLo/2
		if inner > 0 && s.hi/2-s.lo/2 > 3*inner {
			// Leave room beside the inner part, and no more.
			s = spread{lo: max(s.lo, innerLo-inner/2), hi: min(s.hi, innerHi+inner/2), clipped: true}
		}
	}
	if location, located := finite(f.Location); located {
		s.lo, s.hi = min(s.lo, location), max(s.hi, location)
	}
	if s.lo == s.hi {
		widen := max(math.Abs(s.lo)/10, 1)
		s.lo, s.hi = max(s.lo-widen, -math.MaxFloat64), min(s.hi+widen, math.MaxFloat64)
	}
	return s
}

// at is the value that is so far on the way from lo to hi.
func (s spread) at(fraction float64) float64 {
	return float64(s.lo*(1-fraction)) + float64(s.hi*fraction)
}
