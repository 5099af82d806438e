package windows

import "time"

// A Rewind tells how far back a partition must read whose state is lost.
type Rewind struct {
	Definitions []*Definition // of all models
	MaxAhead    time.Duration
}

// From is the record time to read from so that every window that is not closed
// through a moment is counted whole: the earliest start of such a window, less
// what an event may be ahead of its record. Whatever record is older can be in
// no such window, and its watermark is too low to make an event of one late.
// Unset when nothing was closed. See Offset for what advances add.
func (r Rewind) From(through Timestamp) Timestamp {
	if through == Unset || through == Forever {
		return through
	}
	earliest, lateness := through, time.Duration(0)
	for _, d := range r.Definitions {
		earliest = min(earliest, d.firstOpen(through))
		lateness = max(lateness, d.Lateness)
	}
	// Decisions are forgotten by the same moment, and a gap reaches as far as the
	// lateness past where it ends.
	return earliest.Add(-r.MaxAhead - lateness)
}

// Offset is where to begin to read, given the first offset whose record is of
// that time or later. Records behind an advance may be late because of it and
// count as such where it led, however old they are.
func (r Rewind) Offset(from Timestamp, byTime int64, decided Decisions) int64 {
	for _, a := range decided.Advances {
		if a.To >= from {
			byTime = min(byTime, a.Offset)
		}
	}
	return max(byTime, decided.Start)
}

// firstOpen is the start of the first window that is not due at a watermark. One
// that grows may have begun earlier, by as many windows as it may take in.
func (d *Definition) firstOpen(watermark Timestamp) Timestamp {
	closed := func(n int64) bool {
		w, _, _ := d.Window(n)
		return w.End.Add(d.Lateness) <= watermark
	}
	n := d.FirstWindow(d.PaneIndex(watermark.Add(-d.Lateness)))
	for closed(n) {
		n++
	}
	for !closed(n - 1) {
		n--
	}
	if d.MinEvents > 0 {
		size, _ := d.Size.inPaneUnit()
		most, _ := d.MaxSize.inPaneUnit()
		n -= most/size - 1
	}
	w, _, _ := d.Window(n)
	return w.Start
}
