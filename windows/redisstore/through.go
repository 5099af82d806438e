package redisstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

const gridsFormat = 1

// Through is what a shard's owner tells the partitions.
type Through struct {
	Through windows.Timestamp // the shard has closed through this
	// Generation grows whenever Grids change, and whenever the shard gets
	// another owner; below 2^53.
	Generation int64
	Grids      []GridInForce
	// Owner is what BeginThrough was given, and Before the generation that this
	// owner published last; -1: none.
	Owner  string
	Before int64
}

// A GridInForce says which grid counts the panes of a model version that start
// at EffectiveFrom or later.
type GridInForce struct {
	Model, Version string
	EffectiveFrom  windows.Timestamp
	GridID         string
	// Pattern: Model is a pattern of the configuration, whose grid serves model
	// versions that have none of their own.
	Pattern bool
}

// A ThroughMark is the part of a Through that is polled.
type ThroughMark struct {
	Found      bool // false: nothing was published
	Through    windows.Timestamp
	Generation int64
}

// ErrForgotten says that Redis no longer knows what a shard's owner has told it:
// it was emptied, or rolled back, or another owner has begun. What the owner put
// there may be gone.
var ErrForgotten = errors.New("what the shard's owner told Redis is lost")

// BeginThrough tells Redis that a shard has a new owner, before that looks at
// what Redis holds for it: should Redis lose anything from now on, PublishThrough
// says so.
func (s *Store) BeginThrough(ctx context.Context, progress windows.TopicID, shard int, owner string) error {
	if err := s.client.HSet(ctx, s.throughKey(progress, shard), "o", owner).Err(); err != nil {
		return fmt.Errorf("telling Redis that shard %d has a new owner: %w", shard, explain(err))
	}
	return nil
}

// PublishThrough tells what a shard has closed through. Through never shrinks
// in Redis. What a newer generation has published stays: a zombie's call is
// ignored, which is no error. Grids are written when the generation is new. The
// error is ErrForgotten when Redis does not know the owner, or holds less than it
// published before; nothing is written then.
func (s *Store) PublishThrough(ctx context.Context, progress windows.TopicID, shard int, t Through) error {
	keys := []string{s.throughKey(progress, shard)}
	answer, err := s.scripts.through.Run(ctx, s.client, keys,
		strconv.FormatInt(int64(t.Through), 10), strconv.FormatInt(t.Generation, 10), encodeGrids(t.Grids), t.Owner,
		strconv.FormatInt(t.Before, 10)).Int()
	if err == nil && answer < 0 {
		err = ErrForgotten
	}
	if err != nil {
		return fmt.Errorf("publishing what shard %d has closed through: %w", shard, explain(err))
	}
	return nil
}

// Throughs reads what the shards 0 to shards-1 have closed through.
func (s *Store) Throughs(ctx context.Context, progress windows.TopicID, shards int) ([]ThroughMark, error) {
	pipe := s.client.Pipeline()
	commands := make([]*redis.SliceCmd, shards)
	for shard := range commands {
		commands[shard] = pipe.HMGet(ctx, s.throughKey(progress, shard), "p", "g")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("reading what %d shards have closed through: %w", shards, err)
	}
	marks := make([]ThroughMark, shards)
	for shard, command := range commands {
		var err error
		if marks[shard], err = parseThrough(command.Val()); err != nil {
			return nil, fmt.Errorf("reading what shard %d has closed through: %w", shard, err)
		}
	}
	return marks, nil
}

// GridsInForce reads all that a shard has published; ErrNotFound if nothing.
func (s *Store) GridsInForce(ctx context.Context, progress windows.TopicID, shard int) (Through, error) {
	values, err := s.client.HMGet(ctx, s.throughKey(progress, shard), "p", "g", "n").Result()
	var mark ThroughMark
	if err == nil {
		mark, err = parseThrough(values)
	}
	if err == nil && !mark.Found {
		err = ErrNotFound
	}
	t := Through{Through: mark.Through, Generation: mark.Generation}
	if err == nil {
		grids, _ := values[2].(string)
		t.Grids, err = decodeGrids([]byte(grids))
	}
	if err != nil {
		return Through{}, fmt.Errorf("reading the grids in force of shard %d: %w", shard, err)
	}
	return t, nil
}

func parseThrough(values []any) (ThroughMark, error) {
	mark := ThroughMark{Through: windows.Unset}
	if len(values) < 2 || values[0] == nil || values[1] == nil {
		return mark, nil
	}
	through, _ := values[0].(string)
	generation, _ := values[1].(string)
	t, err1 := strconv.ParseInt(through, 10, 64)
	g, err2 := strconv.ParseInt(generation, 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return mark, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return ThroughMark{Found: true, Through: windows.Timestamp(t), Generation: g}, nil
}

func encodeGrids(grids []GridInForce) []byte {
	b := []byte{gridsFormat}
	b = binary.AppendUvarint(b, uint64(len(grids)))
	for _, g := range grids {
		b = appendText(b, g.Model)
		b = appendText(b, g.Version)
		b = binary.AppendVarint(b, int64(g.EffectiveFrom))
		b = appendText(b, g.GridID)
		if g.Pattern {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

func decodeGrids(b []byte) ([]GridInForce, error) {
	r := &reader{rest: b}
	r.version(gridsFormat, "list of grids")
	var grids []GridInForce
	for range r.count(5) {
		g := GridInForce{Model: r.text(), Version: r.text(), EffectiveFrom: r.timestamp(), GridID: r.text(), Pattern: r.present()}
		grids = append(grids, g)
		if r.err != nil {
			break
		}
	}
	return grids, r.end()
}
