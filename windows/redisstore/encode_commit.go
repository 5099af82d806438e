package redisstore

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// encode turns a snapshot into bytes. The sample of a pane in full is written
// whole.
func (c *Claim) encode(snapshot windows.Snapshot, mark MarkFields, full map[windows.PaneKey]bool) (*commit, error) {
	partitionKey := c.store.partitionKey(c.id)
	w := &commit{
		sequence: c.sequence, set: make(map[string][]byte),
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
	w.head = encodeHead(head{nextOffset: snapshot.NextOffset, watermark: snapshot.Watermark, lastEnd: snapshot.LastEnd, decisions: snapshot.Decisions})
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
