package configs_test

import (
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

// A silence covers the windows that it touches, by names, dates, days and hours.
func TestSilencesCoverWindows(t *testing.T) {
	hour := func(text string) windows.Interval {
		start, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		from := windows.TimestampOf(start)
		return windows.Interval{Start: from, End: from.Add(time.Hour)}
	}
	c := parsed(t, least+`
silences:
  - {model: fraud, version: "3", features: [amount, "user.*"], until: 2026-02-01T00:00:00Z, reason: accepted}
  - {model: "*", days: [sat, sun], hours: 22:00-04:00, time_zone: Europe/Berlin, reason: nights}
  - {model: churn, from: 2026-01-05T10:30:00Z, until: 2026-01-05T11:00:00Z, reason: maintenance}
  - {model: churn, hours: 12:00-13:00, reason: lunch}
  - {model: score, days: [mon], reason: mondays}
`)
	accepted, nights, maintenance, lunch, mondays := 0, 1, 2, 3, 4
	for _, c2 := range []struct {
		silence        int
		model, version string
		window         string
		covered        bool
	}{
		{accepted, "fraud", "3", "2026-01-31T23:00:00Z", true},
		{accepted, "fraud", "3", "2026-02-01T00:00:00Z", false},
		{accepted, "fraud", "4", "2026-01-01T00:00:00Z", false},
		{accepted, "frauds", "3", "2026-01-01T00:00:00Z", false},
		// Saturday, 22:00 in Berlin is 21:00 UTC in winter and 20:00 in summer.
		{nights, "any", "", "2026-01-03T21:00:00Z", true},
		{nights, "any", "", "2026-01-03T20:00:00Z", false},
		{nights, "any", "", "2026-07-04T20:00:00Z", true},
		// It goes on past midnight: Monday 03:00 belongs to Sunday, Saturday 03:00 to no
		// day of it.
		{nights, "any", "", "2026-01-05T02:00:00Z", true},
		{nights, "any", "", "2026-01-05T03:00:00Z", false},
		{nights, "any", "", "2026-01-03T02:00:00Z", false},
		{maintenance, "churn", "1", "2026-01-05T10:00:00Z", true},
		{maintenance, "churn", "1", "2026-01-05T11:00:00Z", false},
		{maintenance, "churn", "1", "2026-01-05T09:00:00Z", false},
		{lunch, "churn", "1", "2026-01-06T12:00:00Z", true},
		{lunch, "churn", "1", "2026-01-06T13:00:00Z", false},
		{lunch, "churn", "1", "2026-01-06T11:00:00Z", false},
		{mondays, "score", "", "2026-01-05T00:00:00Z", true},
		{mondays, "score", "", "2026-01-04T23:00:00Z", false},
		{mondays, "score", "", "2026-01-06T00:00:00Z", false},
	} {
		if got := c.Silences[c2.silence].Covers(c2.model, c2.version, hour(c2.window)); got != c2.covered {
			t.Errorf("silence %d of %s %s at %s: covered %v, want %v", c2.silence, c2.model, c2.version, c2.window, got, c2.covered)
		}
	}
	// A window of a month holds every hour of every weekday.
	january := windows.Interval{Start: hour("2026-01-01T00:00:00Z").Start, End: hour("2026-02-01T00:00:00Z").Start}
	if !c.Silences[mondays].Covers("score", "", january) || !c.Silences[lunch].Covers("churn", "", january) {
		t.Error("a long window is not covered")
	}
	s := c.Silences[accepted]
	for name, of := range map[string]bool{"amount": true, "user.age": true, "user": false, "country": false} {
		if s.OfFeature(name) != of {
			t.Errorf("of feature %s: %v", name, !of)
		}
	}
	if !c.Silences[nights].OfFeature("anything") {
		t.Error("a silence without features is of all of them")
	}
}
