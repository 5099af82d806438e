package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// recall reads the summaries that closing a window takes.
func (s *shard) recall(ctx context.Context, settings *alerts.Settings, progress *alerts.Progress, due windows.DueWindow) (map[string]*reference.Reference, error) {
	wanted := alerts.Recall(settings, progress, due)
	if len(wanted) == 0 {
		return nil, nil
	}
	found := make(map[string]*reference.Reference, len(wanted))
	for _, summary := range wanted {
		if found[summary.ID] != nil {
			continue
		}
		r, err := s.closers.summaries.get(ctx, summary.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the summary of the window of model %q version %q that starts at %v: %w", progress.Model, progress.Version.Version, summary.Start, err)
		}
		found[summary.ID] = r
	}
	return found, nil
}

// remember puts a window's summary into Redis, for a while: it stays once it is
// published. The records are its durable copy, and the ends of those that no
// window needs any more.
func (s *shard) remember(ctx context.Context, v alerts.Version, out *alerts.Outcome) ([]*kgo.Record, error) {
	var records []*kgo.Record
	if r := out.Summary; r != nil {
		head, parts := r.Encode()
		// Nothing is counted on a summary's own grid: it has none.
		if err := s.options.Store.PutReference(ctx, r.ID, head, nil, parts, unpublished); err != nil {
			return nil, fmt.Errorf("putting the summary of a window into Redis: %w", err)
		}
		s.closers.summaries.add(r, nil)
		records = s.recordsOf(v, slotWindow, r.Of.Start, r.ID, head, parts)
	}
	for _, dropped := range out.Dropped {
		records = append(records, s.tombstones(v, slotWindow, dropped.Start, dropped.ID, dropped.Parts)...)
	}
	for _, retired := range out.Retired {
		records = append(records, s.tombstones(v, slotReference, retired.GridFrom, retired.ID, retired.Parts)...)
	}
	return records, nil
}

// tombstones end the records of a reference. The head's says what it was, for an
// owner that reads it later.
func (s *shard) tombstones(v alerts.Version, slot string, from windows.Timestamp, id string, parts int) []*kgo.Record {
	headers := []kgo.RecordHeader{{Key: headerReference, Value: []byte(id)}}
	records := []*kgo.Record{s.referenceRecord(referenceKey(v, slot, from, -1), nil, headers)}
	for i := range parts {
		records = append(records, s.referenceRecord(referenceKey(v, slot, from, i), nil, nil))
	}
	return records
}

// settle does in Redis what a committed transaction said of summaries. Those
// that were dropped go after a while, not at once: an owner that is about to be
// fenced may still read them. What fails is done by the shard's next owner.
func (s *shard) settle(ctx context.Context, outcomes []alerts.Outcome) {
	for _, out := range outcomes {
		var err error
		if out.Summary != nil {
			err = s.options.Store.PersistReference(ctx, out.Summary.ID)
		}
		for _, dropped := range out.Dropped {
			err = errors.Join(err, s.options.Store.ExpireReference(ctx, dropped.ID, unpublished))
		}
		for _, retired := range out.Retired {
			err = errors.Join(err, s.options.Store.ExpireReference(ctx, retired.ID, unpublished))
		}
		if err != nil {
			s.log.Warn("the summaries of windows are in the references topic, but Redis could not be told; the next owner of the shard tells it", "error", err)
			return
		}
	}
}

// restoreSummary sees to it that Redis serves a summary that a version still
// needs.
func (b *restoring) restoreSummary(ctx context.Context, r *kgo.Record, number int) error {
	if number < 0 && r.Value != nil && !b.needed[headerOf(r, headerReference)] {
		b.head, b.parts = nil, nil // its parts are passed over
		return nil
	}
	return b.takeReference(ctx, r, number)
}

// letGo sees to it that what a tombstone ends leaves Redis.
func (b *restoring) letGo(ctx context.Context, tombstone *kgo.Record) error {
	id := headerOf(tombstone, headerReference)
	if id == "" { // a part's
		return nil
	}
	if err := b.shard.options.Store.ExpireReference(ctx, id, unpublished); err != nil {
		return fmt.Errorf("reading tombstones of references: %w", err)
	}
	return nil
}

// findNeeded collects the summaries that the shard's versions need. The progress
// has been read by then.
func (b *restoring) findNeeded() {
	b.needed = make(map[string]bool)
	for _, v := range b.shard.versions {
		for _, summary := range v.progress.History {
			b.needed[summary.ID] = true
		}
	}
}

func headerOf(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// summaryCacheBytes bounds what the decoded summaries of an instance take.
const summaryCacheBytes = 128 << 20

// summaryCache keeps the summaries that were last used, decoded and on their
// grids. It is shared by all shards of an instance.
type summaryCache struct {
	store *redisstore.Store

	mu    sync.Mutex
	cache *lru.Cache[string, cachedSummary] // guarded by mu
	bytes int                               // of what is cached; guarded by mu
}

// cachedSummary holds on to the grid as well, so that summaries that are read one
// after the other share it; nil for one that was made here.
type cachedSummary struct {
	summary *reference.Reference
	grid    *windows.Grid
}

func newSummaryCache(store *redisstore.Store) *summaryCache {
	c := &summaryCache{store: store}
	var err error
	c.cache, err = lru.NewWithEvict(1<<30, func(_ string, s cachedSummary) { c.bytes -= s.summary.Bytes() })
	if err != nil {
		panic("kafka: " + err.Error()) // only a size below one is refused
	}
	return c
}

func (c *summaryCache) add(r *reference.Reference, grid *windows.Grid) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache.Contains(r.ID) {
		return
	}
	c.cache.Add(r.ID, cachedSummary{r, grid})
	c.bytes += r.Bytes()
	for c.bytes > summaryCacheBytes && c.cache.Len() > 1 {
		c.cache.RemoveOldest()
	}
}

func (c *summaryCache) get(ctx context.Context, id string) (*reference.Reference, error) {
	c.mu.Lock()
	cached, ok := c.cache.Get(id)
	c.mu.Unlock()
	if ok {
		return cached.summary, nil
	}
	r, err := readReference(ctx, c.store, id)
	if err != nil {
		return nil, err
	}
	grid, err := c.store.Grid(ctx, r.GridID)
	if err != nil {
		return nil, err
	}
	if err := r.OnGrid(grid); err != nil {
		return nil, err
	}
	c.add(r, grid)
	return r, nil
}
