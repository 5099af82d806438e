package windows

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func define(t *testing.T, size, every string, zone string, change func(*Definition)) *Definition {
	t.Helper()
	d := &Definition{Origin: Unset}
	var err error
	if d.Size, err = ParseSpan(size); err != nil {
		t.Fatal(err)
	}
	if every != "" {
		if d.Every, err = ParseSpan(every); err != nil {
			t.Fatal(err)
		}
	}
	if zone != "" {
		if d.Location, err = time.LoadLocation(zone); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(d)
	}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	return d
}

func at(text string) Timestamp {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return TimestampOf(t)
}

func TestWindowsOfEverySize(t *testing.T) {
	for _, c := range []struct {
		name, size, every, zone, moment, window string
	}{
		{"tumbling hour", "1h", "", "", "2026-03-01T10:20:00Z", "2026-03-01T10:00:00Z/2026-03-01T11:00:00Z"},
		{"week as a duration begins on Thursday", "168h", "", "", "2013-03-01T09:54:00Z", "2013-02-28T00:00:00Z/2013-03-07T00:00:00Z"},
		{"calendar week begins on Monday", "1w", "", "", "2013-03-01T09:54:00Z", "2013-02-25T00:00:00Z/2013-03-04T00:00:00Z"},
		{"local day", "1d", "", "America/New_York", "2026-01-01T03:00:00Z", "2025-12-31T05:00:00Z/2026-01-01T05:00:00Z"},
		{"day of 23 hours", "1d", "", "Europe/Berlin", "2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z/2026-03-29T22:00:00Z"},
		{"day of 25 hours", "1d", "", "Europe/Berlin", "2026-10-25T10:00:00Z", "2026-10-24T22:00:00Z/2026-10-25T23:00:00Z"},
		{"month", "1mo", "", "", "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z/2024-03-01T00:00:00Z"},
		{"before the epoch", "1h", "", "", "1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z/1970-01-01T00:00:00Z"},
		{"hopping: the first-ending of several", "1h", "10m", "", "2026-03-01T10:25:00Z", "2026-03-01T09:30:00Z/2026-03-01T10:30:00Z"},
		{"hopping week", "1w", "1d", "", "2026-11-24T12:00:00Z", "2026-11-18T00:00:00Z/2026-11-25T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := define(t, c.size, c.every, c.zone, nil)
			pane := d.PaneIndex(at(c.moment))
			if !d.Pane(pane).Contains(at(c.moment)) {
				t.Errorf("pane %v does not contain %s", d.Pane(pane), c.moment)
			}
			w, _, _ := d.Window(d.FirstWindow(pane))
			if w.String() != c.window {
				t.Errorf("window %v, want %s", w, c.window)
			}
		})
	}
}

// Every pane of two years of a zone with clock changes begins where the one
// before it ended, and finding a moment's pane agrees with walking.
func TestPanesTileTime(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"} {
		for _, size := range []string{"1d", "2w", "1mo", "7h"} {
			d := define(t, size, "", zone, nil)
			index := d.PaneIndex(at("2017-01-01T00:00:00Z"))
			for ; d.Pane(index).Start < at("2019-01-01T00:00:00Z"); index++ {
				p := d.Pane(index)
				if p.End != d.Pane(index+1).Start || p.End <= p.Start {
					t.Fatalf("%s in %s: pane %d is %v, the next starts %v", size, zone, index, p, d.Pane(index+1).Start)
				}
				for _, moment := range []Timestamp{p.Start, p.End - 1, (p.Start + p.End) / 2} {
					if got := d.PaneIndex(moment); got != index {
						t.Fatalf("%s in %s: %v is in pane %d, found %d", size, zone, moment, index, got)
					}
				}
			}
		}
	}
}

// The windows that contain a pane, found by formula, are those found by trying.
func TestFirstAndLastWindow(t *testing.T) {
	for _, c := range [][2]string{{"1h", ""}, {"1h", "10m"}, {"1h", "25m"}, {"3h", "2h"}, {"1w", "2d"}} {
		d := define(t, c[0], c[1], "", nil)
		for pane := int64(-50); pane < 50; pane++ {
			interval := d.Pane(pane)
			first, last, found := int64(0), int64(0), false
			for window := int64(-100); window < 100; window++ {
				w, _, _ := d.Window(window)
				if w.Start <= interval.Start && interval.End <= w.End {
					if !found {
						first, found = window, true
					}
					last = window
				}
			}
			if !found || d.FirstWindow(pane) != first || d.LastWindow(pane) != last {
				t.Fatalf("%v: pane %d is in windows %d to %d, found %d to %d", c, pane, first, last, d.FirstWindow(pane), d.LastWindow(pane))
			}
		}
	}
}

func TestBoundaryIsTheNextStart(t *testing.T) {
	d := define(t, "1h", "20m", "", nil)
	for moment, want := range map[string]string{
		"2026-01-01T10:00:00Z": "2026-01-01T10:00:00Z",
		"2026-01-01T10:00:01Z": "2026-01-01T10:20:00Z",
	} {
		if got := d.Boundary(at(moment)); got != at(want) {
			t.Errorf("boundary at or after %s is %v, want %s", moment, got, want)
		}
	}
}

func TestContradictionsAreNamed(t *testing.T) {
	for _, c := range []struct {
		size, every, max string
		minEvents        uint64
		want             string
	}{
		{"1h", "2h", "", 0, "longer than size"},
		{"1d", "1h", "", 0, "no common slice"},
		{"1mo", "1d", "", 0, "no common slice"},
		{"1h", "", "30m", 0, "shorter than size"},
		{"1h", "10m", "", 100, "min_events needs windows that do not overlap"},
		{"168h", "1s", "", 0, "slices per window"},
	} {
		d := Definition{Origin: Unset, MinEvents: c.minEvents}
		d.Size, _ = ParseSpan(c.size)
		d.Every, _ = ParseSpan(c.every)
		d.MaxSize, _ = ParseSpan(c.max)
		if err := d.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("size %s every %s: error %v, want one with %q", c.size, c.every, err, c.want)
		}
	}
}

func FuzzParseSpan(f *testing.F) {
	for _, text := range []string{"10m", "1d", "1mo", "168h", "-1h", "1e9w", "0d", "9223372036854775807ms"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpan(text)
		if err != nil {
			return
		}
		if s.Count <= 0 || s.Longest() <= 0 {
			t.Fatalf("%q is %+v, at most %v", text, s, s.Longest())
		}
		again, err := ParseSpan(s.String())
		if err != nil || again != s {
			t.Fatalf("%q is %+v, written %q, read back %+v (%v)", text, s, s.String(), again, err)
		}
	})
}
