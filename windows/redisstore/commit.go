package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

const (
	// stagingTime is how long a blob lives that no manifest names.
	stagingTime = 10 * time.Minute
	// pipelineBytes is about how much is sent to Redis before waiting for its
	// replies.
	pipelineBytes = 1 << 20
	// maxSampleBlobs is how many blobs a pane's sample may be spread over.
	maxSampleBlobs = 8
)

// MarkFields are what pollers see beside the watermark.
type MarkFields struct {
	Idle bool
	// Held: an event waits until shard HeldShard has closed through HeldThrough.
	Held        bool
	HeldShard   int
	HeldThrough windows.Timestamp
}

// Written is what a Commit wrote.
type Written struct {
	Bytes int // of blobs and manifest
	Blobs int
	// Duplicate: Redis had this checkpoint already; a reply was lost.
	Duplicate bool
}

// A commit is a checkpoint, encoded: sent again it is the same bytes.
type commit struct {
	snapshot         snapshotIdentity
	sequence         int64 // before
	digest           []byte
	head, mark       []byte
	set              map[string][]byte // fields of the manifest: directories
	unset            []string
	blobs            []piece
	replaced         []string // keys
	entries          []*Entry // of the changed panes, as they are once this is done
	dropped          []windows.PaneKey
	bytes, blobCount int
}

// A piece is one key of a blob.
type piece struct {
	key   string
	value []byte
}

// Commit makes a snapshot the partition's checkpoint, in one atomic step: after
// an error everything is as it was, or the commit is in doubt.
//
// errors.Is(err, ErrFenced) says that the claim has ended. After any other error
// call Commit again, with the same snapshot or with a later one that contains
// it. A commit in doubt (the reply was lost) is sent again first, byte for byte,
// which Redis recognises; only then is the later snapshot written. The snapshot
// is encoded before Commit first waits for anything, and it is not kept.
func (c *Claim) Commit(ctx context.Context, snapshot windows.Snapshot, mark MarkFields) (Written, error) {
	if c.fenced != nil {
		return Written{}, c.fenced
	}
	identity := identify(snapshot, mark)
	var again map[windows.PaneKey]bool
	var total Written
	if c.unfinished != nil {
		unfinished := c.unfinished
		written, err := c.finish(ctx)
		if err != nil || unfinished.snapshot.equal(identity) {
			return written, err
		}
		// The snapshot's fresh entries contain those just written.
		again = make(map[windows.PaneKey]bool)
		for _, e := range unfinished.entries {
			again[e.Key] = true
		}
		total = written
	}
	commit, err := c.encode(snapshot, mark, again)
	if err != nil {
		return total, fmt.Errorf("checkpointing partition %s: %w", c.id, err)
	}
	commit.snapshot = identity
	c.unfinished = commit
	written, err := c.finish(ctx)
	total.Bytes += written.Bytes
	total.Blobs += written.Blobs
	total.Duplicate = total.Duplicate || written.Duplicate
	return total, err
}

// finish sends the unfinished commit, and takes it over as what Redis holds
// when Redis says so.
func (c *Claim) finish(ctx context.Context) (Written, error) {
	w := c.unfinished
	written := Written{Bytes: w.bytes, Blobs: w.blobCount}
	c.store.step(StepBeforeBlobs)
	if err := c.store.writeBlobs(ctx, w.blobs); err != nil {
		return Written{}, fmt.Errorf("checkpointing partition %s: writing %d blobs: %w", c.id, w.blobCount, explain(err))
	}
	c.store.step(StepAfterBlobs)
	c.store.step(StepBeforeManifest)
	answer, err := c.flip(ctx, w)
	c.store.step(StepAfterManifest)
	if err != nil {
		return Written{}, fmt.Errorf("checkpointing partition %s: %w", c.id, explain(err))
	}
	why := ""
	switch answer {
	case 1:
	case 2:
		written.Duplicate = true
	case -1:
		why = "Redis holds nothing of the partition any more"
	case -2:
		why = "somebody else has claimed it"
	case -3:
		why = "Redis holds another checkpoint than the last one written"
	case -4:
		return Written{}, fmt.Errorf("checkpointing partition %s: a blob written just before is gone; nothing has changed", c.id)
	default:
		return Written{}, fmt.Errorf("checkpointing partition %s: the script answered %d", c.id, answer)
	}
	if why != "" {
		c.unfinished = nil
		c.fenced = fmt.Errorf("checkpointing partition %s in epoch %d: %w: %s", c.id, c.epoch, ErrFenced, why)
		return Written{}, c.fenced
	}
	c.adopt(w)
	return written, nil
}

// flip runs the script that makes the commit valid.
func (c *Claim) flip(ctx context.Context, w *commit) (int, error) {
	keys := make([]string, 0, 2+len(w.blobs)+len(w.replaced))
	keys = append(keys, c.store.manifestKey(c.id), c.store.markKey(c.id))
	for _, p := range w.blobs {
		keys = append(keys, p.key)
	}
	keys = append(keys, w.replaced...)
	args := []any{
		c.token[:], strconv.FormatInt(w.sequence, 10), strconv.FormatInt(w.sequence+1, 10), w.digest,
		w.head, w.mark, len(w.blobs), len(w.set),
	}
	for _, field := range slices.Sorted(maps.Keys(w.set)) {
		args = append(args, field, w.set[field])
	}
	for _, field := range w.unset {
		args = append(args, field)
	}
	return c.store.scripts.commit.Run(ctx, c.store.client, keys, args...).Int()
}

// adopt says that Redis holds the commit.
func (c *Claim) adopt(w *commit) {
	c.unfinished = nil
	c.sequence = w.sequence + 1
	clear(c.misplaced)
	c.strays = nil
	for _, key := range w.dropped {
		delete(c.shards[c.shard(key)], key)
	}
	for _, e := range w.entries {
		c.shards[c.shard(e.Key)][e.Key] = e
	}
}

// writeBlobs writes pieces with a time limit: a manifest must name them before
// it is over. A piece that is there already stays as it is, since a manifest may
// name it by now and the time limit must not come back.
func (s *Store) writeBlobs(ctx context.Context, pieces []piece) error {
	for len(pieces) > 0 {
		pipe := s.client.Pipeline()
		size := 0
		for len(pieces) > 0 && (size == 0 || size+len(pieces[0].value) <= pipelineBytes) {
			pipe.SetArgs(ctx, pieces[0].key, pieces[0].value, redis.SetArgs{Mode: "NX", TTL: stagingTime})
			size += len(pieces[0].value)
			pieces = pieces[1:]
		}
		commands, err := pipe.Exec(ctx)
		for _, command := range commands {
			if err := command.Err(); err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}
