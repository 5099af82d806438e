package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/windows"
)

// A Consumer is one instance's share of the input.
type Consumer struct {
	options Options
	log     *slog.Logger
	limited *limitedLog
	asker   *kgo.Client // asks about topics, and consumes nothing
	letters *deadLetters
	closed  *closed
	marks   *marks
	topics  map[string]Topic
	inputs  *Inputs
	room    *windows.Room
	// unpacker bounds what the batches of a fetch unpack to.
	unpacker *unpacker

	// client belongs to a session, and so do the ids of the topics that it reads:
	// a topic that is created anew takes a new session. Both are written by Run
	// alone, while there is no owner.
	client *kgo.Client
	ids    map[string]windows.TopicID
	// alive is what the context of every owner of the session comes from, those
	// included that are giving their partition up and are no longer in owners.
	alive context.Context
	cut   context.CancelFunc

	mu     sync.Mutex
	owners map[windows.PartitionID]*owner // guarded by mu
	// uncommitted are the offsets of checkpoints that the group does not know yet.
	// Guarded by mu.
	uncommitted map[string]map[int32]kgo.EpochOffset
	waits       map[windows.PartitionID]time.Time // since when an owner holds; guarded by mu

	clocks map[string]bool // topics whose records' times were said to be their producers'; guarded by mu

	reclaims chan *owner
	wake     chan struct{}
	ready    chan struct{} // closed when the group has been joined once
	joined   sync.Once
}

// New checks that the topics exist and makes a consumer. Call Run, once.
func New(options Options, inputs *Inputs) (*Consumer, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	c := &Consumer{
		options: options, log: options.Log, limited: newLimitedLog(options.Log), inputs: inputs,
		topics: make(map[string]Topic, len(options.Topics)), owners: make(map[windows.PartitionID]*owner),
		uncommitted: make(map[string]map[int32]kgo.EpochOffset), waits: make(map[windows.PartitionID]time.Time),
		clocks: make(map[string]bool), reclaims: make(chan *owner, 1024), wake: make(chan struct{}, 1), ready: make(chan struct{}),
	}
	options.Metrics.begin(options.Topics)
	c.unpacker = newUnpacker(batchBytes(options.Event))
	if options.StateBytes > 0 {
		c.room = windows.NewRoom(options.StateBytes)
	}
	for _, t := range options.Topics {
		c.topics[t.Name] = t
	}
	var err error
	if c.letters, err = newDeadLetters(&options); err != nil {
		return nil, err
	}
	// The group may be joined, and partitions owned, before join returns.
	c.closed = newClosed(options.Store, inputs.Progress, inputs.Shards, options.Model, c.limited)
	c.marks = &marks{store: options.Store}
	c.marks.set(inputs.Partitions())
	if c.asker, err = kgo.NewClient(options.Client...); err == nil {
		err = c.join()
	}
	if err != nil {
		c.letters.close()
		return nil, fmt.Errorf("making the consumer of group %q: %w", options.Group, err)
	}
	return c, nil
}

// Ready is closed when the instance has joined its group.
func (c *Consumer) Ready() <-chan struct{} { return c.ready }

