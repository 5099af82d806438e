package kafka

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// restore reads the shard's progress and references to their end. The end is
// told by a record that this owner has just committed: whoever owned the shard
// before was fenced by then, so everything it committed stands before it.
func (s *shard) restore(ctx context.Context) error {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	claim := []byte(hex.EncodeToString(nonce))
	records := []*kgo.Record{
		s.progressRecord([]byte(claimKey), claim),
		s.referenceRecord([]byte(claimKey), claim, nil),
	}
	if err := s.options.commit(ctx, s.producer, records); err != nil {
		return fmt.Errorf("claiming shard %d: %w", s.number, err)
	}
	s.generation = records[0].Offset
	s.own = alerts.ShardProgress{Through: windows.Unset}
	s.token = string(claim)
	if err := s.options.Store.BeginThrough(ctx, s.options.Progress, s.number, s.token); err != nil {
		return err
	}

	opts := append([]kgo.Opt{}, s.options.Client...)
	client, err := kgo.NewClient(append(opts,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
			s.options.Topics.Progress:   {int32(s.number): kgo.NewOffset().AtStart()},
			s.options.Topics.References: {int32(s.number): kgo.NewOffset().AtStart()},
		}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(8<<20),
		kgo.MaxConcurrentFetches(1),
	)...)
	if err != nil {
		return fmt.Errorf("making the reader of shard %d: %w", s.number, err)
	}
	s.tail = &tail{client: client, topic: s.options.Topics.References}
	if err := s.readBack(ctx, client, claim); err != nil {
		s.tail.close()
		return err
	}
	client.PauseFetchTopics(s.options.Topics.Progress)
	s.tail.start()
	return nil
}

// readBack reads both partitions up to the claim.
func (s *shard) readBack(ctx context.Context, client *kgo.Client, claim []byte) error {
	back := restoring{shard: s, drafts: make(map[alerts.Version]map[int][]byte)}
	left := map[string]bool{s.options.Topics.Progress: true, s.options.Topics.References: true}
	// The progress first: it says which summaries are still needed.
	client.PauseFetchTopics(s.options.Topics.References)
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, err := range fetches.Errors() {
			return fmt.Errorf("reading topic %q of shard %d: %w", err.Topic, s.number, err.Err)
		}
		var failed error
		fetches.EachRecord(func(r *kgo.Record) {
			switch {
			case failed != nil:
			case string(r.Key) == claimKey:
				if string(r.Value) == string(claim) {
					delete(left, r.Topic)
					if r.Topic == s.options.Topics.Progress {
						back.findNeeded()
						client.ResumeFetchTopics(s.options.Topics.References)
					}
				}
			case r.Topic == s.options.Topics.Progress:
				failed = s.takeProgress(r)
			default:
				failed = back.take(ctx, r)
			}
		})
		if failed != nil {
			return failed
		}
	}
	if s.own.Shards != 0 && s.own.Shards != s.options.Shards {
		return fmt.Errorf("topic %q has %d partitions, but its progress was written with %d: the number of shards cannot change; give the outputs new names, or restore the number",
			s.options.Topics.Progress, s.options.Shards, s.own.Shards)
	}
	return back.finish()
}

func (s *shard) takeProgress(r *kgo.Record) error {
	if string(r.Key) == shardKey {
		own, err := alerts.DecodeShardProgress(r.Value)
		if err != nil {
			return fmt.Errorf("record %d of topic %q, partition %d: %w", r.Offset, r.Topic, r.Partition, err)
		}
		s.own = *own
		return nil
	}
	progress, err := alerts.DecodeProgress(r.Value)
	if err != nil {
		return fmt.Errorf("record %d of topic %q, partition %d: %w", r.Offset, r.Topic, r.Partition, err)
	}
	s.versions[progress.Version] = &version{progress: progress}
	return nil
}

// takeReferenceRecord takes what comes to the references topic while the shard
// is owned: requests; everything else is this owner's own.
func (s *shard) takeReferenceRecord(r *kgo.Record) {
	if r.Value == nil || !strings.HasSuffix(string(r.Key), "/"+slotRequest+"/next") {
		return
	}
	var asked request
	if err := json.Unmarshal(r.Value, &asked); err != nil || asked.Model == "" {
		s.log.Warn("a request in the references topic cannot be read and is left out", "offset", r.Offset, "error", err)
		return
	}
	s.requests[alerts.Version{Model: asked.Model, Version: asked.Version}] = asked
}

