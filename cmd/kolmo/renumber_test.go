package main

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// TestAChangedWindowSize: windows of a week become windows of a day in the middle of
// the flights. The days go on where the last week ended, and together they hold every
// flight once.
func TestAChangedWindowSize(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.emitFlights(t, "predictions", 2)
	events := 0
	for _, log := range s.readLogs(t, "predictions", event.Limits{}) {
		events += len(log.Records)
	}
	model := func(size string) string {
		return "    window: {size: " + size + "}\n    reference: {kind: first, windows: 1, size: 1000}\n    sample_size: 100\n"
	}
	u := setup{name: "resized", inputs: "{predictions: [predictions]}"}
	u.model = model("1w")
	weekly := s.run(t, s.write(t, u))
	s.records(t, "resized.verdicts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= 3 })
	weekly.kill()
	u.model = model("1d")
	// The first to know of the days dies as soon as it has taken them over.
	config := s.write(t, u)
	brief := s.run(t, config)
	brief.waitFor("defined otherwise from now on")
	brief.kill()
	daily := s.run(t, config)
	type verdict struct {
		Window struct{ Start, End time.Time }
		Events int
	}
	var verdicts []verdict
	counted := func(all []*kgo.Record) bool {
		verdicts = verdicts[:0]
		sum := 0
		for _, r := range all {
			v := decodeJSON[verdict](t, r.Value)
			verdicts = append(verdicts, v)
			sum += v.Events
		}
		return sum >= events
	}
	all := s.records(t, "resized.verdicts", 2*time.Minute, counted)
	daily.stop()
	counted(all)
	slices.SortFunc(verdicts, func(a, b verdict) int { return a.Window.Start.Compare(b.Window.Start) })
	sum, weeks := 0, 0
	for i, v := range verdicts {
		sum += v.Events
		if i > 0 && !v.Window.Start.Equal(verdicts[i-1].Window.End) {
			t.Errorf("a window ends at %v, the next begins at %v", verdicts[i-1].Window.End, v.Window.Start)
		}
		if v.Window.End.Sub(v.Window.Start) > 24*time.Hour {
			weeks++
		}
	}
	if sum != events || weeks < 3 || len(verdicts) < weeks+7 {
		t.Errorf("%d windows, %d of them weeks, hold %d events of %d", len(verdicts), weeks, sum, events)
	}
}
