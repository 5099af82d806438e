//go:build unix

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// discoveryLimit is recoveryLimit where kolmo must first hear of other partitions.
const discoveryLimit = time.Minute

func logFaults() []fault {
	return []fault{recordsDeleted(), partitionsAdded(), topicRecreated()}
}

// checkpoints are where kolmo stands in each partition, by what it has told Redis.
func (b *bench) checkpoints(ctx context.Context, places []place) (map[place]redisstore.Mark, error) {
	store, err := redisstore.Open(ctx, b.stack.client, "faults", nil, redisstore.WithShards(shards))
	if err != nil {
		return nil, fmt.Errorf("opening Redis: %w", err)
	}
	ids := make([]windows.PartitionID, len(places))
	for i, p := range places {
		ids[i] = windows.PartitionID{Topic: p.topic, Partition: p.partition}
	}
	marks, err := store.Marks(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("reading the marks: %w", err)
	}
	all := make(map[place]redisstore.Mark, len(places))
	for i, p := range places {
		all[p] = marks[i]
	}
	return all, nil
}

// recordsDeleted deletes records that kolmo has not read, while it does not run, or
// while it is paused and goes on where it was.
func recordsDeleted() fault {
	return fault{
		name: "records-deleted", what: "DeleteRecords past the checkpoint, kolmo stopped or paused", limit: replayLimit,
		inject: func(ctx context.Context, b *bench, n int) error {
			seats := b.fleet.all()
			stopped := n%2 == 0
			for _, s := range seats {
				if !stopped {
					s.signal(syscall.SIGSTOP)
				} else if err := s.stop(); err != nil {
					return err
				}
			}
			err := b.deleteUnread(ctx)
			for _, s := range seats {
				if stopped {
					s.run()
				} else {
					s.signal(syscall.SIGCONT)
				}
			}
			return err
		},
	}
}

// deleteUnread lets the load get ahead, and deletes what one partition has beyond its
// checkpoint, but for the last second or so.
func (b *bench) deleteUnread(ctx context.Context) error {
	places := b.load.places()
	p := places[b.random.IntN(len(places))]
	marks, err := b.checkpoints(ctx, []place{p})
	if err != nil {
		return err
	}
	if err := pause(ctx, time.Duration(1000+b.random.IntN(1500))*time.Millisecond); err != nil {
		return err
	}
	checkpoint, end := marks[p].NextOffset, b.load.end(p)
	if end <= checkpoint+2 {
		return fmt.Errorf("partition %s has got from %d to %d only", p, checkpoint, end)
	}
	start := checkpoint + 1 + b.random.Int64N(end-checkpoint-1)
	b.load.deleted(p, start)
	var offsets kadm.Offsets
	offsets.AddOffset(p.name, p.partition, start, -1)
	responses, err := kadm.NewClient(b.load.client).DeleteRecords(ctx, offsets)
	if err == nil {
		err = responses.Error()
	}
	if err != nil {
		return fmt.Errorf("deleting the records of %s before %d: %w", p, start, err)
	}
	return nil
}

// partitionsAdded adds a partition to an input.
func partitionsAdded() fault {
	sizes := map[string]int32{predictions: predictionsPartitions, features: featuresPartitions}
	return fault{
		name: "partitions-added", what: "partitions added to an input", limit: discoveryLimit,
		inject: func(ctx context.Context, b *bench, _ int) error {
			topic := []string{predictions, features}[b.random.IntN(2)]
			sizes[topic]++
			admin := kadm.NewClient(b.load.client)
			responses, err := admin.UpdatePartitions(ctx, int(sizes[topic]), topic)
			if err == nil {
				err = responses.Error()
			}
			if err != nil {
				return fmt.Errorf("adding a partition to %s: %w", topic, err)
			}
			return b.feedFresh(ctx, topic, sizes[topic])
		},
	}
}

// feedFresh has the new partitions of a topic fed: at once, or when kolmo has begun
// them. What comes before may be late, by a watermark that kolmo decides once.
func (b *bench) feedFresh(ctx context.Context, topic string, partitions int32) error {
	fresh, err := b.load.meet(ctx, topic, partitions)
	if err != nil {
		return err
	}
	if b.random.IntN(2) == 0 {
		err = until(ctx, discoveryLimit, 100*time.Millisecond, func() (bool, error) {
			marks, err := b.checkpoints(ctx, fresh)
			for _, m := range marks {
				if !m.Found {
					return false, err
				}
			}
			return true, err
		})
	}
	if err != nil {
		return fmt.Errorf("waiting for kolmo to begin %v: %w", fresh, err)
	}
	for _, p := range fresh {
		b.load.change(p, func(t *target) { t.silent = false })
	}
	return nil
}

// topicRecreated deletes an input topic that kolmo has read to its end, and creates
// it again.
func topicRecreated() fault {
	return fault{
		name: "topic-recreated", what: "an input topic deleted and created again", limit: discoveryLimit,
		inject: func(ctx context.Context, b *bench, _ int) error {
			topic, partitions := predictions, int32(predictionsPartitions)
			if b.random.IntN(2) == 0 {
				topic, partitions = features, featuresPartitions
			}
			ended := b.load.dropTopic(topic)
			if err := b.load.flush(ctx); err != nil {
				return err
			}
			err := until(ctx, recoveryLimit, 50*time.Millisecond, func() (bool, error) {
				marks, err := b.checkpoints(ctx, ended)
				for p, m := range marks {
					if m.NextOffset < b.load.end(p) {
						return false, err
					}
				}
				return true, err
			})
			if err != nil {
				return fmt.Errorf("waiting for topic %s to be read to its end: %w", topic, err)
			}
			admin := kadm.NewClient(b.load.client)
			if _, err := admin.DeleteTopic(ctx, topic); err != nil {
				return fmt.Errorf("deleting topic %s: %w", topic, err)
			}
			if err := pause(ctx, time.Duration(b.random.IntN(3000))*time.Millisecond); err != nil {
				return err
			}
			err = until(ctx, recoveryLimit, 100*time.Millisecond, func() (bool, error) {
				_, err := admin.CreateTopic(ctx, partitions, 1, nil, topic)
				return err == nil, err
			})
			if err != nil {
				return fmt.Errorf("creating topic %s again: %w", topic, err)
			}
			b.load.client.PurgeTopicsFromClient(topic) // it would produce to the former one
			return b.feedFresh(ctx, topic, partitions)
		},
	}
}
