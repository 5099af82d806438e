package windows

import (
	"fmt"
	"time"
)

// boundaries numbers the panes of a definition: pane k is [start(k), start(k+1)).
// start is strictly increasing, and index is its inverse: start(index(t)) ≤ t.
type boundaries interface {
	start(index int64) Timestamp
	index(t Timestamp) int64
}

// evenBoundaries are panes of equal length in milliseconds.
type evenBoundaries struct {
	origin int64
	length int64
}

func (b evenBoundaries) start(index int64) Timestamp { return Timestamp(b.origin + index*b.length) }

func (b evenBoundaries) index(t Timestamp) int64 { return floorDivide(int64(t)-b.origin, b.length) }

// calendarBoundaries are panes of whole local days or months. Where a change
// of the clocks removes the local time of a boundary, the boundary is where
// time.Date puts it.
type calendarBoundaries struct {
	location   *time.Location
	unit       Unit // Days or Months
	length     int64
	year       int
	month      time.Month
	day        int
	hour       int
	minute     int
	second     int
	nanosecond int
}

func newCalendarBoundaries(d *Definition, unit Unit, length int64) (*calendarBoundaries, error) {
	origin := time.Date(1970, 1, 1, 0, 0, 0, 0, d.Location)
	if d.Size.Unit == Weeks {
		origin = time.Date(1970, 1, 5, 0, 0, 0, 0, d.Location)
	}
	if d.Origin != Unset {
		origin = d.Origin.Time().In(d.Location)
	}
	if unit == Months && origin.Day() > 28 {
		return nil, fmt.Errorf("origin %s: months must begin on a day that every month has (1 to 28)", origin.Format(time.RFC3339))
	}
	b := &calendarBoundaries{location: d.Location, unit: unit, length: length, nanosecond: origin.Nanosecond()}
	b.year, b.month, b.day = origin.Date()
	b.hour, b.minute, b.second = origin.Clock()
	return b, nil
}

func (b *calendarBoundaries) start(index int64) Timestamp {
	month, day := b.month, b.day
	if b.unit == Months {
		month += time.Month(index * b.length)
	} else {
		day += int(index * b.length)
	}
	return TimestampOf(time.Date(b.year, month, day, b.hour, b.minute, b.second, b.nanosecond, b.location))
}

func (b *calendarBoundaries) index(t Timestamp) int64 {
	// An estimate from the mean length, then steps: the estimate is off by at
	// most one or two, whatever the clocks did.
	mean := int64(24 * time.Hour / time.Millisecond)
	if b.unit == Months {
		mean = int64(365.2425 / 12 * float64(mean))
	}
	index := floorDivide(int64(t-b.start(0)), mean*b.length)
	for b.start(index) > t {
		index--
	}
	for b.start(index+1) <= t {
		index++
	}
	return index
}
