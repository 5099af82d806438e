package evidence

import (
	"time"
)

// A bundle is neighbouring windows that share a column of a strip; there is at
// least one.
type bundle []*window

// mostColumns bounds the columns of a strip: with more, each would be narrower
// than can be seen or hit.
const mostColumns = 180

// bundleSteps are the lengths of time whose windows share a column, where there
// are too many for a column each: the shortest that leaves few enough. Beyond
// the last, windows are counted off.
var bundleSteps = [...]time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour,
}

// bundled puts windows, in order, into at most mostColumns bundles.
func bundled(windows []*window) []bundle {
	if len(windows) <= mostColumns {
		return split(windows, func(int, *window) bool { return true })
	}
	for _, step := range bundleSteps {
		// Times are cut in UTC, days at midnight and weeks on Mondays, so that a column
		// holds the same windows whenever it is looked at.
		columns := split(windows, func(i int, w *window) bool {
			return !w.start.Truncate(step).Equal(windows[i-1].start.Truncate(step))
		})
		if len(columns) <= mostColumns {
			return columns
		}
	}
	each := (len(windows) + mostColumns - 1) / mostColumns
	return split(windows, func(i int, _ *window) bool { return i%each == 0 })
}

// split begins a bundle with the first window and with each that begins says.
func split(windows []*window, begins func(i int, w *window) bool) []bundle {
	var out []bundle
	from := 0
	for i, w := range windows {
		if i > 0 && begins(i, w) {
			out = append(out, windows[from:i])
			from = i
		}
	}
	if len(windows) > 0 {
		out = append(out, windows[from:])
	}
	return out
}

func (b bundle) span() string { return span(b[0].start, b[len(b)-1].end) }

// has says whether a window is in the bundle; selected may be nil.
func (b bundle) has(selected *window) bool {
	return selected != nil && !selected.start.Before(b[0].start) && !selected.start.After(b[len(b)-1].start)
}

// worst is the window in which most drifted, of several the one with the largest
// effect, then the newest.
func (b bundle) worst() *window {
	worst := b[0]
	for _, w := range b[1:] {
		if w.drifts() > worst.drifts() || w.drifts() == worst.drifts() && w.largest >= worst.largest {
			worst = w
		}
	}
	return worst
}

// most is the largest of what the windows of the bundle have.
func (b bundle) most(of func(*window) float32) (float64, bool) {
	found, largest := false, 0.0
	for _, w := range b {
		if x, ok := known(of(w)); ok && (!found || x > largest) {
			found, largest = true, x
		}
	}
	return largest, found
}
