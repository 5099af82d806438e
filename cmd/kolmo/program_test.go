package main

import (
	"bytes"
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

// readLogs reads a topic as the reference program wants it: partition by
// partition, in offset order.
func (s *stack) readLogs(t *testing.T, topic string, limits event.Limits) []windowstest.Log {
	t.Helper()
	logs := s.emptyLogs(t, topic)
	ends, err := kadm.NewClient(s.client(t)).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	ends.Each(func(end kadm.ListedOffset) { total += end.Offset })
	client := s.client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	decoder := event.NewDecoder(limits)
	for seen := int64(0); seen < total; {
		fetches := client.PollFetches(t.Context())
		if t.Context().Err() != nil {
			t.Fatalf("%d of %d records of topic %s", seen, total, topic)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			seen++
			o, ok := observed(decoder, r)
			if !ok {
				return
			}
			logs[r.Partition].Records = append(logs[r.Partition].Records, o)
		})
	}
	return logs
}

// emptyLogs are the partitions of a topic.
func (s *stack) emptyLogs(t *testing.T, topic string) []windowstest.Log {
	t.Helper()
	details, err := kadm.NewClient(s.client(t)).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	logs := make([]windowstest.Log, len(details[topic].Partitions))
	for i := range logs {
		logs[i].Topic = topic
		logs[i].ID = windows.PartitionID{Topic: windows.TopicID(details[topic].ID), Partition: int32(i)}
	}
	return logs
}

func sortByOffset(records []windows.Observation) {
	slices.SortFunc(records, func(a, b windows.Observation) int { return cmp.Compare(a.Offset, b.Offset) })
}

// observed is what an accepted record says; ok is false for one that is no event.
func observed(decoder *event.Decoder, r *kgo.Record) (o windows.Observation, ok bool) {
	var e event.Event
	if err := decoder.Decode(event.Predictions, bytes.Clone(r.Value), &e); err != nil {
		return o, false
	}
	o = windows.Observation{
		Offset: r.Offset, RecordTime: windows.TimestampOf(r.Timestamp), Time: windows.TimestampOf(r.Timestamp),
		Model: bytes.Clone(e.Model), Version: bytes.Clone(e.Version), HasFeatures: e.HasFeatures,
		IsPrediction: true, Prediction: own(e.Prediction), Status: bytes.Clone(e.Status), HasLatency: e.HasLatency, Latency: e.LatencyMillis,
	}
	if e.HasTime {
		o.Time = windows.Timestamp(e.Time)
	}
	for _, f := range e.Features {
		o.Features = append(o.Features, windows.Field{Name: bytes.Clone(f.Name), Value: own(f.Value)})
	}
	return o, true
}

func own(v windows.Value) windows.Value {
	v.Text = bytes.Clone(v.Text)
	return v
}

