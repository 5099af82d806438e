package consumer

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// idleness tells whether a partition has really nothing to read. Silence alone
// may be a stalled broker, so the broker is asked where the log ends: a
// partition is idle when its owner has reached the end that the broker gave at
// least IdleAfter ago (compare Flink's FLIP-471).
type idleness struct {
	mu sync.Mutex
	// asked and end are what the broker answered, and when; both zero while
	// there is no answer. Guarded by mu.
	asked    time.Time
	end      int64
	answered bool
	idle     bool // guarded by mu
	// known is when the broker gave the end that idle rests on. Guarded by mu.
	known time.Time
	// wanted asks the consumer for a fresh answer. Guarded by mu.
	wanted bool
}

// fetched says that records came.
func (i *idleness) fetched() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.idle, i.answered, i.wanted = false, false, false
}

// answer takes the end of the log as the broker gives it now.
func (i *idleness) answer(end int64, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.wanted {
		i.asked, i.end, i.answered, i.wanted = now, end, true, false
	}
}

func (i *idleness) wants() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.wanted
}

func (i *idleness) is() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.idle
}

// judge decides whether the partition is idle now.
func (i *idleness) judge(nextOffset int64, quiet bool, after time.Duration, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case !quiet:
		i.idle, i.answered, i.wanted = false, false, false
	case !i.answered:
		i.wanted = true
	case now.Sub(i.asked) >= after:
		i.idle, i.known = nextOffset >= i.end, i.asked
		i.answered, i.wanted = false, true // the next judgement rests on a fresh answer
	}
	return i.idle
}

// confirmed reports whether the partition is idle and its broker still says so: one
// that has been silent since may have records that nobody sees.
func (i *idleness) confirmed(after time.Duration, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	// An answer is judged after that long, while the next one is asked for and grows as
	// old; a little more is the asking.
	return i.idle && now.Sub(i.known) <= 2*after+confirmedWithin
}

// confirmedWithin is how long an answer of the brokers may take.
const confirmedWithin = 15 * time.Second

// reviewIdleness advances the watermark of an idle partition to the lowest of
// those that are not idle. When all are, it advances to the end of the last
// window that holds an event, once the clock is past it. The advance is part of
// the next checkpoint.
func (o *owner) reviewIdleness() {
	after := o.consumer.options.IdleAfter
	now := time.Now()
	_, held := o.state.Holding()
	quiet := !held && len(o.batch) == 0 && len(o.queue) == 0 && now.Sub(o.lastAccepted) >= after
	idle := o.idle.judge(o.state.NextOffset(), quiet, after, now)
	if idle != o.markIdle {
		o.checkpoint() // the others' advance depends on knowing it
	}
	if !idle {
		return
	}
	to, ok := o.consumer.marks.idleTarget(o.id, now, after)
	if ok && o.state.AdvanceIdle(to) {
		o.checkpoint()
	}
}

// marks is the last that is known of every input partition's watermark.
type marks struct {
	store *redisstore.Store

	mu  sync.Mutex
	ids []windows.PartitionID // guarded by mu
	all []redisstore.Mark     // by the same order; guarded by mu
}

func (m *marks) set(ids []windows.PartitionID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids, m.all = ids, nil
}

func (m *marks) refresh(ctx context.Context) error {
	m.mu.Lock()
	ids := m.ids
	m.mu.Unlock()
	all, err := m.store.Marks(ctx, ids)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(ids) == len(m.ids) {
		m.all = all
	}
	return nil
}

// idleTarget is how far the watermark of an idle partition may advance. ok is
// false when nothing is known.
func (m *marks) idleTarget(self windows.PartitionID, now time.Time, after time.Duration) (to windows.Timestamp, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	lowest, highestEnd, allIdle := windows.Forever, windows.Unset, true
	if len(m.all) != len(m.ids) {
		return 0, false
	}
	for i, mark := range m.all {
		highestEnd = max(highestEnd, mark.LastEnd)
		if m.ids[i] == self {
			continue
		}
		if !mark.Found || !mark.Idle {
			allIdle = false
			if !mark.Found {
				return 0, false // it may yet begin anywhere
			}
			lowest = min(lowest, mark.Watermark)
		}
	}
	if !allIdle {
		return lowest, lowest != windows.Unset
	}
	if highestEnd == windows.Unset || windows.TimestampOf(now) < highestEnd.Add(after) {
		return 0, false
	}
	return highestEnd, true
}

// watchIdleness answers the owners' questions: where their partitions end, and
// where all the others stand. It asks only while somebody is quiet.
func (c *Consumer) watchIdleness(ctx context.Context) {
	admin := kadm.NewClient(c.asker)
	interval := min(max(c.options.IdleAfter/4, 100*time.Millisecond), time.Second)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		var asking []*owner
		topics := make(map[string]bool)
		anyIdle := false
		for _, o := range c.owned() {
			anyIdle = anyIdle || o.idle.is()
			if o.idle.wants() {
				asking = append(asking, o)
				topics[o.topic.Name] = true
			}
		}
		if anyIdle {
			if err := c.marks.refresh(ctx); err != nil && ctx.Err() == nil {
				c.limited.warn("marks", "reading the watermarks of all partitions failed; idle ones wait", "error", err)
			}
		}
		if len(asking) == 0 {
			continue
		}
		names := make([]string, 0, len(topics))
		for name := range topics {
			names = append(names, name)
		}
		// The last stable offset: inputs are read committed.
		now := time.Now()
		ends, err := admin.ListCommittedOffsets(ctx, names...)
		if err != nil && ctx.Err() == nil {
			c.limited.warn("ends", "asking the brokers where quiet partitions end failed; they do not count as idle", "error", err)
			continue
		}
		for _, o := range asking {
			if end, ok := ends.Lookup(o.topic.Name, o.partition); ok && end.Err == nil {
				o.idle.answer(end.Offset, now)
				c.options.Metrics.lag(o.topic.Name, o.partition, 0)
			}
		}
	}
}
