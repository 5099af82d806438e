package windows

import (
	"fmt"
	"time"
)

// Overlap is how many windows start before one of them has ended: 1 for windows
// that do not overlap.
func (d *Definition) Overlap() int64 { return ceilDivide(d.sizePanes, d.everyPanes) }

// Ago is the start of the window that stands k periods before the one that
// starts at start. Where the windows and the period are counted alike (both
// durations, both days or weeks, both months) windows are counted, so that the
// clocks may change in between. A period of days or weeks over windows that are
// durations goes by the local clock: an hour's window at nine o'clock has its
// like at nine o'clock, whatever the clocks did.
//
// No window need start at the result: a period that is no multiple of Every has
// none, and neither have windows of several hours across a change of the clocks.
func (d *Definition) Ago(start Timestamp, period Span, k int64) Timestamp {
	every, unit := d.Every.inPaneUnit()
	length, periodUnit := period.inPaneUnit()
	switch {
	case periodUnit == unit && length%every == 0:
		return d.panes.start(d.panes.index(start) - k*(length/every)*d.everyPanes)
	case periodUnit == Days:
		local := start.Time().In(d.Location)
		year, month, day := local.Date()
		hour, minute, second := local.Clock()
		return TimestampOf(time.Date(year, month, day-int(k*length), hour, minute, second, local.Nanosecond(), d.Location))
	case periodUnit == Milliseconds:
		return start.Add(-time.Duration(k*length) * time.Millisecond)
	}
	return Unset
}

// CheckPeriod tells whether every window has its like a period earlier.
func (d *Definition) CheckPeriod(period Span) error {
	size, unit := d.Size.inPaneUnit()
	every, _ := d.Every.inPaneUnit()
	length, periodUnit := period.inPaneUnit()
	if unit == Milliseconds && periodUnit == Days {
		length, periodUnit = length*(24*time.Hour).Milliseconds(), Milliseconds
	}
	switch {
	case unit != periodUnit:
		return fmt.Errorf("period %v and windows of %v have no slots in common: give the period in days or weeks, or as a duration where the windows are durations, or in months where they are months", period, d.Size)
	case length%every != 0:
		return fmt.Errorf("period %v is no multiple of %v, the distance between windows: there is no same slot in an earlier period", period, d.Every)
	case length < size:
		return fmt.Errorf("period %v is shorter than a window of %v: it would be compared with a part of itself", period, d.Size)
	}
	return nil
}