// restoring reads the references partition: it sees to it that Redis serves
// every reference, and collects drafts. References are many and large, so one is
// in memory at a time: the records of one stand together, as they were written.
type restoring struct {
	shard *shard
	head  []byte
	parts [][]byte
	// drafts holds records by part, the head as -1.
	drafts map[alerts.Version]map[int][]byte
	// needed are the ids of the summaries that are not dropped.
	needed map[string]bool
}

func (b *restoring) take(ctx context.Context, r *kgo.Record) error {
	fields := strings.Split(string(r.Key), "/")
	if len(fields) != 6 {
		return nil // not ours
	}
	for i := range fields {
		plain, err := url.PathUnescape(fields[i])
		if err != nil {
			plain = fields[i] // not a name of ours, and matches nothing
		}
		fields[i] = plain
	}
	v := alerts.Version{Model: fields[0], Version: fields[1], Segment: fields[2]}
	number := -1
	if text, ok := strings.CutPrefix(fields[3], "_part-"); ok {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = math.MaxInt // no part has this number, so it belongs to nothing
		}
		number = n
	}
	switch fields[4] {
	case slotRequest:
		if r.Value == nil {
			delete(b.shard.requests, v)
		} else {
			b.shard.takeReferenceRecord(r)
		}
	case slotDraft:
		if b.drafts[v] == nil {
			b.drafts[v] = make(map[int][]byte)
		}
		if r.Value == nil {
			delete(b.drafts[v], number)
		} else {
			b.drafts[v][number] = r.Value
		}
	case slotReference:
		return b.takeReference(ctx, r, number)
	case slotWindow:
		return b.restoreSummary(ctx, r, number)
	}
	return nil
}

func (b *restoring) takeReference(ctx context.Context, r *kgo.Record, number int) error {
	if r.Value == nil {
		return b.letGo(ctx, r)
	}
	if number < 0 {
		b.head, b.parts = r.Value, nil
		return b.complete(ctx)
	}
	if b.head != nil && number == len(b.parts) {
		b.parts = append(b.parts, r.Value)
		return b.complete(ctx)
	}
	return nil
}

// complete puts a reference whose records are all here back into Redis, if it
// is not there.
func (b *restoring) complete(ctx context.Context) error {
	head, count, err := reference.DecodeHead(b.head)
	if err != nil {
		return err
	}
	if len(b.parts) < count {
		return nil
	}
	defer func() { b.head, b.parts = nil, nil }()
	store := b.shard.options.Store
	if _, err := store.ReferenceHead(ctx, head.ID); errors.Is(err, redisstore.ErrNotFound) {
		if err := b.putBack(ctx, head); err != nil {
			return err
		}
	} else if err != nil {
		return fmt.Errorf("looking for reference %s in Redis: %w", head.ID, err)
	}
	return store.PersistReference(ctx, head.ID)
}

// putBack serves from Redis what the topic holds. A summary has no grid to make.
func (b *restoring) putBack(ctx context.Context, head *reference.Reference) error {
	if head.Kind == reference.Window {
		return b.shard.options.Store.PutReference(ctx, head.ID, b.head, nil, b.parts, unpublished)
	}
	r, err := reference.Decode(b.head, b.parts)
	if err != nil {
		return err
	}
	return b.shard.serve(ctx, r)
}

// finish ties the drafts to their versions.
func (b *restoring) finish() error {
	for v, records := range b.drafts {
		known := b.shard.versions[v]
		if known == nil || known.progress.Draft == nil || records[-1] == nil {
			continue
		}
		d := &draft{head: records[-1]}
		for _, number := range slices.Sorted(maps.Keys(records)) {
			if number >= 0 {
				d.parts = append(d.parts, records[number])
			}
		}
		known.draft = d
	}
	for v, known := range b.shard.versions {
		if known.progress.Draft != nil && known.draft == nil {
			return fmt.Errorf("the growing reference of model %q version %q is not in topic %q: was the topic deleted?",
				v.Model, v.Version, b.shard.options.Topics.References)
		}
	}
	return nil
}
