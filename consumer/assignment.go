package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// An assignment is a partition that the group has given to this instance.
type assignment struct {
	topic     string
	partition int32
}

// assigned claims the partitions that the group has given to this instance, and
// tells the client where to read on: at the offset that belongs to the state in
// Redis. The group's own offsets are not looked at. Redis and Kafka are tried
// until the context ends, because an error here would lose every partition.
func (c *Consumer) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	c.joined.Do(func() { close(c.ready) })
	c.mu.Lock()   // until join has made the client known
	c.mu.Unlock() //nolint:staticcheck // nothing is done meanwhile
	adjusted := make(map[string]map[int32]kgo.Offset, len(offsets))
	var all []assignment
	for name, partitions := range offsets {
		adjusted[name] = make(map[int32]kgo.Offset, len(partitions))
		for partition := range partitions {
			all = append(all, assignment{name, partition})
		}
	}
	first, err := c.ownAll(ctx, all)
	if err != nil {
		return nil, err
	}
	for a, offset := range first {
		adjusted[a.topic][a.partition] = kgo.NewOffset().At(offset).WithEpoch(-1)
	}
	return adjusted, nil
}

// ownAll claims partitions and starts their owners. It returns the offsets to
// read from. It waits for Redis, for Kafka, and for the shards to know of
// partitions that are new, until the context ends.
func (c *Consumer) ownAll(ctx context.Context, all []assignment) (map[assignment]int64, error) {
	waiting := make([]*claimed, len(all))
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, a := range all {
		group.Go(func() { waiting[i], errs[i] = c.claim(ctx, a) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	first := make(map[assignment]int64, len(all))
	for attempt := 0; len(waiting) > 0; attempt++ {
		// Read after the claims, so that whatever a shard relies on that was closed
		// before them is known.
		facts, err := c.askFacts(ctx, waiting)
		if err == nil {
			var left []*claimed
			for _, p := range waiting {
				o, ready, failed := c.place(ctx, p, facts)
				switch {
				case failed != nil:
					err = failed
					left = append(left, p)
				case !ready:
					left = append(left, p)
				default:
					first[p.assignment] = o.state.NextOffset()
					c.start(o, p)
				}
			}
			waiting = left
		}
		if len(waiting) == 0 {
			break
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			c.limited.warn("facts", "asking Kafka where partitions stand failed; it is tried again", "error", err)
		case attempt > 20:
			c.limited.warn("joining", "a new partition waits until every shard waits for it: is there an instance without a shard's owner?",
				"partition", c.inputs.Name(waiting[0].id), "of", len(waiting))
		}
		select {
		case <-time.After(min(time.Duration(attempt+1)*100*time.Millisecond, time.Second)):
		case <-ctx.Done():
			// Those that have started are given up by whoever called.
			return first, fmt.Errorf("finding out where %d partitions stand: %w", len(waiting), cmp.Or(err, context.Cause(ctx)))
		}
	}
	return first, nil
}

// claimed is a partition that this instance holds in Redis.
type claimed struct {
	assignment
	id    windows.PartitionID
	claim *redisstore.Claim
	state *redisstore.State
}

// claim tries Redis until the context ends.
func (c *Consumer) claim(ctx context.Context, a assignment) (*claimed, error) {
	topic, known := c.ids[a.topic]
	if !known {
		return nil, fmt.Errorf("the group assigned topic %q, which is not an input", a.topic)
	}
	id := windows.PartitionID{Topic: topic, Partition: a.partition}
	for backoff := 100 * time.Millisecond; ; backoff = min(2*backoff, 2*time.Second) {
		claim, state, err := c.options.Store.Claim(ctx, id)
		if err == nil {
			return &claimed{assignment: a, id: id, claim: claim, state: state}, nil
		}
		if ctx.Err() == nil {
			c.limited.warn("claim", "claiming a partition in Redis failed; it is tried again", "partition", c.inputs.Name(id), "error", err)
		}
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return nil, fmt.Errorf("claiming partition %s: %w", c.inputs.Name(id), err)
		}
	}
}

// start lets an owner work.
func (c *Consumer) start(o *owner, p *claimed) {
	if p.state.Found {
		o.written.Store(&stand{p.claim.Sequence(), p.state.NextOffset, p.state.Watermark})
	}
	o.takeClosed()
	c.committed(o, o.state.NextOffset())
	c.mu.Lock()
	c.owners[o.id] = o
	c.mu.Unlock()
	o.log.Info("partition claimed", "epoch", p.claim.Epoch(), "offset", o.state.NextOffset(), "panes", len(p.state.Panes), "restored", p.state.Found)
	go func() {
		if !p.state.Found {
			// Where the partition begins is decided once, and kept.
			o.checkpoint()
		}
		o.run()
	}()
}

// newOwner makes an owner that has nothing yet but its claim.
func (c *Consumer) newOwner(p *claimed) *owner {
	ctx, cancel := context.WithCancel(c.alive)
	o := &owner{
		consumer: c, topic: c.topics[p.topic], id: p.id, partition: p.partition,
		log:   c.log.With("topic", p.topic, "partition", p.partition),
		queue: make(chan []*kgo.Record, queueLength), finish: make(chan struct{}), done: make(chan struct{}),
		ctx: ctx, cancel: cancel,
		claim: p.claim, decoder: event.NewDecoder(c.options.Event), counted: newPending(),
		through: make([]windows.Timestamp, c.inputs.Shards), lastAccepted: time.Now(), lastCheckpoint: time.Now(),
		checkpointed: p.state.NextOffset, published: windows.Unset,
	}
	o.stop = sync.OnceFunc(func() { close(o.finish) })
	return o
}

// rules are what the owner's partition must know about the rest of the world.
func (o *owner) rules() windows.Rules {
	c := o.consumer
	return windows.Rules{
		Settings: func(model string) *windows.Settings { s := c.options.Model(model).Settings; return &s },
		Grid: func(model, version string, start windows.Timestamp) (*windows.Grid, bool) {
			return c.closed.grid(o.ctx, model, version, start)
		},
		Shards: c.inputs.Shards, MaxAhead: c.options.MaxAhead, Limits: c.options.Limits,
		Named: c.options.Named, ForgetAfter: c.options.ForgetAfter, Room: c.room,
	}
}

// end takes partitions away. In order, an owner stops where it is, checkpoints
// and releases; otherwise it writes nothing more.
func (c *Consumer) end(partitions map[string][]int32, inOrder bool) {
	var ending []*owner
	c.mu.Lock()
	for name, numbers := range partitions {
		id := c.ids[name]
		for _, partition := range numbers {
			pid := windows.PartitionID{Topic: id, Partition: partition}
			if o := c.owners[pid]; o != nil {
				ending = append(ending, o)
				delete(c.owners, pid)
				delete(c.waits, pid)
			}
		}
	}
	c.mu.Unlock()
	for _, o := range ending {
		if inOrder {
			o.stop()
		} else {
			o.cancel()
		}
	}
	for _, o := range ending {
		<-o.done
		o.cancel()
		o.unpause()
		c.options.Metrics.gone(o.topic.Name, o.partition)
		o.log.Info("partition given up", "in_order", inOrder, "offset", o.checkpointed)
	}
	if inOrder {
		c.flushCommits(c.alive)
	}
	c.forgetCommits(partitions)
}

// unpause leaves nothing paused behind for a later owner.
func (o *owner) unpause() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.paused {
		o.paused = false
		o.consumer.client.ResumeFetchPartitions(map[string][]int32{o.topic.Name: {o.partition}})
	}
}

// reclaim asks the poll loop to claim the partition of an owner whose
// checkpoint was refused. Dropped when the queue is full, which a thousand
// refused partitions would take: the owner is then gone until a rebalance.
func (c *Consumer) reclaim(o *owner) {
	select {
	case c.reclaims <- o:
	default:
		o.log.Error("too many partitions were refused at once: this one waits for the next rebalance")
	}
	c.interrupt()
}

// takeReclaims runs in the poll loop, between polls and with rebalances
// blocked, so that the partitions are still ours and no record of before the
// refusal can come after it.
func (c *Consumer) takeReclaims(ctx context.Context) {
	var again []assignment
	var given []*owner
	for more := true; more; {
		select {
		case old := <-c.reclaims:
			c.mu.Lock()
			current := c.owners[old.id] == old
			c.mu.Unlock()
			if current && !slices.Contains(given, old) {
				<-old.done
				old.unpause()
				again, given = append(again, assignment{old.topic.Name, old.partition}), append(given, old)
			} // otherwise revoked meanwhile
		default:
			more = false
		}
	}
	if len(again) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, reclaimTime)
	defer cancel()
	first, err := c.ownAll(limited, again)
	for i, a := range again {
		offset, found := first[a]
		if !found {
			time.AfterFunc(time.Second, func() { c.reclaim(given[i]) })
			continue
		}
		c.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{a.topic: {a.partition: {Epoch: -1, Offset: offset}}})
	}
	if err != nil && ctx.Err() == nil {
		c.limited.warn("reclaim", "claiming refused partitions again failed; it is tried again", "partitions", len(again)-len(first), "error", err)
	}
}

// reclaimTime bounds how long rebalances wait for partitions that are claimed
// again.
const reclaimTime = 5 * time.Second
