package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/windows"
)

// join makes the client that consumes. It reads the topics that have their names
// now.
func (c *Consumer) join() error {
	ids := make(map[string]windows.TopicID)
	var names []string
	for name := range c.topics {
		id, _ := c.inputs.ID(name) // every input was looked up
		ids[name] = id
		names = append(names, name)
	}
	options := &c.options
	c.mu.Lock() // partitions may be assigned before NewClient returns: they wait
	defer c.mu.Unlock()
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, options.Client...),
		kgo.ConsumerGroup(options.Group),
		kgo.ConsumeTopics(names...),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(options.SessionTimeout),
		kgo.HeartbeatInterval(max(options.SessionTimeout/4, 100*time.Millisecond)),
		kgo.BlockRebalanceOnPoll(),
		kgo.DisableAutoCommit(),
		kgo.AdjustFetchOffsetsFn(c.assigned),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { c.end(lost, true) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { c.end(lost, false) }),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // transaction markers take offsets
		kgo.FetchMaxBytes(options.FetchMaxBytes),
		kgo.FetchMaxPartitionBytes(min(options.FetchMaxBytes, 1<<20)),
		// A fetch that waits for records does not see that another partition was
		// resumed meanwhile: the wait is what a held partition may lose.
		kgo.FetchMaxWait(250*time.Millisecond),
		kgo.MaxConcurrentFetches(2),
		kgo.WithDecompressor(c.unpacker),
		kgo.MetadataMaxAge(30*time.Second),
		kgo.WithHooks(options.Hooks...),
	)...)
	if err != nil {
		return fmt.Errorf("making the consumer of group %q: %w", options.Group, err)
	}
	c.client, c.ids = client, ids
	c.alive, c.cut = context.WithCancel(context.Background())
	return nil
}

// giveUpAfter is how long owners may take to give their partitions up.
const giveUpAfter = 10 * time.Second

// giveUp ends all owners, whatever they wait for.
func (c *Consumer) giveUp() {
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	c.log.Error("partitions could not be given up in time: what came since their last checkpoint is read again by their next owner", "seconds", giveUpAfter.Seconds())
	cut()
}

// leave gives every partition up and leaves the group. The owners still need the
// dead letters and the marks to come to an end.
func (c *Consumer) leave(background context.Context) {
	closing := time.AfterFunc(giveUpAfter, c.giveUp)
	defer c.cut()
	defer closing.Stop()
	c.flushCommits(background)
	c.client.CloseAllowingRebalance()
	for _, o := range c.owned() { // should the group have been left without a callback
		o.stop()
		<-o.done
		o.cancel()
	}
	c.mu.Lock()
	clear(c.owners)
	clear(c.waits)
	c.mu.Unlock()
}

// createdAnew reports whether an input topic has another id than the one that is
// read.
func (c *Consumer) createdAnew() bool {
	for name, id := range c.ids {
		if now, _ := c.inputs.ID(name); now != id {
			c.log.Warn("an input topic was deleted and created anew: what was read of the old one stays counted, and the new one is read from its start",
				"topic", name, "old_id", id.String(), "new_id", now.String())
			return true
		}
	}
	return false
}

// watchInputs asks the brokers for new partitions, and for topics created anew.
func (c *Consumer) watchInputs(ctx context.Context) {
	admin := kadm.NewClient(c.asker)
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		changed := c.inputs.Changed()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := c.inputs.Refresh(ctx, admin); err != nil && ctx.Err() == nil {
			c.limited.warn("inputs", "asking the brokers for the input topics failed: nothing closes beyond what is missing until it works again", "error", err)
		}
		select {
		case <-changed:
			c.marks.set(c.inputs.Partitions())
			c.mu.Lock()
			client := c.client
			c.mu.Unlock()
			client.ForceMetadataRefresh()
			c.interrupt()
		default:
		}
	}
}

// interrupt has the poll loop look at what has changed.
func (c *Consumer) interrupt() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// watchState looks at what Redis holds of the partitions that are owned. An owner
// that has nothing to write would not find out that Redis has lost its state, and
// everybody would wait for it.
func (c *Consumer) watchState(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var other map[*owner]stand // what Redis held a second ago of those that wrote something else
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		owners := c.owned()
		ids := make([]windows.PartitionID, len(owners))
		last := make([]*stand, len(owners))
		for i, o := range owners {
			ids[i], last[i] = o.id, o.written.Load()
		}
		found, err := c.options.Store.Marks(ctx, ids)
		if err != nil {
			continue // the owners say that Redis does not answer
		}
		others := make(map[*owner]stand)
		for i, o := range owners {
			if last[i] == nil || o.written.Load() != last[i] {
				continue // another checkpoint was written meanwhile
			}
			held := stand{found[i].Sequence, found[i].NextOffset, found[i].Watermark}
			switch {
			case !found[i].Found, held.sequence < last[i].sequence:
				o.suspect.Store(true)
			case held != *last[i]:
				// A checkpoint that the owner does not know of yet looks the same.
				if other[o] == held {
					o.suspect.Store(true)
				}
				others[o] = held
			}
		}
		other = others
	}
}

// outOfRange gives up a partition whose next record is no longer in the log:
// claimed again, it is placed where the log begins.
func (c *Consumer) outOfRange(topic string, partition int32) {
	o := c.owner(topic, partition)
	if o == nil || o.finishing() {
		return
	}
	o.log.Warn("the next record of the partition is not in the log; looking where the log begins")
	o.stop()
	go func() {
		<-o.done
		c.reclaim(o)
	}()
}
