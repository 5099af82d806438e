package consumer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// queueLength is how many batches may wait for an owner. One poll brings at
// most one batch a partition, and a partition with pauseAt waiting is paused, so
// the queue never fills.
const (
	queueLength = 8
	pauseAt     = 2
)

// reviewEvery is how often an owner looks at what time alone changes: a
// checkpoint that is due, shards that have closed, idleness.
const reviewEvery = 100 * time.Millisecond

// An owner is the goroutine that owns one partition's state. Everything below
// "owned" belongs to it alone.
type owner struct {
	consumer  *Consumer
	topic     Topic
	id        windows.PartitionID
	partition int32
	log       *slog.Logger

	queue  chan []*kgo.Record // never blocks its only sender, the poll loop
	finish chan struct{}      // closed by stop to say: checkpoint, release and end
	stop   func()             // may be called again
	ctx    context.Context    // ends to say: write nothing more, end
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	mu     sync.Mutex
	paused bool // the client is told to fetch nothing of the partition; guarded by mu

	idle idleness // has a lock of its own
	// written is what the last checkpoint told everyone. suspect: Redis was seen to
	// hold something else, or nothing.
	written atomic.Pointer[stand]
	suspect atomic.Bool

	// owned
	claim          *redisstore.Claim
	state          *windows.Partition
	decoder        *event.Decoder
	event          event.Event
	observation    windows.Observation
	batch          []*kgo.Record // what is left of the batch in hand
	letters        outstanding
	counted        pending
	through        []windows.Timestamp
	closedChanged  <-chan struct{}
	lastCheckpoint time.Time
	lastAccepted   time.Time
	checkpointed   int64 // offset of the last checkpoint
	markIdle       bool  // what the last checkpoint told the others
	published      windows.Timestamp
	failing        bool
	clockSeen      bool // whose clock the records' times are of was looked at
}

// run owns the partition until it is revoked or lost.
func (o *owner) run() {
	defer close(o.done)
	defer o.state.Release()
	review := time.NewTicker(reviewEvery)
	defer review.Stop()
	for {
		queue := o.queue
		if len(o.batch) > 0 {
			queue = nil // one batch at a time: what is in hand waits
		}
		select {
		case <-o.ctx.Done():
			return
		case <-o.finish:
			o.release()
			return
		case o.batch = <-queue:
			o.process()
		case <-o.closedChanged:
			o.takeClosed()
			o.process()
		case <-review.C:
			o.review()
		}
	}
}

// offer hands a batch over. Only the poll loop calls it.
func (o *owner) offer(records []*kgo.Record) {
	o.idle.fetched()
	o.queue <- records
	if len(o.queue) >= pauseAt {
		o.mu.Lock()
		o.paused = true
		o.consumer.client.PauseFetchPartitions(map[string][]int32{o.topic.Name: {o.partition}})
		o.mu.Unlock()
	}
}

// resume has the partition fetched again once the owner has caught up.
func (o *owner) resume() {
	if len(o.queue) > 0 || len(o.batch) > 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.paused {
		o.paused = false
		o.consumer.client.ResumeFetchPartitions(map[string][]int32{o.topic.Name: {o.partition}})
	}
}

// process works through the batch in hand until it is done or an event is
// held.
func (o *owner) process() {
	for len(o.batch) > 0 {
		if o.ctx.Err() != nil || o.finishing() {
			return
		}
		if !o.take(o.batch[0]) {
			// Others wait for this partition's watermark as it waits for theirs.
			if o.state.Watermark() != o.published {
				o.checkpoint()
			}
			return
		}
		o.batch[0] = nil
		o.batch = o.batch[1:]
		if o.state.CloseDue() && time.Since(o.lastCheckpoint) >= reviewEvery {
			o.checkpoint()
		} else if len(o.batch)%256 == 0 && time.Since(o.lastCheckpoint) >= o.consumer.options.CheckpointEvery {
			o.checkpoint()
		}
	}
	o.resume()
}

