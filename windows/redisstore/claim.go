package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

// State is a partition as its last checkpoint left it.
type State struct {
	Found              bool // false: the partition has no checkpoint, and the rest is empty
	Epoch              int64
	NextOffset         int64
	Watermark, LastEnd windows.Timestamp
	Panes              []*windows.Pane   // in the order of their keys; the caller's from now on
	Decisions          windows.Decisions // the caller's from now on
}

// A Claim is the right to checkpoint a partition. It belongs to one goroutine.
// It ends when somebody else claims the partition, at Release, or when Redis
// loses what was committed; every Commit from then on is refused.
type Claim struct {
	store *Store
	id    windows.PartitionID
	token [16]byte
	epoch int64

	// What Redis holds, as far as the claim knows. It changes when a commit is
	// known to have succeeded, and never before.
	sequence int64
	shards   []map[windows.PaneKey]*Entry
	// misplaced are shards whose directory is to be rewritten whatever changes,
	// and strays the fields of shards that no longer exist: the number of shards
	// was another when the directory was written.
	misplaced map[int]bool
	strays    []string

	nextBlob uint64
	// unfinished is a commit whose fate is not known: it is sent again, byte for
	// byte, before anything else.
	unfinished *commit
	fenced     error // why nothing can be committed any more
}

// Claim takes a partition from whoever had it and reads its last checkpoint. It
// is safe to call again after an error.
//
// When a blob that the manifest names is not there, although nobody else has
// claimed the partition, Redis has lost data that it promised to keep. The error
// then names the key to delete in order to begin the partition afresh.
func (s *Store) Claim(ctx context.Context, id windows.PartitionID) (*Claim, *State, error) {
	if s.shards <= 0 {
		return nil, nil, fmt.Errorf("claiming partition %s: the store was opened without the number of shards", id)
	}
	c := &Claim{store: s, id: id, misplaced: make(map[int]bool), shards: make([]map[windows.PaneKey]*Entry, s.shards)}
	for i := range c.shards {
		c.shards[i] = make(map[windows.PaneKey]*Entry)
	}
	// rand.Read never fails: it ends the program where it could.
	_, _ = rand.Read(c.token[:])
	reply, err := s.scripts.claim.Run(ctx, s.client, []string{s.manifestKey(id)}, c.token[:]).StringSlice()
	if err != nil {
		return nil, nil, fmt.Errorf("claiming partition %s: %w", id, explain(err))
	}
	state, entries, err := c.takeManifest(reply)
	if err != nil {
		return nil, nil, fmt.Errorf("claiming partition %s: the manifest %s: %w", id, s.manifestKey(id), err)
	}
	state.Panes, err = s.Panes(ctx, id, entries)
	if errors.Is(err, ErrMoved) {
		return nil, nil, fmt.Errorf("claiming partition %s: %w", id, c.whyMoved(ctx, err))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("claiming partition %s: %w", id, err)
	}
	return c, state, nil
}

// takeManifest reads the fields of the manifest, names and values in turn.
func (c *Claim) takeManifest(reply []string) (*State, []Entry, error) {
	state := &State{Watermark: windows.Unset, LastEnd: windows.Unset}
	var entries []Entry
	for i := 0; i+1 < len(reply); i += 2 {
		name, value := reply[i], reply[i+1]
		var err error
		switch {
		case name == "e":
			c.epoch, err = strconv.ParseInt(value, 10, 64)
			state.Epoch = c.epoch
		case name == "s":
			c.sequence, err = strconv.ParseInt(value, 10, 64)
		case name == "h":
			var h head
			h, err = decodeHead([]byte(value))
			state.Found, state.NextOffset, state.Watermark, state.LastEnd = true, h.nextOffset, h.watermark, h.lastEnd
			state.Decisions = h.decisions
		case strings.HasPrefix(name, "s"):
			var shard int
			if shard, err = strconv.Atoi(name[1:]); err != nil {
				break
			}
			var directory []Entry
			if directory, err = decodeDirectory([]byte(value)); err == nil {
				c.takeDirectory(shard, name, directory)
				entries = append(entries, directory...)
			}
		}
		if err != nil {
			return nil, nil, fmt.Errorf("field %q: %w", name, err)
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return a.Key.Compare(b.Key) })
	return state, entries, nil
}

