package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kolmo-ml/kolmo/windows"
)

// facts are what Kafka says of partitions that were just claimed.
type facts struct {
	decided      *windows.Decided
	starts, ends kadm.ListedOffsets
	// rewound are, by topic, the first offsets of the time to rewind to: asked for
	// when a partition needs them.
	rewound map[string]kadm.ListedOffsets
}

// askFacts asks Kafka, for so long that it is tried again, and said, when nobody
// answers.
func (c *Consumer) askFacts(ctx context.Context, all []*claimed) (*facts, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("no answer in 15 s"))
	defer cancel()
	admin := kadm.NewClient(c.asker)
	var names []string
	seen := make(map[string]bool)
	for _, p := range all {
		if !seen[p.topic] {
			seen[p.topic] = true
			names = append(names, p.topic)
		}
	}
	f := facts{rewound: make(map[string]kadm.ListedOffsets)}
	var err error
	if f.decided, err = c.options.Decided(ctx); err != nil {
		return nil, err
	}
	if f.starts, err = admin.ListStartOffsets(ctx, names...); err != nil {
		return nil, fmt.Errorf("asking where topics begin: %w", err)
	}
	if f.ends, err = admin.ListEndOffsets(ctx, names...); err != nil {
		return nil, fmt.Errorf("asking where topics end: %w", err)
	}
	return &f, nil
}

// place puts a partition where its records go on, with all that was decided of
// it. ready is false while a shard does not know of a new partition.
func (c *Consumer) place(ctx context.Context, p *claimed, f *facts) (o *owner, ready bool, err error) {
	start, found := f.starts.Lookup(p.topic, p.partition)
	end, endFound := f.ends.Lookup(p.topic, p.partition)
	if !found || !endFound || start.Err != nil || end.Err != nil {
		return nil, false, fmt.Errorf("asking where partition %d of topic %q begins and ends: %w", p.partition, p.topic,
			errors.Join(start.Err, end.Err))
	}
	o = c.newOwner(p)
	known := f.decided.Partitions[p.id]
	renumbered := c.renumbered(p.state.Panes)
	if renumbered && f.decided.Numbering != c.options.Numbering {
		c.limited.warn("numbering", "a partition waits until every shard closes windows by this configuration: instances with another are to be started again",
			"partition", c.inputs.Name(p.id))
		return nil, false, nil
	}
	switch {
	case renumbered:
		decided := p.state.Decisions
		if known.Begun {
			decided = decided.Union(known.Decisions)
		}
		if err := c.rewind(ctx, o, decided, f, start.Offset); err != nil {
			return nil, false, err
		}
		o.state.Abandon(p.state.Panes)
		p.state.Found = false // a checkpoint says so at once
	case p.state.Found:
		o.state = windows.NewPartition(p.id, o.rules(), p.state.NextOffset)
		o.state.Restore(p.state.NextOffset, p.state.Watermark, p.state.Decisions, p.state.Panes)
		o.published = p.state.Watermark
	case known.Begun:
		if err := c.rewind(ctx, o, known.Decisions, f, start.Offset); err != nil {
			return nil, false, err
		}
	default:
		joins, ok := f.decided.Joins(p.id)
		if !ok {
			return nil, false, nil
		}
		first, err := c.startOffset(ctx, p, f)
		if err != nil {
			return nil, false, err
		}
		o.state = windows.NewPartition(p.id, o.rules(), first)
		// What the shards have closed is closed for this partition, too.
		o.state.AdvanceIdle(joins)
	}
	o.state.Decided(known.Decisions)
	switch next := o.state.NextOffset(); {
	case start.Offset > next:
		o.log.Error("records were deleted before they were read: the windows that may lack them are published as incomplete",
			"from", next, "to", start.Offset, "mend", "raise the topic's retention, or add instances")
		c.options.Metrics.missed(p.topic, start.Offset-next)
		o.state.Miss(start.Offset, o.state.Watermark())
	case end.Offset < next:
		o.log.Error("the partition ends before what was read of it: its broker has lost records; reading goes on at its end",
			"read", next, "end", end.Offset, "mend", "make producers wait for all replicas (acks=all, min.insync.replicas)")
		o.state.Restore(end.Offset, o.state.Watermark(), o.state.Snapshot().Decisions, nil)
	}
	o.checkpointed = o.state.NextOffset()
	return o, true, nil
}

// renumbered reports whether panes were counted by another definition of windows.
func (c *Consumer) renumbered(panes []*windows.Pane) bool {
	for _, pane := range panes {
		if c.options.Model(pane.Key.Model).Definition.Pane(pane.Key.Index) != pane.Interval {
			return true
		}
	}
	return false
}

// rewind puts a partition whose state is lost back to where everything that is
// not closed is read again.
func (c *Consumer) rewind(ctx context.Context, o *owner, decided windows.Decisions, f *facts, logStart int64) error {
	through := f.decided.Through
	from := c.options.Rewind.From(through)
	first := decided.Start
	if from != windows.Unset {
		listed, asked := f.rewound[o.topic.Name]
		if !asked {
			var err error
			if listed, err = kadm.NewClient(c.asker).ListOffsetsAfterMilli(ctx, int64(from), o.topic.Name); err != nil {
				return fmt.Errorf("asking where topic %q was at %v: %w", o.topic.Name, from, err)
			}
			f.rewound[o.topic.Name] = listed
		}
		offset, found := listed.Lookup(o.topic.Name, o.partition)
		if !found || offset.Err != nil {
			return fmt.Errorf("asking where partition %d of topic %q was at %v: %w", o.partition, o.topic.Name, from, offset.Err)
		}
		first = c.options.Rewind.Offset(from, offset.Offset, decided)
	}
	o.log.Warn("Redis has lost the partition's state, or its windows are defined otherwise: it is read again from where nothing older is needed",
		"offset", first, "record_time", from.String(), "closed_through", through.String())
	// What is deleted may have been needed, where all that is left is: nobody can
	// tell.
	deleted := first == logStart && logStart > decided.Start
	if deleted {
		first = decided.Start
	}
	o.state = windows.NewPartition(o.id, o.rules(), first)
	o.state.Restore(first, windows.Unset, windows.Decisions{Start: decided.Start}, nil)
	if deleted {
		o.log.Error("older records that may have been needed are deleted: the windows that may lack them are published as incomplete", "before", logStart)
		o.state.Miss(logStart, through)
	}
	return nil
}

// startOffset is where a partition begins that was never read. One that was added
// to a topic is read from its start, whatever is set for topics.
func (c *Consumer) startOffset(ctx context.Context, p *claimed, f *facts) (int64, error) {
	from := c.options.Start
	if f.decided.KnowsTopic(p.id.Topic) {
		from = Start{}
	}
	listed := f.starts
	switch {
	case from.Latest:
		listed = f.ends
	case !from.At.IsZero():
		var err error
		if listed, err = kadm.NewClient(c.asker).ListOffsetsAfterMilli(ctx, from.At.UnixMilli(), p.topic); err != nil {
			return 0, fmt.Errorf("asking where topic %q was at %v: %w", p.topic, from.At, err)
		}
	}
	offset, ok := listed.Lookup(p.topic, p.partition)
	if !ok || offset.Err != nil {
		return 0, fmt.Errorf("asking where partition %d of topic %q begins: %w", p.partition, p.topic, offset.Err)
	}
	return offset.Offset, nil
}
