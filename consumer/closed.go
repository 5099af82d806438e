package consumer

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// closed follows what the shards have closed, and the grids in force that go
// with it. It is what the partitions are aligned by. One serves all owners of
// an instance.
//
// The order matters: a shard makes a grid known before it closes through the
// moment from which a partition may need it, and closed makes its grids known
// to the owners before the moment, so that an owner that may open a pane can
// tell which grid is in force for it.
type closed struct {
	store    *redisstore.Store
	progress windows.TopicID
	shards   int
	model    func(string) Model
	log      *limitedLog

	mu sync.RWMutex
	// marks and generations are by shard; grids by shard, those of one name in
	// ascending order of EffectiveFrom. Guarded by mu.
	marks       []windows.Timestamp
	generations []int64
	grids       []map[gridName][]redisstore.GridInForce
	loaded      map[string]*windows.Grid // by id; guarded by mu
	// changed is closed, and replaced, whenever a mark moves. Guarded by mu.
	changed chan struct{}
}

type gridName struct {
	model, version string
	pattern        bool
}

func newClosed(store *redisstore.Store, progress windows.TopicID, shards int, model func(string) Model, log *limitedLog) *closed {
	c := &closed{
		store: store, progress: progress, shards: shards, model: model, log: log,
		marks: make([]windows.Timestamp, shards), generations: make([]int64, shards),
		grids: make([]map[gridName][]redisstore.GridInForce, shards), loaded: make(map[string]*windows.Grid),
		changed: make(chan struct{}),
	}
	for i := range c.marks {
		c.marks[i], c.generations[i] = windows.Unset, -1
	}
	return c
}

// follow polls until the context ends.
func (c *closed) follow(ctx context.Context) {
	const interval = 100 * time.Millisecond
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := c.refresh(ctx); err != nil && ctx.Err() == nil {
			c.log.warn("closed", "reading what the shards have closed failed: partitions wait at their horizon until it works again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// refresh reads every shard's mark once, and the grids of those that have new
// ones.
func (c *closed) refresh(ctx context.Context) error {
	marks, err := c.store.Throughs(ctx, c.progress, c.shards)
	if err != nil {
		return err
	}
	moved := false
	for shard, mark := range marks {
		if !mark.Found {
			continue
		}
		c.mu.RLock()
		// An older generation than is known is what Redis was rolled back to. The
		// marks do not fall with it, so the grids must not either.
		known := mark.Generation <= c.generations[shard]
		c.mu.RUnlock()
		if !known {
			through, err := c.store.GridsInForce(ctx, c.progress, shard)
			if err != nil {
				return err
			}
			if through.Generation < mark.Generation {
				continue // Redis fell back in between
			}
			c.setGrids(shard, through)
			mark.Through = min(mark.Through, through.Through)
		}
		c.mu.Lock()
		if mark.Through > c.marks[shard] {
			c.marks[shard] = mark.Through
			moved = true
		}
		c.mu.Unlock()
	}
	if moved {
		c.mu.Lock()
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
	}
	return nil
}

func (c *closed) setGrids(shard int, through redisstore.Through) {
	grids := make(map[gridName][]redisstore.GridInForce)
	for _, g := range through.Grids {
		name := gridName{g.Model, g.Version, g.Pattern}
		grids[name] = append(grids[name], g)
	}
	for _, list := range grids {
		slices.SortFunc(list, func(a, b redisstore.GridInForce) int { return cmp.Compare(a.EffectiveFrom, b.EffectiveFrom) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grids[shard], c.generations[shard] = grids, through.Generation
	// Forget grids that are no longer in force anywhere; panes keep their own.
	inForce := make(map[string]bool)
	for _, byName := range c.grids {
		for _, list := range byName {
			for _, g := range list {
				inForce[g.GridID] = true
			}
		}
	}
	for id := range c.loaded {
		if !inForce[id] {
			delete(c.loaded, id)
		}
	}
}

// through copies the marks into an owner's slice, and returns the channel that
// is closed when they move again.
func (c *closed) through(marks []windows.Timestamp) <-chan struct{} {
	c.mu.RLock()
	defer c.mu.RUnlock()
	copy(marks, c.marks)
	return c.changed
}

// grid is the windows.GridFinder of every owner. It reads Redis when a grid is
// needed for the first time.
func (c *closed) grid(ctx context.Context, model, version string, start windows.Timestamp) (*windows.Grid, bool) {
	id, found, known := c.inForce(model, version, start)
	if !known || !found {
		return nil, known
	}
	c.mu.RLock()
	grid := c.loaded[id]
	c.mu.RUnlock()
	if grid != nil {
		return grid, true
	}
	grid, err := c.store.Grid(ctx, id)
	if err != nil {
		c.log.warn("grid", "a grid could not be read: the partition waits for it", "grid", id, "model", model, "version", version, "error", err)
		return nil, false
	}
	c.mu.Lock()
	c.loaded[id] = grid
	c.mu.Unlock()
	return grid, true
}

// inForce finds the grid of a model version's panes that start at a moment: its
// own, or the one that the configuration names for its model. known is false
// while the latter has not been made yet.
func (c *closed) inForce(model, version string, start windows.Timestamp) (id string, found, known bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	last := func(shard int, name gridName) (string, bool) {
		list := c.grids[shard][name]
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].EffectiveFrom <= start {
				return list[i].GridID, true
			}
		}
		return "", false
	}
	if id, found = last(windows.Shard(model, version, c.shards), gridName{model: model, version: version}); found {
		return id, true, true
	}
	pattern := c.model(model).Pattern
	if pattern == "" {
		return "", false, true
	}
	id, found = last(windows.Shard(pattern, "", c.shards), gridName{model: pattern, pattern: true})
	return id, found, found
}