// programVerdicts are what the single-threaded reference program says of the
// logs, under a configuration whose one reference is a file or made of earlier
// windows.
func programVerdicts(t *testing.T, configFile string, logs []windowstest.Log) map[string][]byte {
	t.Helper()
	config, err := configs.Load(configFile, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	options, err := service.Configured(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = options.Redis.Close() })
	var made *reference.Reference
	var grid *windows.Grid
	for _, configured := range options.Configured {
		if made, err = configured.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		grid = made.Grid()
	}
	settings := func(model string) *alerts.Settings { s := options.Models(model).Settings; return &s }
	histories := make(map[alerts.Version]*slowHistory)
	var beside []windowstest.Closed
	program := windowstest.Program{
		Settings: func(model string) *windows.Settings { return &settings(model).Settings },
		MaxAhead: options.MaxAhead, ForgetAfter: config.Limits.ForgetAfter, Limits: options.Limits,
		Grid: func(model, version string, start windows.Timestamp) *windows.Grid {
			if own := histories[alerts.Version{Model: model, Version: version}]; own != nil {
				return own.gridAt(start)
			}
			return grid
		},
	}
	verdicts := make(map[string][]byte)
	progress := make(map[alerts.Version]*alerts.Progress)
	stand := make(map[alerts.Version]*slowAlerts)
	judged := func(v alerts.Version, verdict *drift.Verdict) {
		if stand[v] == nil {
			stand[v] = &slowAlerts{policy: settings(v.Model).Policy, states: make(map[alerts.Kind]alerts.State)}
		}
		verdict.Alerts = stand[v].after(verdict)
	}
	program.Run(logs, func(c windowstest.Closed) {
		v := alerts.Version{Model: c.Model, Version: c.Version}
		var verdict *drift.Verdict
		s := settings(c.Model)
		switch {
		case s.Against != "": // once all windows are known
			beside = append(beside, c)
			return
		case s.History.Kind != "":
			if histories[v] == nil {
				histories[v] = &slowHistory{settings: s}
			}
			verdict = histories[v].close(v, windows.Merge(c.Window.Interval, c.Parts))
			judged(v, verdict)
		default:
			if progress[v] == nil {
				progress[v] = alerts.NewProgress(v)
			}
			out := alerts.Close(s, alerts.Step{Progress: progress[v], Due: c.Window, Parts: c.Parts, Reference: made})
			progress[v], verdict = out.Progress, out.Verdict
		}
		verdict.Sample = sampledPlaces(c, logs)
		verdicts[string(kafka.VerdictKey(v, verdict.Window.Start))] = encoded(t, verdict)
	})
	for _, c := range beside {
		v := alerts.Version{Model: c.Model, Version: c.Version}
		verdict := besideVerdict(settings(c.Model), c, beside)
		judged(v, verdict)
		verdict.Sample = sampledPlaces(c, logs)
		verdicts[string(kafka.VerdictKey(v, verdict.Window.Start))] = encoded(t, verdict)
	}
	return verdicts
}

// sampledPlaces are the five events with the smallest hashes of all that the panes
// sampled. Logs of a file have no topic, and no places.
func sampledPlaces(c windowstest.Closed, logs []windowstest.Log) []drift.Place {
	hashes := make(map[drift.Place]uint64)
	for _, part := range c.Parts {
		log := logs[part.Partition]
		if log.Topic == "" {
			return nil
		}
		for _, f := range slices.Concat(part.Pane.Features, []*windows.Feature{part.Pane.Prediction, part.Pane.Latency}) {
			if f == nil {
				continue
			}
			for _, e := range f.Sample.Entries() {
				hashes[drift.Place{Topic: log.Topic, Partition: log.ID.Partition, Offset: log.ID.EventOffset(e.Hash)}] = e.Hash
			}
		}
	}
	places := slices.Collect(maps.Keys(hashes))
	slices.SortFunc(places, func(a, b drift.Place) int { return cmp.Compare(hashes[a], hashes[b]) })
	return places[:min(len(places), 5)]
}

