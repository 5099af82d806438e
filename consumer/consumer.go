package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/windows"
)

// A Consumer is one instance's share of the input.
type Consumer struct {
	options Options
	log     *slog.Logger
	limited *limitedLog
	client  *kgo.Client
	letters *deadLetters
	closed  *closed
	marks   *marks
	topics  map[string]Topic
	inputs  *Inputs

	mu     sync.Mutex
	owners map[windows.PartitionID]*owner // guarded by mu
	// commits are the offsets of checkpoints that the group does not know yet,
	// for lag tools alone. Guarded by mu.
	commits map[string]map[int32]kgo.EpochOffset
	waits   map[windows.PartitionID]time.Time // since when an owner holds; guarded by mu

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
		topics: make(map[string]Topic), owners: make(map[windows.PartitionID]*owner),
		commits: make(map[string]map[int32]kgo.EpochOffset), waits: make(map[windows.PartitionID]time.Time),
		reclaims: make(chan *owner, 1024), wake: make(chan struct{}, 1), ready: make(chan struct{}),
	}
	names := make([]string, 0, len(options.Topics))
	for _, t := range options.Topics {
		c.topics[t.Name] = t
		names = append(names, t.Name)
	}
	var err error
	if c.letters, err = newDeadLetters(&options); err != nil {
		return nil, err
	}
	opts := append([]kgo.Opt{}, options.Client...)
	c.client, err = kgo.NewClient(append(opts,
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
		kgo.MaxDecompressBatchBytes(64<<20),
		kgo.MetadataMaxAge(30*time.Second),
		kgo.WithHooks(options.Hooks...),
	)...)
	if err != nil {
		c.letters.close()
		return nil, fmt.Errorf("making the consumer of group %q: %w", options.Group, err)
	}
	c.closed = newClosed(options.Store, inputs.Progress, inputs.Shards, options.Model, c.log)
	c.marks = &marks{store: options.Store}
	c.marks.set(inputs.Partitions())
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
	for _, task := range []func(context.Context){c.closed.follow, c.watchIdleness, c.commitOffsets} {
		group.Go(func() { task(background) })
	}
	c.poll(ctx)
	// The owners still need the dead letters and the marks to come to an end.
	closing := time.AfterFunc(10*time.Second, func() {
		for _, o := range c.owned() {
			o.cancel()
		}
	})
	c.flushCommits(background)
	c.client.CloseAllowingRebalance()
	for _, o := range c.owned() { // should the group have been left without a callback
		close(o.finish)
		<-o.done
		o.cancel()
	}
	closing.Stop()
	stop()
	group.Wait()
	c.letters.close()
}

// poll hands what comes to the owners. Rebalances wait while it does, so that
// no record of an earlier ownership reaches a later owner.
func (c *Consumer) poll(ctx context.Context) {
	const mostRecords = 10_000
	for {
		pollContext, cancel := context.WithCancel(ctx)
		stop := make(chan struct{})
		go func() { // a reclaim must not wait for records
			select {
			case <-c.wake:
				cancel()
			case <-stop:
			}
		}()
		fetches := c.client.PollRecords(pollContext, mostRecords)
		close(stop)
		cancel()
		if ctx.Err() != nil || fetches.IsClientClosed() {
			c.client.AllowRebalance()
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			switch {
			case errors.Is(err, context.Canceled):
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
		c.takeReclaims(ctx)
		c.client.AllowRebalance()
	}
}

func (c *Consumer) owner(topic string, partition int32) *owner {
	id, ok := c.inputs.ID(topic)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owners[windows.PartitionID{Topic: id, Partition: partition}]
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

// overLimit says that an event was left out because of a limit.
func (c *Consumer) overLimit(o *owner, r *kgo.Record) {
	c.limited.warn("limit "+o.topic.Name, "an event is beyond the limit of model versions, or of events in a slice, and counts for nothing",
		"topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "limit", c.options.Limits.Models)
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
			"for", time.Since(since).Round(time.Second), "slowest_partition", c.inputs.Name(c.marks.slowest()))
	}
}

// committed notes a checkpoint's offset for the group.
func (c *Consumer) committed(o *owner, offset int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byPartition := c.commits[o.topic.Name]
	if byPartition == nil {
		byPartition = make(map[int32]kgo.EpochOffset)
		c.commits[o.topic.Name] = byPartition
	}
	byPartition[o.partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
}

// commitOffsets commits to the group what checkpoints hold, for lag tools
// alone: kolmo never reads it.
func (c *Consumer) commitOffsets(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.flushCommits(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (c *Consumer) flushCommits(ctx context.Context) {
	c.mu.Lock()
	commits := c.commits
	c.commits = make(map[string]map[int32]kgo.EpochOffset)
	c.mu.Unlock()
	if len(commits) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	c.client.CommitOffsetsSync(ctx, commits, nil)
}
