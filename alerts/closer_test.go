package alerts

import (
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

func settingsOf(t *testing.T, size, every string, first int) *Settings {
	t.Helper()
	d := &windows.Definition{Origin: windows.Unset, Lateness: time.Minute}
	d.Size, _ = windows.ParseSpan(size)
	if every != "" {
		d.Every, _ = windows.ParseSpan(every)
	}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	return &Settings{
		Settings: windows.Settings{Definition: d, SampleSize: 100, ReferenceSize: 1000},
		MaxAhead: time.Hour, ForgetAfter: 24 * time.Hour, FirstWindows: first, Drift: drift.Default(),
		Policy: Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "warning"},
	}
}

// panes makes one pane of so many events for every slice; shift moves their
// values.
func panes(s *Settings, slices int64, events int, shift func(slice int64) float64) []windows.Part {
	var parts []windows.Part
	for index := range slices {
		key := windows.PaneKey{Model: "m", Version: "1", Index: index}
		pane := windows.NewPane(key, s.Definition.Pane(index), nil, s.ReferenceSize, windows.Limits{Features: 10, Categories: 10})
		for n := range events {
			value := windows.Value{Kind: windows.Number, Number: float64(n*7919%events) + shift(index)}
			pane.Count(&windows.Observation{HasFeatures: true, Features: []windows.Field{{Name: []byte("x"), Value: value}}}, windows.RowHash(uint64(index)*1e6+uint64(n)))
		}
		parts = append(parts, windows.Part{Pane: pane})
	}
	return parts
}

// closeAll closes every window that is due, as a shard would: what one step
// makes serves the next.
func closeAll(s *Settings, parts []windows.Part, through windows.Timestamp) (outcomes []Outcome) {
	return closeAllAt(s, parts, through, func(windows.DueWindow) time.Time { return time.Time{} })
}

// closeAllAt is closeAll by a clock.
func closeAllAt(s *Settings, parts []windows.Part, through windows.Timestamp, clock func(windows.DueWindow) time.Time) (outcomes []Outcome) {
	progress := NewProgress(Version{Model: "m", Version: "1"})
	var counts []windows.PaneCount
	for _, part := range parts {
		counts = append(counts, windows.PaneCount{Index: part.Pane.Key.Index, Events: part.Pane.Events})
	}
	made := make(map[string]*reference.Reference)
	var draft *reference.Draft
	for _, due := range Due(s, progress, counts, through) {
		step := Step{Progress: progress, Due: due, Draft: draft, Now: clock(due)}
		for _, part := range parts {
			if i := part.Pane.Key.Index; i >= due.FirstPane && i < due.EndPane {
				step.Parts = append(step.Parts, part)
			}
		}
		if serving := InForce(progress.References, func(r *Serving) windows.Timestamp { return r.ServesFrom }, due.Interval.Start); serving != nil {
			step.Reference = made[serving.ID]
		}
		out := Close(s, step)
		if out.Reference != nil {
			made[out.Reference.ID] = out.Reference
		}
		progress, draft = out.Progress, out.Draft
		outcomes = append(outcomes, out)
	}
	return outcomes
}

// The first windows make the reference, the next one is compared with it, and a
// shift fires.
func TestFirstWindowsMakeTheReference(t *testing.T) {
	s := settingsOf(t, "1h", "", 3)
	parts := panes(s, 6, 200, func(slice int64) float64 {
		if slice == 5 {
			return 150
		}
		return 0
	})
	outcomes := closeAll(s, parts, windows.Timestamp(7*3600_000))
	if len(outcomes) != 6 {
		t.Fatalf("%d windows, want 6", len(outcomes))
	}
	for n, out := range outcomes {
		f := out.Verdict.Features["x"]
		switch {
		case n < 3 && (f.Test != "" || f.Untested == "" || out.Verdict.Reference != nil):
			t.Errorf("window %d is tested while the reference grows", n)
		case n == 2 && (out.Reference == nil || out.Reference.Rows != 600 || out.Draft != nil):
			t.Errorf("window 2 makes %+v", out.Reference)
		case n >= 3 && (f.Test != "ks" || out.Verdict.Reference.Rows != 600):
			t.Errorf("window %d: test %q against %+v", n, f.Test, out.Verdict.Reference)
		}
		if drifted := n == 5; out.Verdict.Drifted != drifted || len(out.Alerts) > 0 != drifted {
			t.Errorf("window %d: drifted %v, %d alerts", n, out.Verdict.Drifted, len(out.Alerts))
		}
	}
	// The grid is in force only where no partition can have been yet: beyond the
	// end, the lateness and the horizon.
	if from, want := outcomes[2].Progress.References[0].GridFrom, windows.Timestamp(5*3600_000); from != want {
		t.Errorf("the grid is in force from %v, want %v", from, want)
	}
}

// When people were told is when it was published, whatever the events' times are, and
// stays so while the alert fires.
func TestPeopleAreToldWhenItIsPublished(t *testing.T) {
	s := settingsOf(t, "1h", "", 2)
	s.Policy.ResolveAfter = 3
	outcomes := closeAllAt(s, panes(s, 6, 200, func(slice int64) float64 {
		if slice == 3 {
			return 150
		}
		return 0
	}), windows.Timestamp(7*3600_000), func(due windows.DueWindow) time.Time { return due.Interval.End.Time().AddDate(1, 0, 0) })
	want := windows.Timestamp(4*3600_000).Time().AddDate(1, 0, 0)
	for n, out := range outcomes {
		incident := out.Progress.Alerts[FeatureDrift].Incident
		switch {
		case n < 3 || n == 6:
			if incident != nil {
				t.Errorf("window %d: %+v", n, incident)
			}
		case incident == nil || incident.Told.At == nil || !incident.Told.At.Equal(want):
			t.Errorf("window %d: people were told %+v, want at %v", n, incident, want)
		}
	}
}

// Windows that overlap share slices, and each counts once in the reference.
func TestOverlappingWindowsCountOnceInTheReference(t *testing.T) {
	s := settingsOf(t, "3h", "1h", 4)
	outcomes := closeAll(s, panes(s, 8, 50, func(int64) float64 { return 0 }), windows.Timestamp(9*3600_000))
	for _, out := range outcomes {
		if out.Reference == nil {
			continue
		}
		// The windows end at 1, 2, 3 and 4 o'clock: four slices.
		if out.Reference.Rows != 200 || out.Reference.Feature("x").Moments.Count != 200 {
			t.Errorf("the reference has %d rows, want those of four slices", out.Reference.Rows)
		}
		return
	}
	t.Error("no window made the reference")
}

// Closing leaves what it was given as it was: after a failed transaction the
// same step is taken again.
func TestClosingChangesNothingItWasGiven(t *testing.T) {
	s := settingsOf(t, "1h", "", 1)
	parts := panes(s, 3, 100, func(int64) float64 { return 0 })
	first, second := closeAll(s, parts, windows.Timestamp(4*3600_000)), closeAll(s, parts, windows.Timestamp(4*3600_000))
	for n := range first {
		a, errA := first[n].Verdict.Encode(1 << 20)
		b, errB := second[n].Verdict.Encode(1 << 20)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("window %d closes to other bytes the second time", n)
		}
	}
}