func encoded(t *testing.T, verdict *drift.Verdict) []byte {
	t.Helper()
	value, err := verdict.Encode(kafka.VerdictMaxBytes)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// besideVerdict compares a version's window with that of another version, which
// it looks for among all windows.
func besideVerdict(s *alerts.Settings, c windowstest.Closed, all []windowstest.Closed) *drift.Verdict {
	one := drift.Case{Model: c.Model, Version: c.Version, Window: windows.Merge(c.Window.Interval, c.Parts)}
	if c.Version == s.Against {
		one.Without = "it is the version that others are compared with"
		return drift.Compare(one, s.Drift)
	}
	one.Without = fmt.Sprintf("version %q, which it is compared with, has no events in this window", s.Against)
	for _, other := range all {
		if other.Model != c.Model || other.Version != s.Against || other.Window.Interval != c.Window.Interval {
			continue
		}
		w := windows.Merge(other.Window.Interval, other.Parts)
		if w.Events > 0 {
			summary := reference.Summarise(w, reference.Origin{
				Model: c.Model, Version: other.Version, Start: w.Interval.Start, End: w.Interval.End,
			}, s.SampleSize)
			one.Reference = reference.Merge(reference.Version, []*reference.Reference{summary}, s.SampleSize)
		}
	}
	return drift.Compare(one, s.Drift)
}

// A slowHistory finds what a version's windows are compared with in the obvious
// way: every window that held events is kept for good, and looked through from
// the first. Windows must not overlap, and a period must be of weeks in UTC.
type slowHistory struct {
	settings *alerts.Settings
	closed   []*reference.Reference
	crowded  []string
	grids    []*windows.Grid
	from     []windows.Timestamp // of grids
}

func (h *slowHistory) gridAt(start windows.Timestamp) *windows.Grid {
	for i := len(h.grids) - 1; i >= 0; i-- {
		if h.from[i] <= start {
			return h.grids[i]
		}
	}
	return nil
}

func (h *slowHistory) close(v alerts.Version, w *windows.Window) *drift.Verdict {
	s, history := h.settings, h.settings.History
	c := drift.Case{Model: v.Model, Version: v.Version, Window: w}
	period := 7 * 24 * history.Period.Count // in hours
	var parts []*reference.Reference
	if history.Kind == reference.Rolling {
		parts = h.closed[max(0, len(h.closed)-history.Windows):]
		if len(parts) < history.Windows {
			parts, c.Without = nil, fmt.Sprintf("the rolling reference has %d of its %d windows", len(parts), history.Windows)
		}
	} else {
		for _, one := range h.closed {
			hours := int64(w.Interval.Start-one.Of.Start) / 3600_000
			if hours%period == 0 && hours/period <= int64(history.Cycles) {
				parts = append(parts, one)
			}
		}
		c.Without = "no window of this slot in an earlier period is kept"
	}
	if len(parts) > 0 {
		c.Reference = reference.Merge(history.Kind, parts, history.Size)
	}
	if w.Events > 0 {
		h.keep(v, w, c.Reference, period)
	}
	return drift.Compare(c, s.Drift)
}

// keep keeps a window, and makes a grid of the first windows, or after one that
// the grid told too little of.
func (h *slowHistory) keep(v alerts.Version, w *windows.Window, compared *reference.Reference, period int64) {
	s, history := h.settings, h.settings.History
	weekly := history.Kind == reference.Seasonal
	share := history.Windows
	if weekly {
		share = history.Cycles
	}
	origin := reference.Origin{Model: v.Model, Version: v.Version, Start: w.Interval.Start, End: w.Interval.End}
	summary := reference.Summarise(w, origin, int(math.Ceil(float64(history.Size)/float64(share))))
	h.closed = append(h.closed, summary)

	enough := len(h.closed) >= history.Windows
	if weekly {
		enough = int64(w.Interval.End-h.closed[0].Of.Start) >= 3600_000*period
	}
	if known := len(h.grids); known > 0 && len(h.crowded) == 0 {
		if compared != nil && w.Grid != nil && w.Grid.ID == h.grids[known-1].ID {
			h.crowded = summary.Crowded(compared, s.History.MaxBinMass, weekly)
		}
		return
	}
	if !enough {
		return
	}
	var parts []*reference.Reference
	for i, one := range h.closed {
		if weekly && int64(w.Interval.Start-one.Of.Start) <= 3600_000*period*int64(history.Cycles) || !weekly && i >= len(h.closed)-history.Windows {
			parts = append(parts, one)
		}
	}
	from := w.Interval.Start
	for held := w.Interval.End.Add(s.Definition.Lateness + max(s.Definition.Size.Longest(), s.MaxAhead)); from < held; {
		from = s.Definition.Pane(s.Definition.PaneIndex(from)).End
	}
	h.grids = append(h.grids, reference.Regrid(history.Kind, parts, h.crowded, origin, history.Size).Grid())
	h.from, h.crowded = append(h.from, from), nil
}
