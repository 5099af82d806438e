package windows

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"
)

// The same slot of earlier weeks, months and years, across changes of the
// clocks: in Berlin they go forward on 29 March 2026 and back on 25 October.
func TestTheSameSlotEarlier(t *testing.T) {
	for _, c := range []struct {
		name, size, zone, period string
		k                        int64
		start, want              string
	}{
		{"a week of hours", "1h", "UTC", "1w", 1, "2026-03-30T09:00:00Z", "2026-03-23T09:00:00Z"},
		{"four weeks of hours", "1h", "UTC", "168h", 4, "2026-03-30T09:00:00Z", "2026-03-02T09:00:00Z"},
		{"nine o'clock stays nine o'clock in spring", "1h", "Europe/Berlin", "1w", 1, "2026-03-30T07:00:00Z", "2026-03-23T08:00:00Z"},
		{"nine o'clock stays nine o'clock in autumn", "1h", "Europe/Berlin", "1d", 1, "2026-10-25T08:00:00Z", "2026-10-24T07:00:00Z"},
		{"a duration does not know clocks", "1h", "Europe/Berlin", "168h", 1, "2026-03-30T07:00:00Z", "2026-03-23T07:00:00Z"},
		{"days in spring", "1d", "Europe/Berlin", "1w", 1, "2026-03-29T22:00:00Z", "2026-03-22T23:00:00Z"},
		{"weeks in autumn", "1w", "Europe/Berlin", "2w", 1, "2026-10-25T23:00:00Z", "2026-10-11T22:00:00Z"},
		{"months and years", "1mo", "Europe/Berlin", "12mo", 2, "2026-03-31T22:00:00Z", "2024-03-31T22:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		d := &Definition{Origin: Unset, Location: zone}
		d.Size, _ = ParseSpan(c.size)
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		period, err := ParseSpan(c.period)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.CheckPeriod(period); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		start, _ := time.Parse(time.RFC3339, c.start)
		if got := d.Ago(TimestampOf(start), period, c.k).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if w := d.Boundary(TimestampOf(start)); w != TimestampOf(start) {
			t.Errorf("%s: no window starts at %s", c.name, c.start)
		}
	}
}

// Where windows and period are counted alike, going back a period is going back
// as many windows as it has.
func TestGoingBackAPeriodIsCountingWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	units := []Unit{Milliseconds, Days, Months}
	for range 500 {
		unit, every, times := units[r.IntN(3)], int64(1+r.IntN(5)), int64(1+r.IntN(4))
		if unit == Milliseconds {
			every *= 600_000
		}
		d := &Definition{Size: Span{unit, every * times}, Every: Span{unit, every}, Origin: Unset, Location: zone}
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		windowsInPeriod, k := times*int64(1+r.IntN(10)), int64(1+r.IntN(5))
		index := int64(r.IntN(2000))
		w, _, _ := d.Window(index)
		want, _, _ := d.Window(index - k*windowsInPeriod)
		period := Span{unit, every * windowsInPeriod}
		if got := d.Ago(w.Start, period, k); got != want.Start {
			t.Fatalf("windows of %v every %v, %d periods of %v before %v: %v, want %v", d.Size, d.Every, k, period, w.Start, got, want.Start)
		}
		if overlap := d.Overlap(); overlap != times {
			t.Fatalf("windows of %v every %v: %d overlap, want %d", d.Size, d.Every, overlap, times)
		}
	}
}
