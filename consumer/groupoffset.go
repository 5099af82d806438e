package consumer

import (
	"cmp"
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The group is told how far checkpoints have come, for tools that measure lag.
// kolmo never reads it.

// committed notes a checkpoint's offset for the group.
func (c *Consumer) committed(o *owner, offset int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byPartition := c.uncommitted[o.topic.Name]
	if byPartition == nil {
		byPartition = make(map[int32]kgo.EpochOffset)
		c.uncommitted[o.topic.Name] = byPartition
	}
	byPartition[o.partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
}

// commitOffsets tells the group until the context ends.
func (c *Consumer) commitOffsets(ctx context.Context) {
	every := cmp.Or(c.options.CommitEvery, 5*time.Second)
	if every < 0 {
		return
	}
	tick := time.NewTicker(every)
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

// flushCommits tells the group what it does not know. What cannot be told waits
// for the next time, unless a later checkpoint has taken its place: a partition
// that nothing more comes to would lag for ever.
func (c *Consumer) flushCommits(ctx context.Context) {
	c.mu.Lock()
	commits, client := c.uncommitted, c.client
	c.uncommitted = make(map[string]map[int32]kgo.EpochOffset)
	c.mu.Unlock()
	if len(commits) == 0 || c.options.CommitEvery < 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	failed := func(topic string, partition int32) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if _, newer := c.uncommitted[topic][partition]; newer {
			return
		}
		if c.uncommitted[topic] == nil {
			c.uncommitted[topic] = make(map[int32]kgo.EpochOffset)
		}
		c.uncommitted[topic][partition] = commits[topic][partition]
	}
	client.CommitOffsetsSync(ctx, commits, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			for topic, partitions := range commits {
				for partition := range partitions {
					failed(topic, partition)
				}
			}
			return
		}
		for _, t := range response.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 {
					failed(t.Topic, p.Partition)
				}
			}
		}
	})
}

// forgetCommits drops what would be told of partitions that another instance owns
// by now, and may have told better.
func (c *Consumer) forgetCommits(partitions map[string][]int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic, numbers := range partitions {
		for _, partition := range numbers {
			delete(c.uncommitted[topic], partition)
		}
	}
}
