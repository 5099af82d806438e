package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

// pipelineCommands is how many small commands are sent before waiting for their
// replies.
const pipelineCommands = 1000

// Marks reads what the last checkpoints of partitions tell everyone, in the
// order of ids.
func (s *Store) Marks(ctx context.Context, ids []windows.PartitionID) ([]Mark, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = s.markKey(id)
	}
	values, err := s.getAll(ctx, keys, func(int) int { return pipelineBytes / pipelineCommands })
	if err != nil {
		return nil, fmt.Errorf("reading the marks of %d partitions: %w", len(ids), err)
	}
	marks := make([]Mark, len(ids))
	for i, value := range values {
		marks[i] = Mark{Watermark: windows.Unset, LastEnd: windows.Unset}
		if value == nil {
			continue
		}
		if marks[i], err = decodeMark(value); err != nil {
			return nil, fmt.Errorf("reading the mark of partition %s: %w", ids[i], err)
		}
	}
	return marks, nil
}

// A Share is what a partition's last checkpoint says to one shard. All of it is of
// one and the same checkpoint.
type Share struct {
	Found      bool // false: the partition has no checkpoint
	NextOffset int64
	Watermark  windows.Timestamp
	Decisions  windows.Decisions
	Panes      []Entry // the shard's, in the order of their keys
}

// Shares reads what the last checkpoints of partitions hold for one shard, in the
// order of ids.
func (s *Store) Shares(ctx context.Context, ids []windows.PartitionID, shard int) ([]Share, error) {
	shares := make([]Share, 0, len(ids))
	for len(shares) < len(ids) {
		some := ids[len(shares):min(len(ids), len(shares)+pipelineCommands)]
		pipe := s.client.Pipeline()
		commands := make([]*redis.SliceCmd, len(some))
		for i, id := range some {
			commands[i] = pipe.HMGet(ctx, s.manifestKey(id), "h", directoryField(shard))
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, fmt.Errorf("reading the panes of shard %d in %d partitions: %w", shard, len(ids), err)
		}
		for i, command := range commands {
			share, err := decodeShare(command.Val())
			if err != nil {
				return nil, fmt.Errorf("reading the panes of shard %d of partition %s: %w", shard, some[i], err)
			}
			shares = append(shares, share)
		}
	}
	return shares, nil
}

// decodeShare takes the manifest's head and the directory of a shard, each nil or
// a string.
func decodeShare(values []any) (Share, error) {
	share := Share{Watermark: windows.Unset}
	text, found := values[0].(string)
	if !found {
		return share, nil
	}
	h, err := decodeHead([]byte(text))
	if err != nil {
		return share, err
	}
	share.Found, share.NextOffset, share.Watermark, share.Decisions = true, h.nextOffset, h.watermark, h.decisions
	if text, found = values[1].(string); found {
		share.Panes, err = decodeDirectory([]byte(text))
	}
	return share, err
}

// Panes reads the panes that entries of a directory name, in their order. They
// are the caller's. The error is ErrMoved when a newer checkpoint has replaced
// one of them: read the directory again.
func (s *Store) Panes(ctx context.Context, id windows.PartitionID, entries []Entry) ([]*windows.Pane, error) {
	panes := make([]*windows.Pane, 0, len(entries))
	// About a pipeline's worth of panes at a time: what is read is decoded before
	// more is read.
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (n == 0 || size+entries[n].Bytes() <= pipelineBytes) {
			size += entries[n].Bytes()
			n++
		}
		some, err := s.readPanes(ctx, id, entries[:n])
		if err != nil {
			return nil, err
		}
		panes = append(panes, some...)
		entries = entries[n:]
	}
	return panes, nil
}

func (s *Store) readPanes(ctx context.Context, id windows.PartitionID, entries []Entry) ([]*windows.Pane, error) {
	var keys []string
	for i := range entries {
		keys = entries[i].keys(keys, s.partitionKey(id))
	}
	values, err := s.getAll(ctx, keys, func(int) int { return pieceSize })
	if err != nil {
		return nil, fmt.Errorf("reading panes of partition %s: %w", id, err)
	}
	for i, value := range values {
		if value == nil {
			return nil, fmt.Errorf("reading panes of partition %s: %s: %w", id, keys[i], ErrMoved)
		}
	}
	panes := make([]*windows.Pane, len(entries))
	for i := range entries {
		e := &entries[i]
		if panes[i], values, err = s.readPane(ctx, id, e, values); err != nil {
			return nil, fmt.Errorf("reading pane %d of model %q, version %q, of partition %s: %w", e.Key.Index, e.Key.Model, e.Key.Version, id, err)
		}
	}
	return panes, nil
}

// readPane puts a pane together from the pieces of its blobs, and returns the
// pieces that follow.
func (s *Store) readPane(ctx context.Context, id windows.PartitionID, e *Entry, pieces [][]byte) (*windows.Pane, [][]byte, error) {
	grid, err := s.Grid(ctx, e.GridID)
	if err != nil {
		return nil, nil, err
	}
	pane := windows.NewPane(e.Key, e.Interval, grid, e.sampleSize, windows.Limits{})
	blob, pieces := joinPieces(e.state, pieces)
	if err := decodePane(blob, pane); err != nil {
		return nil, nil, err
	}
	for _, sample := range e.samples {
		blob, pieces = joinPieces(sample.blob, pieces)
		if err := decodeSamples(blob, id, pane); err != nil {
			return nil, nil, err
		}
	}
	pane.Restored()
	return pane, pieces, nil
}

func joinPieces(id blobID, pieces [][]byte) (blob []byte, rest [][]byte) {
	n := id.pieces()
	if n == 1 {
		return pieces[0], pieces[1:]
	}
	blob = make([]byte, 0, id.length)
	for _, piece := range pieces[:n] {
		blob = append(blob, piece...)
	}
	return blob, pieces[n:]
}

// getAll reads keys, in order; nil stands for one that does not exist. size is
// about how many bytes a key holds.
func (s *Store) getAll(ctx context.Context, keys []string, size func(i int) int) ([][]byte, error) {
	values := make([][]byte, 0, len(keys))
	for len(values) < len(keys) {
		pipe := s.client.Pipeline()
		var commands []*redis.StringCmd
		for i, bytes := len(values), 0; i < len(keys) && len(commands) < pipelineCommands && (bytes == 0 || bytes+size(i) <= pipelineBytes); i++ {
			commands = append(commands, pipe.Get(ctx, keys[i]))
			bytes += size(i)
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		for _, command := range commands {
			value, err := command.Bytes()
			switch {
			case errors.Is(err, redis.Nil):
				value = nil
			case err != nil:
				return nil, err
			case value == nil:
				value = []byte{}
			}
			values = append(values, value)
		}
	}
	return values, nil
}
