package consumer

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// maxBatchBytes is what one batch of records may unpack to. Kafka's own limit is on
// the packed batch, a megabyte by default, and a few kilobytes of zeros unpack to
// gigabytes.
const maxBatchBytes = 16 << 20

// batchBytes is maxBatchBytes, or what a record of the largest size needs.
func batchBytes(l event.Limits) int { return max(maxBatchBytes, 2*l.WithDefaults().MaxBytes) }

// refusedBatch is the key under which a record that stands for a batch carries why
// the batch was refused.
type refusedBatch struct{}

// refuse deals with a batch that unpacks to more than maxBatchBytes. The client has
// stopped fetching the partition: it goes on behind the batch, and the owner gets
// one record in its place, which says so to the dead letters. Only the poll loop
// calls it, after it has handed over what came before the batch.
func (c *Consumer) refuse(e *kgo.ErrDecompressTooLarge) {
	o := c.owner(e.Topic, e.Partition)
	if o == nil {
		return // it is fetched from where its next owner begins
	}
	o.offer([]*kgo.Record{{
		Topic: e.Topic, Partition: e.Partition, Offset: e.Offset,
		Context: context.WithValue(context.Background(), refusedBatch{}, e),
	}})
	c.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{e.Topic: {e.Partition: {Epoch: e.Epoch, Offset: e.NextOffset}}})
}

// takeRefused sends a dead letter for a whole batch, whose bytes nobody has seen,
// and passes it. It is false for a record that is one.
func (o *owner) takeRefused(r *kgo.Record) bool {
	if r.Context == nil {
		return false
	}
	refused, ok := r.Context.Value(refusedBatch{}).(*kgo.ErrDecompressTooLarge)
	if !ok {
		return false
	}
	last := refused.NextOffset - 1
	o.consumer.letters.send(o.ctx, &o.letters, r, &event.Rejection{
		Reason: event.ReasonBatchTooLarge,
		Detail: fmt.Sprintf("the batch of the records %d to %d unpacks to more than %d bytes: all of it is passed over", refused.Offset, last, batchBytes(o.consumer.options.Event)),
	})
	o.counted.rejected += uint64(max(refused.NextOffset-refused.Offset, 1))
	o.state.Skip(last)
	return true
}