func (o *owner) finishing() bool {
	select {
	case <-o.finish:
		return true
	default:
		return false
	}
}

// take gives one record to the state. It is false when the event is held.
func (o *owner) take(r *kgo.Record) bool {
	if r.Attrs.IsControl() {
		o.state.Skip(r.Offset)
		return true
	}
	if o.takeRefused(r) {
		return true
	}
	if err := o.decoder.Decode(o.topic.Role, r.Value, &o.event); err != nil {
		o.reject(r, err)
		return true
	}
	if !o.clockSeen {
		o.clockSeen = true
		o.consumer.lookAtClock(r)
	}
	recordTime := windows.TimestampOf(r.Timestamp)
	e, obs := &o.event, &o.observation
	*obs = windows.Observation{
		Offset: r.Offset, RecordTime: recordTime, Time: recordTime,
		Model: e.Model, Version: e.Version,
		HasFeatures: e.HasFeatures, Features: e.Features,
		IsPrediction: o.topic.Role == event.Predictions, Prediction: e.Prediction,
		Status: e.Status, HasLatency: e.HasLatency, Latency: e.LatencyMillis,
	}
	if e.HasTime {
		obs.Time = windows.Timestamp(e.Time)
	}
	switch o.state.Offer(obs) {
	case windows.Held:
		return false
	case windows.Accepted:
		o.counted.accepted++
		o.lastAccepted = time.Now()
		if obs.IsPrediction {
			model, version := o.state.CountedAs()
			o.counted.request(model, version, e.Status, e.LatencyMillis/1000, e.HasLatency)
		}
	case windows.Late:
		model, _ := o.state.CountedAs()
		o.counted.late++
		o.counted.lateByModel[model]++
	case windows.OverLimit:
		o.counted.overLimit++
	case windows.TooFarAhead:
		o.reject(r, &event.Rejection{
			Reason: event.ReasonTooFarAhead,
			Detail: "the event's time is " + obs.Time.String() + ", its record's " + recordTime.String(),
		})
	}
	return true
}

func (o *owner) reject(r *kgo.Record, err error) {
	var rejection *event.Rejection
	if !errors.As(err, &rejection) {
		rejection = &event.Rejection{Reason: event.ReasonInvalidJSON, Detail: err.Error()}
	}
	o.consumer.letters.send(o.ctx, &o.letters, r, rejection)
	o.counted.rejected++
	o.state.Skip(r.Offset)
}

// takeClosed tells the state what the shards have closed.
func (o *owner) takeClosed() {
	o.closedChanged = o.consumer.closed.through(o.through)
	for shard, through := range o.through {
		o.state.ClosedThrough(shard, through)
	}
}

// review does what time alone asks for.
func (o *owner) review() {
	o.process() // a grid that could not be read may be there now
	if o.suspect.Swap(false) {
		o.log.Warn("Redis holds less of the partition than was written: a checkpoint will tell")
		o.checkpoint()
	}
	o.reviewIdleness()
	since := time.Since(o.lastCheckpoint)
	waiting, held := o.state.Holding()
	switch {
	case o.state.CloseDue(), held && o.state.Watermark() != o.published:
		o.checkpoint()
	case since >= o.consumer.options.CheckpointEvery && o.moved():
		o.checkpoint()
	}
	o.consumer.waiting(o, waiting, held)
	lag := time.Duration(0)
	known := o.state.Watermark() != windows.Unset
	if known {
		lag = time.Since(o.state.Watermark().Time())
	}
	o.consumer.options.Metrics.position(o.topic.Name, o.partition, lag, known, held, o.idle.confirmed(o.consumer.options.IdleAfter, time.Now()))
}

// A stand tells one checkpoint from another. A sequence alone does not: it begins
// anew when Redis is emptied, and Redis may then fall back to before.
type stand struct {
	sequence, offset int64
	watermark        windows.Timestamp
}
