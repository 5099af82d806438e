package redisstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
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
	// Advance is the idle advance made since the last checkpoint; nil: none.
	Advance *Advance
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
	advances         []Advance
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
		if mark.Advance != nil && unfinished.snapshot.hasAdvance && unfinished.snapshot.advance == *mark.Advance {
			mark.Advance = nil
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

// encode turns a snapshot into bytes. The sample of a pane in full is written
// whole.
func (c *Claim) encode(snapshot windows.Snapshot, mark MarkFields, full map[windows.PaneKey]bool) (*commit, error) {
	partitionKey := c.store.partitionKey(c.id)
	w := &commit{
		sequence: c.sequence, advances: advanced(c.advances, mark.Advance), set: make(map[string][]byte),
		unset: slices.Clone(c.strays), dropped: slices.Clone(snapshot.Dropped),
	}
	touched := maps.Clone(c.misplaced)
	gone := make(map[windows.PaneKey]bool)
	for _, key := range snapshot.Dropped {
		shard := c.shard(key)
		if e := c.shards[shard][key]; e != nil && !gone[key] {
			gone[key], touched[shard] = true, true
			w.replaced = e.keys(w.replaced, partitionKey)
		}
	}
	changed := make(map[windows.PaneKey]*Entry)
	for _, pane := range snapshot.Changed {
		shard := c.shard(pane.Key)
		touched[shard] = true
		before := c.shards[shard][pane.Key]
		if gone[pane.Key] {
			before = nil
		}
		e, err := c.encodeEntry(w, pane, before, full[pane.Key])
		if err != nil {
			return nil, fmt.Errorf("pane %d of model %q, version %q: %w", pane.Key.Index, pane.Key.Model, pane.Key.Version, err)
		}
		changed[pane.Key] = e
		w.entries = append(w.entries, e)
	}
	for _, shard := range slices.Sorted(maps.Keys(touched)) {
		entries := c.directory(shard, changed, gone)
		if len(entries) == 0 {
			w.unset = append(w.unset, directoryField(shard))
			continue
		}
		w.set[directoryField(shard)] = encodeDirectory(nil, entries)
	}
	w.head = encodeHead(head{nextOffset: snapshot.NextOffset, watermark: snapshot.Watermark, lastEnd: snapshot.LastEnd, advances: w.advances})
	w.mark = encodeMark(Mark{
		Watermark: snapshot.Watermark, LastEnd: snapshot.LastEnd, NextOffset: snapshot.NextOffset, Idle: mark.Idle,
		Held: mark.Held, HeldShard: mark.HeldShard, HeldThrough: mark.HeldThrough, Epoch: c.epoch, Sequence: c.sequence + 1,
	})
	w.digest = w.sum()
	w.bytes += len(w.head) + len(w.mark)
	for _, directory := range w.set {
		w.bytes += len(directory)
	}
	return w, nil
}

func (c *Claim) shard(key windows.PaneKey) int {
	return windows.Shard(key.Model, key.Version, len(c.shards))
}

// directory lists the panes of a shard as they will be.
func (c *Claim) directory(shard int, changed map[windows.PaneKey]*Entry, gone map[windows.PaneKey]bool) []*Entry {
	var entries []*Entry
	for key, e := range c.shards[shard] {
		if changed[key] == nil && !gone[key] {
			entries = append(entries, e)
		}
	}
	for key, e := range changed {
		if c.shard(key) == shard {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b *Entry) int { return a.Key.Compare(b.Key) })
	return entries
}

// encodeEntry writes a changed pane's blobs. before is where the pane was; nil
// for a new one.
func (c *Claim) encodeEntry(w *commit, pane *windows.Pane, before *Entry, full bool) (*Entry, error) {
	partitionKey := c.store.partitionKey(c.id)
	e := &Entry{Key: pane.Key, Interval: pane.Interval, Events: pane.Events, Late: pane.Late, sampleSize: pane.SampleSize()}
	if pane.Grid != nil {
		e.GridID = pane.Grid.ID
	}
	var err error
	if e.state, err = c.stage(w, encodePane(nil, pane)); err != nil {
		return nil, err
	}
	if before != nil {
		w.replaced = before.state.keys(w.replaced, partitionKey)
		e.samples = slices.Clone(before.samples)
	}
	live, fresh, kept := uint64(0), uint64(0), uint64(0)
	for f := range everyFeature(pane) {
		live += uint64(f.Sample.Len())
		fresh += uint64(len(f.Sample.Fresh()))
	}
	for _, s := range e.samples {
		kept += s.entries
	}
	full = full || fresh >= live || len(e.samples) >= maxSampleBlobs || kept+fresh > 2*live
	if !full && fresh == 0 {
		return e, nil
	}
	choose := (*windows.Sample).Fresh
	if full {
		choose = (*windows.Sample).Entries
		for _, s := range e.samples {
			w.replaced = s.blob.keys(w.replaced, partitionKey)
		}
		e.samples = nil
	}
	blob, entries := encodeSamples(nil, c.id, pane, choose)
	if entries == 0 {
		return e, nil
	}
	id, err := c.stage(w, blob)
	if err != nil {
		return nil, err
	}
	e.samples = append(e.samples, sampleBlob{blob: id, entries: uint64(entries)})
	return e, nil
}

func everyFeature(p *windows.Pane) func(yield func(*windows.Feature) bool) {
	return func(yield func(*windows.Feature) bool) {
		for _, f := range p.Features {
			if !yield(f) {
				return
			}
		}
		for _, f := range [...]*windows.Feature{p.Prediction, p.Latency} {
			if f != nil && !yield(f) {
				return
			}
		}
	}
}

// stage cuts a blob into pieces to be written.
func (c *Claim) stage(w *commit, blob []byte) (blobID, error) {
	if len(blob) > maxBlob {
		return blobID{}, fmt.Errorf("%d bytes are more than the %d that a blob can have: lower limits.features or limits.categories", len(blob), maxBlob)
	}
	id := c.blob(len(blob))
	w.bytes += len(blob)
	w.blobCount++
	for _, key := range id.keys(nil, c.store.partitionKey(c.id)) {
		n := min(pieceSize, len(blob))
		w.blobs = append(w.blobs, piece{key: key, value: blob[:n]})
		blob = blob[n:]
	}
	return id, nil
}

// sum identifies the commit. The directories name the blobs, whose ids stand
// for their contents.
func (w *commit) sum() []byte {
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		h.Write(b)
	}
	part(w.head)
	part(w.mark)
	for _, field := range slices.Sorted(maps.Keys(w.set)) {
		part([]byte(field))
		part(w.set[field])
	}
	for _, field := range w.unset {
		part([]byte(field))
	}
	return h.Sum(nil)[:16]
}