// Run consumes until the context ends; then every owner checkpoints and
// releases its partition, which takes as long as Redis takes, and 10 seconds at
// most.
func (c *Consumer) Run(ctx context.Context) {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	for _, task := range []func(context.Context){c.closed.follow, c.watchIdleness, c.watchInputs, c.watchState, c.commitOffsets} {
		group.Go(func() { task(background) })
	}
	// Owners have so long to write their last checkpoints, from now and not from when
	// the group is left: a rebalance that is under way holds up poll until they are done.
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(giveUpAfter):
			c.giveUp()
		case <-ended:
		}
	})()
	for {
		c.poll(ctx)
		c.leave(background)
		if ctx.Err() != nil {
			break
		}
		for err := c.join(); err != nil && ctx.Err() == nil; err = c.join() {
			c.limited.warn("join", "making the client that consumes failed; it is tried again", "error", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
	stop()
	group.Wait()
	c.letters.close()
	c.asker.Close()
}

// poll hands what comes to the owners, until the context ends or an input topic
// has been created anew. Rebalances wait while it does, so that no record of an
// earlier ownership reaches a later owner.
func (c *Consumer) poll(ctx context.Context) {
	const mostRecords = 10_000
	for {
		pollContext, cancel := context.WithCancel(ctx)
		stop := make(chan struct{})
		var waker sync.WaitGroup
		waker.Go(func() { // a reclaim must not wait for records
			select {
			case <-c.wake:
				cancel()
			case <-stop:
			}
		})
		fetches := c.client.PollRecords(pollContext, mostRecords)
		close(stop)
		waker.Wait() // or it might take what is meant to wake the next one
		cancel()
		c.unpacker.polled()
		var refused []*kgo.ErrDecompressTooLarge
		if ctx.Err() != nil || fetches.IsClientClosed() || c.createdAnew() {
			c.client.AllowRebalance()
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			tooLarge, ok := errors.AsType[*kgo.ErrDecompressTooLarge](err)
			switch {
			case ok:
				refused = append(refused, tooLarge)
			case errors.Is(err, context.Canceled), errors.Is(err, errUnpackedEnough):
			case errors.Is(err, kerr.OffsetOutOfRange):
				c.outOfRange(topic, partition)
			case topic == "": // the client itself, or its group
				c.limited.warn("group", "the consumer group has a problem; it is tried again", "group", c.options.Group, "error", err)
			default:
				c.limited.warn("fetch "+topic, "fetching a partition failed; it is tried again", "topic", topic, "partition", partition, "error", err)
			}
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) == 0 {
				return
			}
			last := p.Records[len(p.Records)-1].Offset
			if o := c.owner(p.Topic, p.Partition); o != nil {
				o.offer(p.Records) // which gives the slice away
				c.options.Metrics.lag(p.Topic, p.Partition, p.HighWatermark-last-1)
			}
		})
		for _, e := range refused {
			c.refuse(e)
		}
		c.takeReclaims(ctx)
		c.client.AllowRebalance()
	}
}

func (c *Consumer) owner(topic string, partition int32) *owner {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owners[windows.PartitionID{Topic: c.ids[topic], Partition: partition}]
}

func (c *Consumer) owned() []*owner {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*owner, 0, len(c.owners))
	for _, o := range c.owners {
		all = append(all, o)
	}
	return all
}

// lookAtClock says once for each topic that its records carry their producers'
// times, which bound what an event from the future can do only as far as those
// clocks are right.
func (c *Consumer) lookAtClock(r *kgo.Record) {
	const createTime = 0
	if r.Attrs.TimestampType() != createTime {
		return
	}
	c.mu.Lock()
	said := c.clocks[r.Topic]
	c.clocks[r.Topic] = true
	c.mu.Unlock()
	if !said {
		c.log.Warn("a topic's records carry their producers' own times: one whose clock is ahead makes late what others send to its partition",
			"topic", r.Topic, "mend", "set message.timestamp.type=LogAppendTime, or keep message.timestamp.after.max.ms small")
	}
}

// waiting remembers since when an owner holds an event, and says so when that
// gets long.
func (c *Consumer) waiting(o *owner, w windows.Waiting, held bool) {
	c.mu.Lock()
	since, was := c.waits[o.id]
	switch {
	case !held:
		delete(c.waits, o.id)
	case !was:
		since = time.Now()
		c.waits[o.id] = since
	}
	c.mu.Unlock()
	if held && time.Since(since) > 30*time.Second {
		c.limited.warn("held", "a partition waits for a shard to close what came before",
			"topic", o.topic.Name, "partition", o.partition, "shard", w.Shard, "must_close_through", w.Through.String(),
			"for", time.Since(since).Round(time.Second))
	}
}
