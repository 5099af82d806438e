package consumer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// assigned claims the partitions that the group has given to this instance, and
// tells the client where to read on: at the offset that belongs to the state in
// Redis. The group's own offsets are not looked at. Redis is tried until the
// context ends, because an error here would lose every partition.
func (c *Consumer) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	c.joined.Do(func() { close(c.ready) })
	var mu sync.Mutex
	var group sync.WaitGroup
	var failed error
	adjusted := make(map[string]map[int32]kgo.Offset, len(offsets))
	for name, partitions := range offsets {
		byPartition := make(map[int32]kgo.Offset, len(partitions))
		adjusted[name] = byPartition
		for partition := range partitions {
			group.Go(func() {
				offset, err := c.own(ctx, name, partition)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed = err
					return
				}
				byPartition[partition] = kgo.NewOffset().At(offset).WithEpoch(-1)
			})
		}
	}
	group.Wait()
	return adjusted, failed
}

// own claims one partition and starts its owner. It returns the offset to read
// from.
func (c *Consumer) own(ctx context.Context, name string, partition int32) (int64, error) {
	topic, known := c.topics[name]
	id, hasID := c.inputs.ID(name)
	if !known || !hasID {
		return 0, fmt.Errorf("the group assigned topic %q, which is not an input", name)
	}
	pid := windows.PartitionID{Topic: id, Partition: partition}
	claim, state, err := c.claim(ctx, pid)
	if err != nil {
		return 0, err
	}
	first := state.NextOffset
	if !state.Found {
		if first, err = c.startOffset(ctx, name, partition); err != nil {
			return 0, err
		}
	}
	ownerContext, cancel := context.WithCancel(context.Background())
	o := &owner{
		consumer: c, topic: topic, id: pid, partition: partition,
		log:   c.log.With("topic", name, "partition", partition),
		queue: make(chan []*kgo.Record, queueLength), finish: make(chan struct{}), done: make(chan struct{}),
		ctx: ownerContext, cancel: cancel,
		claim: claim, decoder: event.NewDecoder(c.options.Event), counted: newPending(),
		through: make([]windows.Timestamp, c.inputs.Shards), lastAccepted: time.Now(), lastCheckpoint: time.Now(),
		checkpointed: first, published: windows.Unset,
	}
	rules := windows.Rules{
		Settings: func(model string) *windows.Settings { s := c.options.Model(model).Settings; return &s },
		Grid: func(model, version string, start windows.Timestamp) (*windows.Grid, bool) {
			return c.closed.grid(ownerContext, model, version, start)
		},
		Shards: c.inputs.Shards, MaxAhead: c.options.MaxAhead, Limits: c.options.Limits,
	}
	o.state = windows.NewPartition(pid, rules, first)
	if state.Found {
		o.state.Restore(state.NextOffset, state.Watermark, state.Panes)
		o.published = state.Watermark
	}
	o.takeClosed()
	c.mu.Lock()
	c.owners[pid] = o
	c.mu.Unlock()
	o.log.Info("partition claimed", "epoch", claim.Epoch(), "offset", first, "panes", len(state.Panes), "restored", state.Found)
	go func() {
		if !state.Found {
			// Where the partition begins is decided once, and kept.
			o.checkpoint()
		}
		o.run()
	}()
	return first, nil
}

// claim tries Redis until the context ends.
func (c *Consumer) claim(ctx context.Context, id windows.PartitionID) (*redisstore.Claim, *redisstore.State, error) {
	for backoff := 100 * time.Millisecond; ; backoff = min(2*backoff, 2*time.Second) {
		claim, state, err := c.options.Store.Claim(ctx, id)
		if err == nil {
			return claim, state, nil
		}
		if ctx.Err() == nil {
			c.limited.warn("claim", "claiming a partition in Redis failed; it is tried again", "partition", c.inputs.Name(id), "error", err)
		}
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("claiming partition %s: %w", c.inputs.Name(id), err)
		}
	}
}

// startOffset is where a partition begins that was never read.
func (c *Consumer) startOffset(ctx context.Context, topic string, partition int32) (int64, error) {
	admin := kadm.NewClient(c.client)
	var listed kadm.ListedOffsets
	var err error
	switch start := c.options.Start; {
	case start.Latest:
		listed, err = admin.ListEndOffsets(ctx, topic)
	case !start.At.IsZero():
		listed, err = admin.ListOffsetsAfterMilli(ctx, start.At.UnixMilli(), topic)
	default:
		listed, err = admin.ListStartOffsets(ctx, topic)
	}
	if err != nil {
		return 0, fmt.Errorf("asking where topic %q begins: %w", topic, err)
	}
	offset, ok := listed.Lookup(topic, partition)
	if !ok || offset.Err != nil {
		return 0, fmt.Errorf("asking where partition %d of topic %q begins: %w", partition, topic, offset.Err)
	}
	return offset.Offset, nil
}

// end takes partitions away. In order, an owner stops where it is, checkpoints
// and releases; otherwise it writes nothing more.
func (c *Consumer) end(partitions map[string][]int32, inOrder bool) {
	var ending []*owner
	c.mu.Lock()
	for name, numbers := range partitions {
		id, _ := c.inputs.ID(name)
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
			close(o.finish)
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
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// takeReclaims runs in the poll loop, between polls and with rebalances
// blocked, so that the partitions are still ours and no record of before the
// refusal can come after it.
func (c *Consumer) takeReclaims(ctx context.Context) {
	for {
		var old *owner
		select {
		case old = <-c.reclaims:
		default:
			return
		}
		c.mu.Lock()
		current := c.owners[old.id] == old
		c.mu.Unlock()
		if !current {
			continue // revoked meanwhile
		}
		<-old.done
		old.unpause()
		limited, cancel := context.WithTimeout(ctx, 2*time.Second)
		offset, err := c.own(limited, old.topic.Name, old.partition)
		cancel()
		if err != nil {
			c.limited.warn("reclaim", "claiming a refused partition again failed; it is tried again", "error", err)
			time.AfterFunc(time.Second, func() { c.reclaim(old) })
			return
		}
		c.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{old.topic.Name: {old.partition: {Epoch: -1, Offset: offset}}})
	}
}
