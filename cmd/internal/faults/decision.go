//go:build unix

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

const progressTopic = "kolmo.progress"

// readDecisions finds what the shards have made durable of the input partitions: the
// few things that the log alone does not decide. They are the other argument of the
// function that verdicts are.
func readDecisions(ctx context.Context, brokers []string) (map[string]windows.Decisions, error) {
	all := make(map[string]windows.Decisions)
	err := readTopics(ctx, brokers, []string{progressTopic}, func(r *kgo.Record) error {
		if string(r.Key) != "_shard" {
			return nil
		}
		progress, err := alerts.DecodeShardProgress(r.Value)
		if err != nil {
			return fmt.Errorf("record %d of topic %s, partition %d: %w", r.Offset, r.Topic, r.Partition, err)
		}
		for id, p := range progress.Partitions {
			if !p.Begun {
				continue
			}
			d := p.Decisions().Clone()
			if before, known := all[id]; known {
				d = d.Union(before)
			}
			all[id] = d
		}
		return nil
	})
	return all, err
}

// readTopics reads topics from their start to their end, read committed.
func readTopics(ctx context.Context, brokers, topics []string, take func(*kgo.Record) error) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), // whose offsets tell how far it has come
	)
	if err != nil {
		return fmt.Errorf("making a reader of %v: %w", topics, err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errTooLate)
	defer cancel()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("asking where %v end: %w", topics, err)
	}
	left := make(map[string]map[int32]int64)
	missing := 0
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			if left[o.Topic] == nil {
				left[o.Topic] = make(map[int32]int64)
			}
			left[o.Topic][o.Partition] = o.Offset
			missing++
		}
	})
	var failed error
	for missing > 0 && failed == nil {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("reading %v from start to end: %w", topics, context.Cause(ctx))
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() && failed == nil {
				failed = take(r)
			}
			if end, waiting := left[r.Topic][r.Partition]; waiting && r.Offset >= end-1 {
				delete(left[r.Topic], r.Partition)
				missing--
			}
		})
	}
	return failed
}

// A gap is a range of records that were deleted before kolmo read them, and the
// watermarks of its partition around it.
type gap struct {
	place
	windows.Gap
}

func inGap(gaps []windows.Gap, offset int64) bool {
	return slices.ContainsFunc(gaps, func(g windows.Gap) bool { return g.From <= offset && offset < g.To })
}

// takeGaps takes over the decisions on a partition whose log has all that is in no
// gap. Only records that were deleted may be in one. The watermark that kolmo noted
// before it must follow from the log, but for an event that was held, and counted for
// the watermark before it was deleted: only kolmo knows of that. What it noted of the
// time after it is where the watermark moved first, and by what events may be ahead of
// their records later.
func (a *answering) takeGaps(p place, log *windowstest.Log, decided windows.Decisions) error {
	log.Advances = slices.Clone(decided.Advances)
	for _, g := range decided.Gaps {
		if g.From >= g.To || g.To > a.history.starts[p] {
			return fmt.Errorf("a gap of %s goes from %d to %d, but what was deleted ends at %d", p, g.From, g.To, a.history.starts[p])
		}
		before, moved := windows.Unset, windows.Forever
		for _, o := range log.Records {
			mark := min(o.Time, o.RecordTime)
			if o.Offset < g.From {
				before = max(before, mark)
				continue
			}
			if mark > g.After {
				moved = mark
				break
			}
		}
		held := slices.ContainsFunc(a.lost, func(o loss) bool { return min(o.Time, o.RecordTime) == g.After })
		if g.After != before && (g.After < before || !held) || g.Until < moved || g.Until > moved.Add(a.options.MaxAhead) {
			return fmt.Errorf("the gap of %s from %d to %d lies after the watermark %s, and before it moves to %s; what kolmo says is %s and %s",
				p, g.From, g.To, before, moved, g.After, g.Until)
		}
		log.Advances = append(log.Advances, windows.Advance{Offset: g.To, From: before, To: g.After})
		a.gaps = append(a.gaps, gap{p, g})
	}
	slices.SortStableFunc(log.Advances, func(x, y windows.Advance) int { return cmp.Compare(x.Offset, y.Offset) })
	return nil
}

// A loss is an event in a gap.
type loss struct {
	windows.Observation
	// counts is the time whose windows it would have been counted in: its own, or
	// that of the watermark when it would have been late.
	counts windows.Timestamp
}

func (a *answering) lose(o windows.Observation, watermark windows.Timestamp) {
	d := a.settings(string(o.Model)).Definition
	counts := o.Time
	if watermark >= d.LateAt(d.PaneIndex(o.Time)) {
		counts = watermark
	}
	a.lost = append(a.lost, loss{o, counts})
}

// gapsOf lists the gaps that a window may lack events by: one that was still open
// before the gap, and has begun by what comes after it, give or take its lateness.
func (a *answering) gapsOf(w windows.Interval, lateness time.Duration) []drift.Gap {
	var list []drift.Gap
	for _, g := range a.gaps {
		if w.End.Add(lateness) > g.After && w.Start <= g.Until.Add(lateness) {
			list = append(list, drift.Gap{Partition: g.String(), From: g.From, To: g.To})
		}
	}
	return list
}

// lacks reports whether a window lacks events for good. One that does must say so.
func (a *answering) lacks(key alerts.Version, w windows.Interval, flagged bool) bool {
	for _, o := range a.lost {
		if string(o.Model) != key.Model || string(o.Version) != key.Version || !w.Contains(o.counts) {
			continue
		}
		if !flagged {
			a.answer.unflagged = append(a.answer.unflagged, fmt.Sprintf("the window of model %s version %s from %s lacks an event of %s, and does not say so",
				key.Model, key.Version, w.Start, o.Time))
		}
		return true
	}
	return false
}
