package windows

import (
	"slices"
	"time"
)

// Emitted is how far the verdicts of one model version have come. It is
// published with each of them, and is all that is needed to go on. The zero
// value is of a version that has no verdict yet.
type Emitted struct {
	Any  bool  // a window has been emitted
	Next int64 // number of the next window, if Any
	// ActiveUntil is the end of the last pane that held an event, among the
	// windows emitted.
	ActiveUntil Timestamp
}

// A PaneCount is a slice of a version's time, with its events and late events
// over all partitions.
type PaneCount struct {
	Index        int64
	Events, Late uint64
}

// A DueWindow is one that can be compared: nothing more can come for it.
type DueWindow struct {
	Interval  Interval
	FirstPane int64
	EndPane   int64 // the pane after the last
	// After is what Emitted is once this window is out.
	After Emitted
}

// Due lists, in order, the windows of one model version that close at a
// watermark: the lowest over all partitions. panes need not be in order; those
// of windows already emitted are ignored. A version that had events within
// forgetAfter before a window gets that window even when it is empty.
//
// Every pane of a due window is final, because no partition takes an event for
// it any more, so the list is a function of the log: a lower watermark gives a
// prefix of it.
func (d *Definition) Due(emitted Emitted, panes []PaneCount, watermark Timestamp, forgetAfter time.Duration) []DueWindow {
	panes = mergeCounts(panes)
	var due []DueWindow
	for {
		w, ok := d.next(emitted, panes, watermark, forgetAfter)
		if !ok {
			return due
		}
		due = append(due, w)
		emitted = w.After
	}
}

// next finds the first window after what was emitted.
func (d *Definition) next(emitted Emitted, panes []PaneCount, watermark Timestamp, forgetAfter time.Duration) (DueWindow, bool) {
	start := emitted.Next
	active := emitted.Any && func() bool {
		w, _, _ := d.Window(start)
		return emitted.ActiveUntil > w.Start.Add(-forgetAfter)
	}()
	if !active {
		// Forgotten, or never seen: go on with the first window that holds
		// anything.
		first, ok := d.firstHeld(emitted, panes)
		if !ok {
			return DueWindow{}, false
		}
		start = first
	}
	for grown := start; ; grown++ {
		last, _, endPane := d.Window(grown)
		if watermark < last.End.Add(d.Lateness) {
			return DueWindow{}, false
		}
		begin, firstPane, _ := d.Window(start)
		w := DueWindow{Interval: Interval{Start: begin.Start, End: last.End}, FirstPane: firstPane, EndPane: endPane}
		var events uint64
		w.After = Emitted{Any: true, Next: grown + 1, ActiveUntil: emitted.ActiveUntil}
		if !emitted.Any {
			w.After.ActiveUntil = Unset
		}
		for _, p := range panes {
			if p.Index >= firstPane && p.Index < endPane {
				events += p.Events
				if p.Events > 0 {
					w.After.ActiveUntil = max(w.After.ActiveUntil, d.Pane(p.Index).End)
				}
			}
		}
		if d.MinEvents == 0 || events >= d.MinEvents || !d.mayGrow(start, grown+1) {
			return w, true
		}
	}
}

// firstHeld is the number of the first window, not yet emitted, that holds an
// event or a late one.
func (d *Definition) firstHeld(emitted Emitted, panes []PaneCount) (int64, bool) {
	for _, p := range panes {
		if p.Events == 0 && p.Late == 0 {
			continue
		}
		if !emitted.Any {
			return d.FirstWindow(p.Index), true
		}
		if d.LastWindow(p.Index) >= emitted.Next {
			return max(d.FirstWindow(p.Index), emitted.Next), true
		}
	}
	return 0, false
}

// mayGrow reports whether the window from start through last would be no
// longer than MaxSize.
func (d *Definition) mayGrow(start, last int64) bool {
	size, _ := d.Size.inPaneUnit()
	maxSize, _ := d.MaxSize.inPaneUnit()
	return (last-start+1)*size <= maxSize
}

// mergeCounts adds up the counts of the same slice and orders them by time.
func mergeCounts(panes []PaneCount) []PaneCount {
	panes = slices.Clone(panes)
	slices.SortFunc(panes, func(a, b PaneCount) int {
		switch {
		case a.Index < b.Index:
			return -1
		case a.Index > b.Index:
			return 1
		}
		return 0
	})
	merged := panes[:0]
	for _, p := range panes {
		if n := len(merged); n > 0 && merged[n-1].Index == p.Index {
			merged[n-1].Events += p.Events
			merged[n-1].Late += p.Late
			continue
		}
		merged = append(merged, p)
	}
	return merged
}
