package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// The flights are a real case whose data is sound. Nearly every feature drifts nearly
// every week, the temperature until none is in winter's range, and shares of missing
// values and of long delays wander, in the reference's weeks as well: none of that is
// broken data.
func TestTheFlightsAreNotBroken(t *testing.T) {
	limits := windows.Limits{Models: 1, Features: 100, Categories: 1000}
	open := func(name string) *rows {
		r, err := dataset.Open("../internal/flights/"+name, event.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		return watched(t.Context(), r, io.Discard, name)
	}
	weekly := &windows.Definition{Size: windows.DurationSpan(168 * time.Hour)}
	if err := weekly.Validate(); err != nil {
		t.Fatal(err)
	}
	made, err := reference.BuildInWindows(reference.Fixed, open("reference.csv.gz"), 10_000, limits, weekly)
	if err != nil {
		t.Fatal(err)
	}
	grid := made.Grid()
	weeks := make(map[int64]*windows.Pane)
	events := open("events.ndjson.gz")
	if err := events.Rewind(); err != nil {
		t.Fatal(err)
	}
	var o windows.Observation
	for n := uint64(0); ; n++ {
		if err = events.Next(&o); err != nil {
			break
		}
		week := int64(o.Time) / (168 * 3600_000)
		if weeks[week] == nil {
			weeks[week] = windows.NewPane(windows.PaneKey{}, windows.Interval{}, grid, 1024, limits)
		}
		weeks[week].Count(&o, windows.RowHash(n))
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	var broken, caused []string
	drifted := 0
	for n, week := range slices.Sorted(maps.Keys(weeks)) {
		w := windows.Merge(windows.Interval{}, []windows.Part{{Pane: weeks[week]}})
		v := drift.Compare(drift.Case{Window: w, Reference: made}, drift.Default())
		if v.Drifted {
			drifted++
		}
		for _, name := range slices.Sorted(maps.Keys(v.Features)) {
			f := v.Features[name]
			if most := f.BrokenMost(); most.Check != nil {
				broken = append(broken, fmt.Sprintf("week %d: %s %s", n+1, name, most.Name))
			}
			if f.CausedBy != "" {
				caused = append(caused, fmt.Sprintf("week %d: %s", n+1, name))
			}
		}
	}
	if len(weeks) != 22 || len(broken) > 0 {
		t.Errorf("of %d weeks broken: %q", len(weeks), broken)
	}
	if drifted != 22 || len(caused) > 0 {
		t.Errorf("%d weeks drifted; drift by broken data in %q", drifted, caused)
	}
}
