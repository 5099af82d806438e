package windows

import (
	"errors"
	"fmt"
	"time"
)

// A Definition says how a model's events are cut into windows. Call Validate
// before use: it fills what was left out.
//
// Windows start at every multiple of Every from the origin and last Size.
// Windows that overlap share panes, the longest slice that divides both; a
// pane is what is kept, a window is panes merged when it closes.
type Definition struct {
	Size  Span // length of a window
	Every Span // distance between starts; not given: Size (tumbling)
	// Origin is a moment at which a window starts. Unset: the Unix epoch for
	// durations, local midnight of 1970-01-01 for days and months, of Monday
	// 1970-01-05 for weeks.
	Origin   Timestamp
	Location *time.Location // of calendar sizes; nil: UTC
	Lateness time.Duration  // how long after its end a window still takes events, in event time
	// MinEvents lets a tumbling window with fewer accepted events grow by
	// whole windows, up to MaxSize. 0: windows do not grow.
	MinEvents uint64
	MaxSize   Span // not given: 24 sizes

	panes                 boundaries
	sizePanes, everyPanes int64
	valid                 bool
}

// maxPanes bounds how many panes a window may consist of: a pane costs tens of
// kilobytes per feature, and a window of a week every second would be a
// mistake rather than a wish.
const maxPanes = 1024

// Validate checks the definition and prepares it for use. The error names
// every contradiction, joined.
func (d *Definition) Validate() error {
	if d.Location == nil {
		d.Location = time.UTC
	}
	if d.Every.IsZero() {
		d.Every = d.Size
	}
	if d.MaxSize.IsZero() {
		d.MaxSize = Span{Unit: d.Size.Unit, Count: 24 * d.Size.Count}
	}
	if d.Size.Count <= 0 || d.Every.Count <= 0 || d.MaxSize.Count <= 0 {
		return errors.New("size, every and max_size must be positive")
	}
	size, sizeUnit := d.Size.inPaneUnit()
	every, everyUnit := d.Every.inPaneUnit()
	maxSize, maxUnit := d.MaxSize.inPaneUnit()
	if sizeUnit != everyUnit || sizeUnit != maxUnit {
		return fmt.Errorf("size %v, every %v and max_size %v have no common slice: give all as durations, all in days and weeks, or all in months",
			d.Size, d.Every, d.MaxSize)
	}
	var errs []error
	if every > size {
		errs = append(errs, fmt.Errorf("every %v is longer than size %v: events between two windows would be in none", d.Every, d.Size))
	}
	if maxSize < size {
		errs = append(errs, fmt.Errorf("max_size %v is shorter than size %v", d.MaxSize, d.Size))
	}
	if d.MinEvents > 0 && every != size {
		errs = append(errs, errors.New("min_events needs windows that do not overlap: leave out every"))
	}
	if d.Lateness < 0 || d.Lateness%time.Millisecond != 0 {
		errs = append(errs, fmt.Errorf("lateness %v must be zero or more, in whole milliseconds", d.Lateness))
	}
	length := greatestCommonDivisor(size, every)
	if size/length > maxPanes {
		errs = append(errs, fmt.Errorf("size %v every %v makes %d slices per window, more than %d: choose every so that it divides size in fewer parts",
			d.Size, d.Every, size/length, maxPanes))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if sizeUnit == Milliseconds {
		origin := d.Origin
		if origin == Unset {
			origin = 0
		}
		d.panes = evenBoundaries{origin: int64(origin), length: length}
	} else {
		b, err := newCalendarBoundaries(d, sizeUnit, length)
		if err != nil {
			return err
		}
		d.panes = b
	}
	d.sizePanes, d.everyPanes, d.valid = size/length, every/length, true
	return nil
}

// inPaneUnit expresses the span in the unit panes are counted in: weeks are
// days, which only their default origin sets apart.
func (s Span) inPaneUnit() (int64, Unit) {
	if s.Unit == Weeks {
		return 7 * s.Count, Days
	}
	return s.Count, s.Unit
}

// PaneIndex is the number of the pane that contains t.
func (d *Definition) PaneIndex(t Timestamp) int64 { return d.panes.index(t) }

// Pane is the interval of pane number index.
func (d *Definition) Pane(index int64) Interval {
	return Interval{Start: d.panes.start(index), End: d.panes.start(index + 1)}
}

// Window is the interval of window number index, and the numbers of its first
// pane and of the pane after its last.
func (d *Definition) Window(index int64) (w Interval, firstPane, endPane int64) {
	firstPane = index * d.everyPanes
	endPane = firstPane + d.sizePanes
	return Interval{Start: d.panes.start(firstPane), End: d.panes.start(endPane)}, firstPane, endPane
}

// FirstWindow is the number of the first-ending window that contains the pane,
// LastWindow that of the last-ending one.
func (d *Definition) FirstWindow(pane int64) int64 {
	return ceilDivide(pane+1-d.sizePanes, d.everyPanes)
}

// LastWindow is the number of the last-ending window that contains the pane.
func (d *Definition) LastWindow(pane int64) int64 { return floorDivide(pane, d.everyPanes) }

// LateAt is the watermark from which on an event of the pane is late: the end
// of the first-ending window that contains it, plus the lateness. Late for
// that window is late for all.
func (d *Definition) LateAt(pane int64) Timestamp {
	w, _, _ := d.Window(d.FirstWindow(pane))
	return w.End.Add(d.Lateness)
}

// NeededUntil is the watermark from which on nothing needs the pane any more:
// every window that contains it, grown as far as it may, has closed.
func (d *Definition) NeededUntil(pane int64) Timestamp {
	w, _, _ := d.Window(d.LastWindow(pane))
	end := w.End.Add(d.Lateness)
	if d.MinEvents > 0 {
		end = end.Add(d.MaxSize.Longest())
	}
	return end
}

// Boundary is the first start of a window at or after t. Changes that windows
// must agree on (a grid, a reference) take effect at boundaries.
func (d *Definition) Boundary(t Timestamp) Timestamp {
	if t == Unset || t == Forever {
		return t
	}
	pane := d.panes.index(t)
	window := floorDivide(pane, d.everyPanes)
	for {
		w, _, _ := d.Window(window)
		if w.Start >= t {
			return w.Start
		}
		window++
	}
}

// FirstFrom is the number of the first window that starts at t or later.
func (d *Definition) FirstFrom(t Timestamp) int64 {
	n := d.FirstWindow(d.PaneIndex(t))
	for {
		if w, _, _ := d.Window(n); w.Start >= t {
			return n
		}
		n++
	}
}

// PaneFrom is the number of the first pane that starts at t or later.
func (d *Definition) PaneFrom(t Timestamp) int64 {
	n := d.PaneIndex(t)
	if d.Pane(n).Start < t {
		n++
	}
	return n
}

// Numbering tells apart definitions whose windows and panes of one number are
// not the same.
func (d *Definition) Numbering() string {
	return fmt.Sprintf("%v every %v from %v in %v", d.Size, d.Every, d.Origin, d.Location)
}

// Block is the number of the stretch of Size that contains t: stretches follow
// each other without overlap, whatever Every is.
func (d *Definition) Block(t Timestamp) int64 { return floorDivide(d.panes.index(t), d.sizePanes) }

// Horizon is how far past what has been closed a partition may run: the
// longer of the window's size and of how far an event may be ahead of its
// record.
func (d *Definition) Horizon(maxAhead time.Duration) time.Duration {
	return max(d.Size.Longest(), maxAhead)
}

func greatestCommonDivisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func floorDivide(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func ceilDivide(a, b int64) int64 { return -floorDivide(-a, b) }
