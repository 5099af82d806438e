package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxRecordBytes bounds what the producer sends in one batch. Topics that kolmo
// creates take as much.
const maxRecordBytes = 1_000_000

// newProducer makes the shard's transactional producer and initialises it,
// which fences every earlier one and ends its open transaction.
func (c *Closers) newProducer(ctx context.Context, shard int) (*kgo.Client, error) {
	opts := append([]kgo.Opt{}, c.options.Client...)
	client, err := kgo.NewClient(append(opts,
		kgo.TransactionalID(fmt.Sprintf("%s-shard-%d", c.options.Group, shard)),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(maxRecordBytes),
	)...)
	if err != nil {
		return nil, fmt.Errorf("making the producer of shard %d: %w", shard, err)
	}
	if _, _, err := client.ProducerID(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("initialising the transactional producer of shard %d: %w", shard, err)
	}
	return client, nil
}

// commit produces the records in one transaction. An error leaves open whether
// it took place: the caller must begin again from what Kafka says.
func (o *Options) commit(ctx context.Context, client *kgo.Client, records []*kgo.Record) error {
	// A record that is under way is not given up before its broker answers, not even
	// when the context ends: a shard that is taken away would wait for a broker that
	// is gone. Nothing but closing the client ends that, and the next owner's
	// initialisation ends the transaction.
	defer context.AfterFunc(ctx, client.Close)()
	if err := client.BeginTransaction(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	o.step(StepBeforeProduce)
	produced := client.ProduceSync(ctx, records...).FirstErr()
	if produced != nil {
		// What is buffered must be gone before the transaction can end.
		_ = client.AbortBufferedRecords(context.WithoutCancel(ctx))
		_ = client.EndTransaction(ctx, kgo.TryAbort)
		return fmt.Errorf("producing %d records: %w", len(records), produced)
	}
	o.step(StepAfterProduce)
	o.step(StepBeforeEnd)
	if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("committing a transaction of %d records: %w", len(records), err)
	}
	o.step(StepAfterEnd)
	return nil
}
