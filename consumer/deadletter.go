package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// DeadLetterMaxBytes is what the dead-letter topic is created to take.
const DeadLetterMaxBytes = 16 << 20

// truncatedBytes is how much of a record is sent when the whole is refused:
// below Kafka's default limit of one megabyte, headers included.
const truncatedBytes = 900 << 10

// deadLetters sends rejected records to their topic. One serves all owners of
// an instance.
type deadLetters struct {
	client  *kgo.Client
	topic   string
	metrics *Metrics
	log     *slog.Logger
	limited *limitedLog // of rejections, by reason
}

// newDeadLetters makes the producer. It is idempotent, not transactional: a
// record whose checkpoint is lost is sent again, which its key tells.
func newDeadLetters(o *Options) (*deadLetters, error) {
	opts := append([]kgo.Opt{}, o.Client...)
	client, err := kgo.NewClient(append(opts,
		kgo.ProducerBatchMaxBytes(DeadLetterMaxBytes),
		kgo.MaxBufferedBytes(4*DeadLetterMaxBytes),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
	)...)
	if err != nil {
		return nil, fmt.Errorf("making the producer of dead letters: %w", err)
	}
	return &deadLetters{
		client: client, topic: o.DeadLetters, metrics: o.Metrics, log: o.Log, limited: newLimitedLog(o.Log),
	}, nil
}

// outstanding counts the letters of one owner that no broker has acknowledged.
type outstanding struct {
	mu    sync.Mutex
	count int           // guarded by mu
	done  chan struct{} // closed when count falls to zero; guarded by mu
}

func (o *outstanding) add() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == 0 {
		o.done = make(chan struct{})
	}
	o.count++
}

func (o *outstanding) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count--; o.count == 0 {
		close(o.done)
	}
}

// wait returns when every letter is acknowledged.
func (o *outstanding) wait(ctx context.Context) error {
	o.mu.Lock()
	done, count := o.done, o.count
	o.mu.Unlock()
	if count == 0 {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for %d dead letters to be acknowledged: %w", count, context.Cause(ctx))
	}
}

// send hands a record over, its bytes unchanged. It may block when the broker
// is so far behind that its buffer is full. It is tried until the context ends,
// so that outstanding is left at zero only by acknowledgement.
func (d *deadLetters) send(ctx context.Context, out *outstanding, r *kgo.Record, rejection *event.Rejection) {
	d.metrics.deadLettered(r.Topic, string(rejection.Reason))
	d.limited.warn(string(rejection.Reason), "record rejected", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset,
		"reason", string(rejection.Reason), "detail", rejection.Detail)
	letter := &kgo.Record{
		Topic: d.topic,
		Key:   fmt.Appendf(nil, "%s/%d/%d", r.Topic, r.Partition, r.Offset),
		// The bytes belong to a buffer of the consumer's, which is used again.
		Value: append([]byte{}, r.Value...),
		Headers: []kgo.RecordHeader{
			{Key: "kolmo-reason", Value: []byte(rejection.Reason)},
			{Key: "kolmo-detail", Value: []byte(rejection.Detail)},
			{Key: "kolmo-topic", Value: []byte(r.Topic)},
			{Key: "kolmo-partition", Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
			{Key: "kolmo-offset", Value: strconv.AppendInt(nil, r.Offset, 10)},
		},
	}
	if r.Value == nil {
		letter.Value = nil // a tombstone stays one
	}
	out.add()
	d.produce(ctx, out, letter)
}

func (d *deadLetters) produce(ctx context.Context, out *outstanding, letter *kgo.Record) {
	d.client.Produce(ctx, letter, func(sent *kgo.Record, err error) {
		switch {
		case err == nil:
			out.finish()
		case errors.Is(err, kerr.MessageTooLarge) && len(sent.Value) > truncatedBytes:
			d.log.Warn("the dead-letter topic refused a record for its size: a prefix is sent",
				"key", string(sent.Key), "bytes", len(sent.Value), "mend", "raise the topic's max.message.bytes to 16777216")
			short := &kgo.Record{Topic: sent.Topic, Key: sent.Key, Value: sent.Value[:truncatedBytes],
				Headers: append(sent.Headers, kgo.RecordHeader{Key: "kolmo-truncated", Value: strconv.AppendInt(nil, int64(len(sent.Value)), 10)})}
			go d.produce(ctx, out, short)
		case ctx.Err() != nil || errors.Is(err, kgo.ErrClientClosed):
			// Not acknowledged: the owner's checkpoint will not pass it.
		default:
			d.log.Error("a dead letter could not be sent, and is tried again; no checkpoint passes it until then",
				"key", string(sent.Key), "topic", d.topic, "error", err)
			again := &kgo.Record{Topic: sent.Topic, Key: sent.Key, Value: sent.Value, Headers: sent.Headers}
			go func() {
				select {
				case <-time.After(time.Second):
					d.produce(ctx, out, again)
				case <-ctx.Done():
				}
			}()
		}
	})
}

func (d *deadLetters) close() { d.client.Close() }
