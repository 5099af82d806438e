package kafka

import (
	"context"
	"fmt"
	"maps"

	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// A transaction takes a few tens of milliseconds whatever is in it, so
// everything that is due at one moment goes into as few as memory allows.
const (
	mostWindows = 256
	mostBytes   = 4 << 20
)

// held are the panes of one version, by partition.
type held struct {
	counts  []windows.PaneCount
	entries map[int][]redisstore.Entry // by the partition's place in Inputs
}

// dueWindow is a window of a version.
type dueWindow struct {
	version alerts.Version
	window  windows.DueWindow
	closes  windows.Timestamp
}

// closeDue closes what is due at a watermark. The marks were read before the
// manifests are, so the manifests hold at least what the watermark promises.
func (s *shard) closeDue(ctx context.Context, marks []redisstore.Mark, watermark windows.Timestamp) error {
	panes, shares, err := s.directories(ctx, marks, s.number)
	if err != nil {
		return err
	}
	s.learn(shares)
	var due []dueWindow
	for key := range panes {
		if s.versions[key] == nil {
			s.versions[key] = &version{progress: alerts.NewProgress(key)}
		}
	}
	for key, v := range s.versions {
		model := s.options.Model(key.Model)
		var counts []windows.PaneCount
		if h := panes[key]; h != nil {
			counts = h.counts
		}
		for _, w := range alerts.Due(model.Settings, v.progress, counts, watermark) {
			due = append(due, dueWindow{version: key, window: w, closes: w.Interval.End.Add(model.Definition.Lateness)})
		}
	}
	alerts.SortDue(due, func(d dueWindow) (windows.Timestamp, alerts.Version) { return d.closes, d.version })
	cut, err := s.cut(marks)
	if err != nil {
		return err
	}
	for len(due) > 0 {
		if due, err = s.closeSome(ctx, marks, panes, due, cut, watermark); err != nil {
			return err
		}
	}
	return nil
}

// directories lists a shard's panes in every partition. What is read must be at
// least what the marks promised: should Redis have been emptied or rolled back
// since, a window would lack what was lost.
func (s *shard) directories(ctx context.Context, marks []redisstore.Mark, number int) (map[alerts.Version]*held, []redisstore.Share, error) {
	ids := make([]windows.PartitionID, len(s.inputs))
	for place, in := range s.inputs {
		ids[place] = in.id
	}
	shares, err := s.options.Store.Shares(ctx, ids, number)
	if err != nil {
		return nil, nil, err
	}
	panes := make(map[alerts.Version]*held)
	for place, share := range shares {
		if m := marks[place]; m.Found && (!share.Found || share.NextOffset < m.NextOffset || share.Watermark < m.Watermark) {
			return nil, nil, fmt.Errorf("partition %s: %w", s.inputs[place].name, errBehind)
		}
		for _, entry := range share.Panes {
			if d := s.options.Model(entry.Key.Model).Definition; d.Pane(entry.Key.Index) != entry.Interval {
				return nil, nil, fmt.Errorf("partition %s, model %q, slice %v: %w", s.inputs[place].name, entry.Key.Model, entry.Interval, errRenumbered)
			}
			key := alerts.Version{Model: entry.Key.Model, Version: entry.Key.Version}
			h := panes[key]
			if h == nil {
				h = &held{entries: make(map[int][]redisstore.Entry)}
				panes[key] = h
			}
			h.counts = append(h.counts, windows.PaneCount{Index: entry.Key.Index, Events: entry.Events, Late: entry.Late})
			h.entries[place] = append(h.entries[place], entry)
		}
	}
	return panes, shares, nil
}

// closeSome closes as many of the due windows as one transaction should hold,
// and returns the rest. Each transaction says how far everything is closed with
// it, the last one up to the watermark.
func (s *shard) closeSome(ctx context.Context, marks []redisstore.Mark, panes map[alerts.Version]*held, due []dueWindow, cut []byte,
	watermark windows.Timestamp) ([]dueWindow, error) {
	var records []*kgo.Record
	moved := make(map[alerts.Version]*version)
	var made []*reference.Reference
	var closed []closedWindow
	var settled []alerts.Outcome
	directories := map[int]map[alerts.Version]*held{s.number: panes}
	bytes := 0
	for len(due) > 0 && len(closed) < mostWindows && bytes < mostBytes {
		next := due[0]
		due = due[1:]
		v := moved[next.version]
		if v == nil {
			v = s.versions[next.version]
		}
		s.options.step(StepBeforeMerge)
		step, err := s.gather(ctx, marks, directories, v, next)
		if err != nil {
			return nil, err
		}
		model := s.options.Model(next.version.Model)
		out := alerts.Close(model.Settings, step)
		s.options.step(StepAfterMerge)
		after := &version{progress: out.Progress}
		if out.Reference != nil {
			made = append(made, out.Reference)
			if err := s.serve(ctx, out.Reference); err != nil {
				return nil, err
			}
			records = append(records, s.referenceRecords(next.version, out.Reference, out.Progress.References[len(out.Progress.References)-1].GridFrom)...)
		}
		if out.Draft != nil {
			after.draft = newDraft(out.Draft)
		}
		if out.Draft != nil || out.Progress.Draft == nil {
			records = append(records, s.draftRecords(next.version, v.draft, after.draft)...)
		}
		remembered, err := s.remember(ctx, next.version, &out)
		if err != nil {
			return nil, err
		}
		for _, r := range remembered {
			bytes += len(r.Key) + len(r.Value)
		}
		records = append(records, remembered...)
		settled = append(settled, alerts.Outcome{Summary: out.Summary, Dropped: out.Dropped, Retired: out.Retired})
		value, err := out.Verdict.Encode(VerdictMaxBytes)
		if err != nil {
			return nil, err
		}
		records = append(records, &kgo.Record{
			Topic: s.options.Topics.Verdicts, Partition: int32(s.number), Key: VerdictKey(next.version, out.Verdict.Window.Start), Value: value,
			Headers: []kgo.RecordHeader{{Key: "kolmo-cut", Value: cut}},
		})
		for _, alert := range out.Alerts {
			value, err := alert.Encode()
			if err != nil {
				return nil, err
			}
			records = append(records, &kgo.Record{Topic: s.options.Topics.Alerts, Partition: int32(s.number), Key: []byte(alert.ID), Value: value})
		}
		for _, r := range out.Retraining {
			record, err := s.retrainingRecord(r)
			if err != nil {
				return nil, err
			}
			records = append(records, record)
		}
		moved[next.version] = after
		closed = append(closed, closedWindow{verdict: out.Verdict, alerts: out.Alerts, states: out.Progress.Alerts, retraining: out.Retraining,
			collecting: out.Progress.Draft != nil || out.Reference != nil || out.Summary != nil})
		bytes += len(value)
	}
	progress := make([]*alerts.Progress, 0, len(moved))
	for _, v := range moved {
		progress = append(progress, v.progress)
	}
	// A partition that joins begins where the record says, not where Redis is told
	// in a moment: it must not bring events to what is about to be published.
	if len(due) == 0 {
		s.own.Through, s.own.Reread = watermark, nil
	} else {
		s.own.Through = max(s.own.Through, due[0].closes-1)
	}
	if err := s.commit(ctx, records, progress); err != nil {
		return nil, err
	}
	maps.Copy(s.versions, moved)
	s.notifyChanged(closed)
	s.askNow(closed)
	for _, r := range made {
		if err := s.options.Store.PersistReference(ctx, r.ID); err != nil {
			s.log.Warn("a new reference is in the references topic, but could not be kept in Redis; the next owner of the shard puts it back", "reference", r.ID, "error", err)
		}
	}
	s.settle(ctx, settled)
	for _, c := range closed {
		s.options.Metrics.closed(s.number, c)
		for _, a := range c.alerts {
			s.log.Info("alert", "status", a.Status, "kind", a.Kind, "summary", a.Summary, "window_end", a.Window.End)
		}
		for _, r := range c.retraining {
			s.log.Info("retraining", "status", r.Status, "reason", r.Reason, "summary", r.Summary, "window_end", r.Window.End)
		}
	}
	return due, nil
}

// cut describes where every partition stood: what depends on timing and is
// therefore in no verdict, but in the header of its record.
func (s *shard) cut(marks []redisstore.Mark) ([]byte, error) {
	type stand struct {
		Partition string            `json:"partition"`
		Offset    int64             `json:"offset"`
		Watermark windows.Timestamp `json:"watermark"`
		Idle      bool              `json:"idle,omitempty"`
	}
	cut := struct {
		Instance   string  `json:"instance"`
		Partitions []stand `json:"partitions"`
	}{Instance: s.options.Instance}
	for i, in := range s.inputs {
		cut.Partitions = append(cut.Partitions, stand{in.name, marks[i].NextOffset, marks[i].Watermark, marks[i].Idle})
	}
	data, err := json.Append(nil, cut, 0)
	if err != nil {
		return nil, fmt.Errorf("describing where the partitions stand: %w", err)
	}
	return data, nil
}
