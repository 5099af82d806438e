package redisstore

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"weak"

	"github.com/kolmo-ml/kolmo/windows"
)

// A GridLoader finds a grid by its id. It must have been prepared.
type GridLoader func(ctx context.Context, id string) (*windows.Grid, error)

// SetGridLoader replaces where grids come from; by default, the grids of the
// references in Redis. Call it before the store is used.
func (s *Store) SetGridLoader(load GridLoader) { s.grids = newGridCache(load) }

// Grid finds a grid by its id; nil for the empty id. Whoever asks for an id
// while somebody still uses that grid gets the same one.
func (s *Store) Grid(ctx context.Context, id string) (*windows.Grid, error) {
	if id == "" {
		return nil, nil
	}
	return s.grids.get(ctx, id)
}

func (s *Store) loadGrid(ctx context.Context, id string) (*windows.Grid, error) {
	b, err := s.ReferenceGrid(ctx, id)
	if err != nil {
		return nil, err
	}
	g, err := DecodeGrid(b)
	if err != nil {
		return nil, fmt.Errorf("reading the grid of reference %s: %w", id, err)
	}
	return g, nil
}

// gridCache shares grids among the panes that are counted on them, for as long
// as there are any.
type gridCache struct {
	load GridLoader

	mu    sync.Mutex
	grids map[string]weak.Pointer[windows.Grid] // guarded by mu
}

func newGridCache(load GridLoader) *gridCache {
	return &gridCache{load: load, grids: make(map[string]weak.Pointer[windows.Grid])}
}

func (c *gridCache) get(ctx context.Context, id string) (*windows.Grid, error) {
	if g := c.cached(id); g != nil {
		return g, nil
	}
	g, err := c.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if g.ID != id {
		return nil, fmt.Errorf("the grid stored as %s is %s", id, g.ID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.grids[id].Value(); other != nil { // loaded by two at once
		return other, nil
	}
	pointer := weak.Make(g)
	c.grids[id] = pointer
	runtime.AddCleanup(g, func(id string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.grids[id] == pointer {
			delete(c.grids, id)
		}
	}, id)
	return g, nil
}

func (c *gridCache) cached(id string) *windows.Grid {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.grids[id].Value()
}
