package windows

import (
	"cmp"
	"slices"
	"time"
)

// Decisions are what time, and not the log, has decided of a partition. With
// them, what a partition does is a function of its records again.
type Decisions struct {
	// Start is the first offset that was read.
	Start int64
	// Ahead is the furthest, in milliseconds, that an event has been ahead of its
	// record: how far past the end of a gap a lost one may have been.
	Ahead int64
	// Advances in the order in which they were made: offsets and watermarks never
	// fall.
	Advances []Advance
	// Gaps in the order of their offsets.
	Gaps []Gap
}

// An Advance moves a watermark without a record: the partition has read up to
// Offset, and has nothing more, or it begins there.
type Advance struct {
	Offset int64     `json:"offset"`
	From   Timestamp `json:"from"`
	To     Timestamp `json:"to"` // past From
}

// A Gap is a range of offsets whose records were deleted before they were
// read.
type Gap struct {
	From int64 `json:"from"` // the first that is lost
	To   int64 `json:"to"`   // the first that is not
	// After is the watermark before the gap. Until is where it moved first after
	// it, and as much later as an event had been ahead of its record until then;
	// Forever while it has not moved. What is lost is taken to lie between.
	After Timestamp `json:"after"`
	Until Timestamp `json:"until"`
}

// Touches reports whether a window may lack events because of the gap: one that
// was open before it, and that begins no later than what comes after it, give or
// take the lateness that its model allows.
func (g Gap) Touches(window Interval, lateness time.Duration) bool {
	open := g.After == Unset || window.End.Add(lateness) > g.After
	return open && (g.Until == Forever || window.Start <= g.Until.Add(lateness))
}

// gapOpen reports whether the last gap has no end yet.
func (d Decisions) gapOpen() bool {
	n := len(d.Gaps)
	return n > 0 && d.Gaps[n-1].Until == Forever
}

// Equal compares decisions.
func (d Decisions) Equal(o Decisions) bool {
	return d.Start == o.Start && d.Ahead == o.Ahead && slices.Equal(d.Advances, o.Advances) && slices.Equal(d.Gaps, o.Gaps)
}

// Union holds what either knows. Both are of one partition, and what one of
// them lacks it never knew or has forgotten.
func (d Decisions) Union(o Decisions) Decisions {
	u := Decisions{Start: min(d.Start, o.Start), Ahead: max(d.Ahead, o.Ahead)}
	advances := slices.Concat(d.Advances, o.Advances)
	slices.SortStableFunc(advances, func(a, b Advance) int { return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.To, b.To)) })
	for _, a := range advances {
		u.Advances = withAdvance(u.Advances, a)
	}
	gaps := slices.Concat(d.Gaps, o.Gaps)
	slices.SortStableFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Until, b.Until))
	})
	for _, g := range gaps {
		last := len(u.Gaps) - 1
		if last >= 0 && u.Gaps[last].From == g.From && u.Gaps[last].After == g.After {
			// One and the same, known at different times: it may have grown while it
			// was open, and it closes once.
			u.Gaps[last].To = max(u.Gaps[last].To, g.To)
			u.Gaps[last].Until = min(u.Gaps[last].Until, g.Until)
			continue
		}
		u.Gaps = append(u.Gaps, g)
	}
	return u
}

// withAdvance adds an advance that is not before the last one. Those at one
// offset are one.
func withAdvance(advances []Advance, a Advance) []Advance {
	if n := len(advances); n > 0 {
		last := &advances[n-1]
		if a.To <= last.To {
			return advances
		}
		if last.Offset == a.Offset {
			last.To = a.To
			return advances
		}
	}
	return append(advances, a)
}

// Forget drops what no partition needs that is read again from records of a
// time or later: Rewind.From gives it.
func (d *Decisions) Forget(before Timestamp) {
	n := 0
	for n < len(d.Advances) && d.Advances[n].To < before {
		n++
	}
	d.Advances = slices.Delete(d.Advances, 0, n)
	d.Gaps = slices.DeleteFunc(d.Gaps, func(g Gap) bool { return g.Until < before })
}

// Clone copies the lists.
func (d Decisions) Clone() Decisions {
	d.Advances, d.Gaps = slices.Clone(d.Advances), slices.Clone(d.Gaps)
	return d
}