// finish sends the unfinished commit, and takes it over as what Redis holds
// when Redis says so.
func (c *Claim) finish(ctx context.Context) (Written, error) {
	w := c.unfinished
	written := Written{Bytes: w.bytes, Blobs: w.blobCount}
	if err := c.store.writeBlobs(ctx, w.blobs); err != nil {
		return Written{}, fmt.Errorf("checkpointing partition %s: writing %d blobs: %w", c.id, w.blobCount, explain(err))
	}
	answer, err := c.flip(ctx, w)
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
	c.sequence, c.advances = w.sequence+1, w.advances
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

// A snapshotIdentity tells whether a snapshot offered again is the same. Every
// change of a pane counts an event or a late one, so counts stand for contents.
type snapshotIdentity struct {
	nextOffset         int64
	watermark, lastEnd windows.Timestamp
	mark               MarkFields // without the advance
	hasAdvance         bool
	advance            Advance
	panes              []paneIdentity
	dropped            []windows.PaneKey // in order
}

type paneIdentity struct {
	key          windows.PaneKey
	events, late uint64
}

func identify(snapshot windows.Snapshot, mark MarkFields) snapshotIdentity {
	s := snapshotIdentity{
		nextOffset: snapshot.NextOffset, watermark: snapshot.Watermark, lastEnd: snapshot.LastEnd, mark: mark,
		dropped: slices.SortedFunc(slices.Values(snapshot.Dropped), windows.PaneKey.Compare),
	}
	if mark.Advance != nil {
		s.hasAdvance, s.advance = true, *mark.Advance
		s.mark.Advance = nil
	}
	for _, p := range snapshot.Changed {
		s.panes = append(s.panes, paneIdentity{p.Key, p.Events, p.Late})
	}
	slices.SortFunc(s.panes, func(a, b paneIdentity) int { return a.key.Compare(b.key) })
	return s
}

func (s snapshotIdentity) equal(o snapshotIdentity) bool {
	return s.nextOffset == o.nextOffset && s.watermark == o.watermark && s.lastEnd == o.lastEnd && s.mark == o.mark &&
		s.hasAdvance == o.hasAdvance && s.advance == o.advance && slices.Equal(s.panes, o.panes) && slices.Equal(s.dropped, o.dropped)
}
