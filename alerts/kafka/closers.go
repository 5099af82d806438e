package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// Closers own this instance's share of the shards.
type Closers struct {
	options Options
	log     *slog.Logger
	client  *kgo.Client
	marks   *marks
	waiting waiting
	cache   *referenceCache
	// summaries are of windows that later ones are compared with.
	summaries *summaryCache

	mu     sync.Mutex
	shards map[int32]*running // guarded by mu

	ready  chan struct{} // closed when the group has been joined once
	joined sync.Once
}

// running is a shard's goroutine.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// New makes the closers. Call Run, once.
func New(options Options) (*Closers, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	c := &Closers{
		options: options, log: options.Log, shards: make(map[int32]*running),
		marks: newMarks(options.Store), cache: newReferenceCache(options.Store),
		summaries: newSummaryCache(options.Store),
		ready:     make(chan struct{}),
	}
	opts := append([]kgo.Opt{}, options.Client...)
	var err error
	c.client, err = kgo.NewClient(append(opts,
		kgo.ConsumerGroup(options.Group+"-closers"),
		kgo.ConsumeTopics(options.Topics.Progress),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(options.SessionTimeout),
		kgo.HeartbeatInterval(max(options.SessionTimeout/4, 100*time.Millisecond)),
		kgo.DisableAutoCommit(),
		// The group is an election: nothing is fetched through it.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
		kgo.OnPartitionsAssigned(c.assigned),
		kgo.OnPartitionsRevoked(c.revoked),
		kgo.OnPartitionsLost(c.revoked),
	)...)
	if err != nil {
		return nil, fmt.Errorf("making the closers' group client: %w", err)
	}
	c.client.PauseFetchTopics(options.Topics.Progress)
	return c, nil
}

// Ready is closed when the instance has joined the closers' group.
func (c *Closers) Ready() <-chan struct{} { return c.ready }

// Run owns shards until the context ends, then gives them back.
func (c *Closers) Run(ctx context.Context) {
	var group sync.WaitGroup
	marksContext, stop := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() { c.marks.follow(marksContext, c.log) })
	group.Go(func() { c.followWaiting(marksContext) })
	for ctx.Err() == nil {
		// Every topic is paused: polling only brings the group's errors.
		fetches := c.client.PollFetches(ctx)
		for _, err := range fetches.Errors() {
			if ctx.Err() == nil && !errors.Is(err.Err, context.Canceled) {
				c.log.Warn("the closers' group has a problem; it is tried again", "error", err.Err)
			}
		}
	}
	c.client.Close()
	c.revoked(ctx, nil, map[string][]int32{c.options.Topics.Progress: c.owned()})
	stop()
	group.Wait()
}

func (c *Closers) owned() []int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []int32
	for shard := range c.shards {
		all = append(all, shard)
	}
	return all
}

func (c *Closers) assigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	c.joined.Do(func() { close(c.ready) })
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, number := range assigned[c.options.Topics.Progress] {
		if c.shards[number] != nil {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		r := &running{cancel: cancel, done: make(chan struct{})}
		c.shards[number] = r
		go func() {
			defer close(r.done)
			c.runShard(ctx, int(number))
		}()
	}
}

// revoked ends shards. An open transaction is aborted; should that be cut off,
// the next owner's initialisation ends it.
func (c *Closers) revoked(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	c.mu.Lock()
	var ending []*running
	for _, number := range revoked[c.options.Topics.Progress] {
		if r := c.shards[number]; r != nil {
			ending = append(ending, r)
			delete(c.shards, number)
		}
	}
	c.mu.Unlock()
	for _, r := range ending {
		r.cancel()
	}
	for _, r := range ending {
		<-r.done
	}
}

// runShard owns one shard until the context ends. After any failure it begins
// again from what Kafka says: that is what makes an unknown outcome harmless.
func (c *Closers) runShard(ctx context.Context, number int) {
	log := c.log.With("shard", number)
	c.options.Metrics.upToDate(number, time.Now())
	defer c.options.Metrics.given(number)
	for backoff := 200 * time.Millisecond; ctx.Err() == nil; backoff = min(2*backoff, 5*time.Second) {
		started := time.Now()
		err := c.ownShard(ctx, number, log)
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > time.Minute || errors.Is(err, redisstore.ErrForgotten) {
			backoff = 200 * time.Millisecond // it was no failure of the shard's
		}
		log.Error("closing windows failed; beginning again from the shard's progress", "error", err)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
	}
}
