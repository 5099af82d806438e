package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
)

const (
	besideCurrent = `    window: {size: 1h, lateness: 1m}
    reference: {kind: version, version: current}
    drift: {numeric: ks, min_events: 10}
`
	rollingHours = `    window: {size: 2h, every: 1h, lateness: 10m}
    reference: {kind: rolling, windows: 2}
    drift: {numeric: ks, min_events: 10}
`
)

// TestVersionsAndLoadedReferences: versions beside each other, and what loading a
// reference does to one that rolls.
func TestVersionsAndLoadedReferences(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	// Versions are closed by different shards, and so by different instances, one of
	// which is killed; each window is compared with that of the current version.
	t.Run("beside", func(t *testing.T) {
		s.createTopic(t, "candidates", 2)
		candidate := "candidate"
		for n := 0; windows.Shard(flights.Model, candidate, 3) == windows.Shard(flights.Model, "current", 3); n++ {
			candidate = fmt.Sprintf("candidate-%d", n)
		}
		const hours = 8
		for hour := range hours {
			means := map[string]float64{"current": float64(hour), candidate: float64(hour)}
			if hour == 5 {
				means[candidate] += 3
			}
			if hour == 6 {
				delete(means, "current")
			}
			s.sendHour(t, "candidates", noon.Add(time.Duration(hour)*time.Hour), means)
		}
		config := s.write(t, setup{name: "beside", inputs: "{predictions: [candidates]}", model: besideCurrent})
		want := programVerdicts(t, config, s.readLogs(t, "candidates", event.Limits{}))
		killed, left := s.run(t, config), s.run(t, config)
		s.records(t, "beside.verdicts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= 3 })
		killed.kill()
		got := s.verdicts(t, "beside", len(want))
		left.stop()
		sameVerdicts(t, got, want)
		compared := 0
		for _, data := range got {
			v := decodeJSON[referencedVerdict](t, data)
			hour := int(v.Window.Start.Sub(noon) / time.Hour)
			if v.Version == "current" || hour == 6 || hour >= hours {
				if v.Reference != nil && v.Version == "current" {
					t.Errorf("hour %d of the current version has the reference %+v", hour, v.Reference)
				}
				continue
			}
			compared++
			if v.Reference == nil || v.Reference.Kind != "version" || v.Reference.Rows < 99 || v.Drifted != (hour == 5) {
				t.Errorf("hour %d of %s: drifted %v, the reference is %+v", hour, v.Version, v.Drifted, v.Reference)
			}
		}
		if compared != hours-1 {
			t.Errorf("%d windows were compared, want %d", compared, hours-1)
		}
	})

	// Overlapping windows with lateness, compared with the last ones until a loaded
	// reference takes effect at a boundary.
	t.Run("loaded", func(t *testing.T) {
		s.createTopic(t, "rolling", 1)
		config := s.write(t, setup{name: "loaded", inputs: "{predictions: [rolling]}", model: rollingHours})
		i := s.run(t, config)
		send := func(from, to int) {
			for hour := from; hour < to; hour++ {
				s.sendHour(t, "rolling", noon.Add(time.Duration(hour)*time.Hour), map[string]float64{"1": 0})
			}
		}
		send(0, 8)
		s.records(t, "loaded.verdicts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= 7 })
		file := filepath.Join(t.TempDir(), "training.csv")
		writeCSV(t, file, sample(500, 0, 1))
		id, said := load(t, exitFine, config, "1", file)
		found := regexp.MustCompile(`in force for windows from (\S+) on`).FindStringSubmatch(said)
		if found == nil {
			t.Fatalf("it says %q", said)
		}
		from, err := time.Parse(time.RFC3339, found[1])
		if err != nil || !from.After(noon.Add(8*time.Hour)) || from.Truncate(time.Hour) != from {
			t.Fatalf("in force from %s (%v), which no partition can have begun", found[1], err)
		}
		last := int(from.Sub(noon)/time.Hour) + 3
		send(8, last)
		i.stop() // whoever comes next finds the boundary in the progress
		i = s.run(t, config)
		var before, after int
		// The first window ends an hour after noon; the last that is closed by events
		// alone may be followed by those that idleness closes.
		for _, r := range s.records(t, "loaded.verdicts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= last }) {
			v := decodeJSON[referencedVerdict](t, r.Value)
			n := int(v.Window.Start.Sub(noon) / time.Hour)
			switch {
			case n < 3: // of the two that must have ended, the first began an hour before noon
				if v.Reference != nil {
					t.Errorf("the window of %v has the reference %+v", v.Window.Start, v.Reference)
				}
			case v.Window.Start.Before(from):
				before++
				if v.Reference == nil || v.Reference.Kind != "rolling" || v.Features["feature"].Test != "ks" {
					t.Errorf("the window of %v has the reference %+v", v.Window.Start, v.Reference)
				}
			default:
				after++
				if v.Reference == nil || v.Reference.ID != id || v.Reference.Kind != "fixed" {
					t.Errorf("the window of %v has the reference %+v, want %s", v.Window.Start, v.Reference, id)
				}
			}
		}
		if before < 5 || after < 1 {
			t.Errorf("%d windows with the rolling reference and %d with the loaded one", before, after)
		}
		i.stop()
	})
}
