package consumer

import (
	"errors"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// moved reports whether there is anything that the last checkpoint does not
// hold.
func (o *owner) moved() bool {
	return o.state.NextOffset() != o.checkpointed || o.state.Watermark() != o.published || o.state.HasDropped()
}

// checkpoint makes the state and its offset safe, in one step. It blocks until
// that has worked or the partition is no longer ours. Refused means that
// somebody else has claimed the partition, or that Redis has lost it: the state
// is dropped, and the consumer claims the partition again if it is still
// assigned.
func (o *owner) checkpoint() bool {
	start := time.Now()
	if err := o.letters.wait(o.ctx); err != nil {
		return false
	}
	o.state.Forget(o.consumer.options.Rewind.From(slices.Min(o.through)))
	snapshot := o.state.Snapshot()
	waiting, held := o.state.Holding()
	mark := redisstore.MarkFields{
		Idle: o.idle.is(), Held: held, HeldShard: waiting.Shard, HeldThrough: waiting.Through,
	}
	for backoff := 50 * time.Millisecond; ; backoff = min(2*backoff, 2*time.Second) {
		written, err := o.claim.Commit(o.ctx, snapshot, mark)
		if err == nil {
			o.state.Checkpointed(snapshot)
			o.lastCheckpoint, o.checkpointed = time.Now(), snapshot.NextOffset
			o.markIdle, o.published = mark.Idle, snapshot.Watermark
			o.written.Store(&stand{o.claim.Sequence(), snapshot.NextOffset, snapshot.Watermark})
			o.consumer.options.Metrics.checkpointed(time.Since(start), written.Bytes)
			o.consumer.options.Metrics.committed(o.topic.Name, &o.counted)
			o.tellExceeded()
			o.consumer.committed(o, snapshot.NextOffset)
			if o.failing {
				o.log.Info("checkpoints work again")
				o.failing = false
			}
			return true
		}
		switch {
		case errors.Is(err, redisstore.ErrFenced):
			o.consumer.options.Metrics.wasFenced()
			o.log.Warn("a checkpoint was refused: somebody else has claimed the partition, or Redis has lost its state; dropping what is in memory", "epoch", o.claim.Epoch())
			o.cancel()
			o.consumer.reclaim(o)
			return false
		case o.ctx.Err() != nil:
			return false
		}
		if !o.failing {
			o.log.Error("a checkpoint could not be written: the partition stands still and tries again", "error", err)
			o.failing = true
		}
		select {
		case <-time.After(backoff):
		case <-o.ctx.Done():
			return false
		}
	}
}

// release ends the ownership in good order.
func (o *owner) release() {
	if !o.checkpoint() {
		return
	}
	if err := o.claim.Release(o.ctx); err != nil {
		o.log.Warn("a partition could not be released; its next owner claims it all the same", "error", err)
	}
}
