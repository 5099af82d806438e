package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
)

// Decided reads what every shard last committed of itself: the decisions that
// the partitions' owners must follow. A shard's own record is the last of each
// of its transactions, so that only the end of each partition of the progress
// topic is read.
func Decided(ctx context.Context, opts []kgo.Opt, topic string, shards int) (*windows.Decided, error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making the reader of topic %q: %w", topic, err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	// The last stable offsets: what is behind them may yet be aborted.
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("asking where topic %q ends: %w", topic, err)
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("asking where topic %q begins: %w", topic, err)
	}
	records := make([]*alerts.ShardProgress, shards)
	left := make(map[int32]stretch)
	for shard := range int32(shards) {
		start, _ := starts.Lookup(topic, shard)
		end, found := ends.Lookup(topic, shard)
		if !found {
			return nil, fmt.Errorf("topic %q has no partition %d: the number of shards cannot change; restore it", topic, shard)
		}
		if end.Offset > start.Offset {
			left[shard] = stretch{start: start.Offset, from: end.Offset, end: end.Offset}
		}
	}
	for back := int64(8); len(left) > 0; back *= 16 {
		for shard, s := range left {
			s.from = max(s.start, s.end-back)
			left[shard] = s
		}
		if err := readShards(ctx, opts, topic, left, records); err != nil {
			return nil, fmt.Errorf("reading what the shards have decided: %w", err)
		}
		for shard, s := range left {
			if records[shard] != nil || s.from == s.start {
				delete(left, shard)
			}
		}
	}
	return decidedBy(records)
}

// A stretch of a shard's progress, of a partition that begins at start.
type stretch struct{ start, from, end int64 }

// readShards reads a stretch of each shard's progress, and keeps the last record
// about the shard itself.
func readShards(ctx context.Context, opts []kgo.Opt, topic string, stretches map[int32]stretch, records []*alerts.ShardProgress) error {
	offsets := make(map[int32]kgo.Offset)
	unread := make(map[int32]bool)
	for shard, s := range stretches {
		offsets[shard], unread[shard] = kgo.NewOffset().At(s.from), true
	}
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, opts...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // a transaction's marker may be the last there is
		kgo.MaxConcurrentFetches(1),
	)...)
	if err != nil {
		return fmt.Errorf("making the reader of topic %q: %w", topic, err)
	}
	defer client.Close()
	for len(unread) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, e := range fetches.Errors() {
			return fmt.Errorf("reading topic %q, partition %d: %w", topic, e.Partition, e.Err)
		}
		var failed error
		fetches.EachRecord(func(r *kgo.Record) {
			end := stretches[r.Partition].end
			if r.Offset+1 >= end {
				delete(unread, r.Partition)
			}
			if r.Offset < end && !r.Attrs.IsControl() && string(r.Key) == shardKey {
				record, err := alerts.DecodeShardProgress(r.Value)
				if err != nil {
					failed = fmt.Errorf("record %d of topic %q, partition %d: %w", r.Offset, topic, r.Partition, err)
				}
				records[r.Partition] = record
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// decidedBy puts together what the shards say; nil stands for one that has said
// nothing.
func decidedBy(records []*alerts.ShardProgress) (*windows.Decided, error) {
	all := &windows.Decided{
		Shards: len(records), Through: windows.Forever, Furthest: windows.Unset,
		Partitions: make(map[windows.PartitionID]windows.Membership),
	}
	for shard, record := range records {
		if record == nil {
			all.Through = windows.Unset
			continue
		}
		if shard == 0 {
			all.Numbering = record.Numbering
		} else if all.Numbering != record.Numbering {
			all.Numbering = ""
		}
		all.Through, all.Furthest = min(all.Through, record.Through), max(all.Furthest, record.Through)
		if record.Reread != nil {
			all.Through = min(all.Through, *record.Reread)
		}
		for text, p := range record.Partitions {
			id, err := parsePartition(text)
			if err != nil {
				return nil, fmt.Errorf("reading the progress of shard %d: %w", shard, err)
			}
			m := all.Partitions[id]
			if !p.Ended {
				m.Waiting++
			}
			switch {
			case p.Begun && m.Begun:
				m.Decisions = m.Decisions.Union(p.Decisions())
			case p.Begun:
				m.Begun, m.Decisions = true, p.Decisions()
			}
			all.Partitions[id] = m
		}
	}
	return all, nil
}

// parsePartition reads what windows.PartitionID.String wrote.
func parsePartition(text string) (windows.PartitionID, error) {
	topic, number, _ := strings.Cut(text, "/")
	id, err := windows.ParseTopicID(topic)
	if err != nil {
		return windows.PartitionID{}, err
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return windows.PartitionID{}, fmt.Errorf("%q is not the number of a partition: %w", number, err)
	}
	return windows.PartitionID{Topic: id, Partition: int32(n)}, nil
}