// takeDirectory puts panes where they belong by the number of shards of today.
func (c *Claim) takeDirectory(shard int, field string, directory []Entry) {
	if shard >= len(c.shards) {
		c.strays = append(c.strays, field)
	}
	for i := range directory {
		e := &directory[i]
		belongs := windows.Shard(e.Key.Model, e.Key.Version, len(c.shards))
		if belongs != shard {
			c.misplaced[belongs] = true
			if shard < len(c.shards) {
				c.misplaced[shard] = true
			}
		}
		c.shards[belongs][e.Key] = e
	}
}

// whyMoved tells another claim, which is no harm, from a loss.
func (c *Claim) whyMoved(ctx context.Context, moved error) error {
	manifest := c.store.manifestKey(c.id)
	token, err := c.store.client.HGet(ctx, manifest, "t").Result()
	switch {
	case errors.Is(err, redis.Nil), err == nil && token != string(c.token[:]):
		return fmt.Errorf("%w: another claim came in between", ErrFenced)
	case err != nil:
		return explain(err)
	}
	return fmt.Errorf("a part of the checkpoint is lost (%w): a key was evicted or deleted by hand; to give up the partition's open windows and read it from the start, delete the key %s",
		moved, manifest)
}

// Sequence counts the checkpoints of the partition, as far as the claim knows.
func (c *Claim) Sequence() int64 { return c.sequence }

// Epoch counts the claims of the partition, this one included. After Redis has
// lost data epochs repeat: they are for logs.
func (c *Claim) Epoch() int64 { return c.epoch }

// Release gives the partition up. What was committed stays for the next claim.
// A claim that has lost its partition releases nothing, which is no error.
func (c *Claim) Release(ctx context.Context) error {
	keys := []string{c.store.manifestKey(c.id)}
	if err := c.store.scripts.release.Run(ctx, c.store.client, keys, c.token[:]).Err(); err != nil {
		return fmt.Errorf("releasing partition %s: %w", c.id, explain(err))
	}
	c.fenced = fmt.Errorf("%w: it was released", ErrFenced)
	return nil
}

// DropShare drops what a partition that has ended holds of a shard, and the
// partition itself with the last of them. Nobody may hold a claim to it.
func (s *Store) DropShare(ctx context.Context, id windows.PartitionID, shard int, panes []Entry) error {
	keys := []string{s.manifestKey(id), s.markKey(id)}
	for i := range panes {
		keys = panes[i].keys(keys, s.partitionKey(id))
	}
	if err := s.scripts.drop.Run(ctx, s.client, keys, directoryField(shard)).Err(); err != nil {
		return fmt.Errorf("dropping what partition %s holds of shard %d: %w", id, shard, explain(err))
	}
	return nil
}

// blob draws the id of a new blob. Ids are drawn from the claim's token, not
// from a number in Redis: they must not repeat when Redis has lost data.
func (c *Claim) blob(length int) blobID {
	b := blobID{claim: [8]byte(c.token[:8]), number: c.nextBlob, length: length}
	c.nextBlob += uint64(b.pieces())
	return b
}

// explain adds what the user can do about an error of Redis.
func explain(err error) error {
	if redis.IsOOMError(err) {
		return fmt.Errorf("%w (Redis is full: raise maxmemory, or make room by deleting what is not kolmo's)", err)
	}
	if IsDenied(err) {
		return fmt.Errorf("%w (Redis denies its user this: allow what windows/redisstore/README.md lists under Access)", err)
	}
	return err
}

// directoryField is the manifest's field of a shard.
func directoryField(shard int) string { return "s" + strconv.Itoa(shard) }
