package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// unpublished is how long Redis keeps a reference whose transaction has not
// been seen to commit.
const unpublished = 24 * time.Hour

// headerReference carries the id of the reference that a record belongs to.
const headerReference = "kolmo-reference"

// serve puts the serving copy of a reference into Redis, for a while: it stays
// once it is published.
func (s *shard) serve(ctx context.Context, r *reference.Reference) error {
	return Serve(ctx, s.options.Store, r, unpublished)
}

// Serve puts the serving copy of a reference into Redis: what partitions need,
// which is the grid, and what closers need, which is everything. It goes after
// the time given unless it is made persistent.
func Serve(ctx context.Context, store *redisstore.Store, r *reference.Reference, ttl time.Duration) error {
	head, parts := r.Encode()
	if err := store.PutReference(ctx, r.ID, head, redisstore.EncodeGrid(r.Grid()), parts, ttl); err != nil {
		return fmt.Errorf("putting reference %s into Redis: %w", r.ID, err)
	}
	return nil
}

// referenceRecords are the durable copy.
func (s *shard) referenceRecords(v alerts.Version, r *reference.Reference, from windows.Timestamp) []*kgo.Record {
	head, parts := r.Encode()
	return s.recordsOf(v, slotReference, from, r.ID, head, parts)
}

// recordsOf are an encoded reference, each record under its own key. They stand
// together, the head first.
func (s *shard) recordsOf(v alerts.Version, slot string, from windows.Timestamp, id string, head []byte, parts [][]byte) []*kgo.Record {
	headers := []kgo.RecordHeader{{Key: headerReference, Value: []byte(id)}}
	records := []*kgo.Record{s.referenceRecord(referenceKey(v, slot, from, -1), head, headers)}
	for i, part := range parts {
		records = append(records, s.referenceRecord(referenceKey(v, slot, from, i), part, headers))
	}
	return records
}

func (s *shard) referenceRecord(key, value []byte, headers []kgo.RecordHeader) *kgo.Record {
	return &kgo.Record{Topic: s.options.Topics.References, Partition: int32(s.number), Key: key, Value: value, Headers: headers}
}

// A draft is a growing reference, kept encoded: drafts are many and seldom
// needed.
type draft struct {
	head  []byte
	parts [][]byte
}

func newDraft(d *reference.Draft) *draft {
	head, parts := reference.EncodeDraft(d)
	return &draft{head: head, parts: parts}
}

func (d *draft) decode() (*reference.Draft, error) { return reference.DecodeDraft(d.head, d.parts) }

// draftRecords replace one draft by the next: what the next one does not
// overwrite is deleted. Either may be nil.
func (s *shard) draftRecords(v alerts.Version, before, after *draft) []*kgo.Record {
	var records []*kgo.Record
	old := -1
	if before != nil {
		old = len(before.parts)
	}
	now := -1
	if after != nil {
		now = len(after.parts)
		records = append(records, s.referenceRecord(referenceKey(v, slotDraft, windows.Unset, -1), after.head, nil))
		for i, part := range after.parts {
			records = append(records, s.referenceRecord(referenceKey(v, slotDraft, windows.Unset, i), part, nil))
		}
	} else if before != nil {
		records = append(records, s.referenceRecord(referenceKey(v, slotDraft, windows.Unset, -1), nil, nil))
	}
	for i := max(now, 0); i < old; i++ {
		records = append(records, s.referenceRecord(referenceKey(v, slotDraft, windows.Unset, i), nil, nil))
	}
	return records
}

// configure sees to the references that the configuration names and whose home
// is this shard: each is made, once, before the shard first says what it has
// closed through, so that no partition can need a grid that is not there. A file
// that has changed since takes effect at a boundary that no partition has
// reached.
func (s *shard) configure(ctx context.Context) error {
	for _, configured := range s.options.Configured {
		if windows.Shard(configured.Pattern, "", s.options.Shards) != s.number {
			continue
		}
		source, err := configured.Source()
		if err != nil {
			return fmt.Errorf("reading the reference of %q: %w", configured.Pattern, err)
		}
		known := s.own.Configured[configured.Pattern]
		if known.Source == source {
			if present, err := s.present(ctx, known.Serving); err != nil {
				return err
			} else if present {
				continue
			}
		}
		s.log.Info("building the reference that the configuration names", "pattern", configured.Pattern)
		made, err := configured.Load(ctx)
		if err != nil {
			return fmt.Errorf("building the reference of %q: %w", configured.Pattern, err)
		}
		from := windows.Unset
		if n := len(known.Serving); n > 0 && known.Serving[n-1].ID != made.ID {
			model := s.options.Model(configured.Pattern)
			from = s.boundary(model.Settings)
		} else if n > 0 {
			from = known.Serving[n-1].GridFrom
			known.Serving = known.Serving[:n-1]
		}
		if err := s.serve(ctx, made); err != nil {
			return err
		}
		known.Source = source
		known.Serving = append(known.Serving, alerts.Serving{ID: made.ID, Kind: made.Kind, Rows: made.Rows, GridFrom: from, ServesFrom: from})
		if s.own.Configured == nil {
			s.own.Configured = make(map[string]alerts.Configured)
		}
		s.own.Configured[configured.Pattern] = known
		name := alerts.Version{Model: configured.Pattern, Version: "*"}
		if err := s.commit(ctx, s.referenceRecords(name, made, from), nil); err != nil {
			return err
		}
		if err := s.options.Store.PersistReference(ctx, made.ID); err != nil {
			return fmt.Errorf("keeping the reference of %q in Redis: %w", configured.Pattern, err)
		}
	}
	return nil
}

// present reports whether Redis still serves the references.
func (s *shard) present(ctx context.Context, servings []alerts.Serving) (bool, error) {
	for _, serving := range servings {
		_, err := s.options.Store.ReferenceHead(ctx, serving.ID)
		if errors.Is(err, redisstore.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("looking for reference %s in Redis: %w", serving.ID, err)
		}
	}
	return true, nil
}

// boundary is the first moment at which a change may take effect: no partition
// has opened a pane at or after it.
func (s *shard) boundary(settings *alerts.Settings) windows.Timestamp {
	if s.own.Through == windows.Unset {
		return windows.Unset
	}
	horizon := settings.Definition.Horizon(settings.MaxAhead)
	// Strictly after T + H, where a pane may start already.
	return settings.Definition.Boundary(s.own.Through.Add(horizon) + 1)
}

// A request asks for a reference that Redis holds to be put in force for a
// version.
type request struct {
	Model     string `json:"model"`
	Version   string `json:"version"`
	Reference string `json:"reference"`
}

// EncodeRequest writes the value of a request record.
func EncodeRequest(v alerts.Version, id string) ([]byte, error) {
	return json.Marshal(request{Model: v.Model, Version: v.Version, Reference: id})
}

// takeRequests puts references that people loaded in force.
func (s *shard) takeRequests(ctx context.Context) error {
	s.tail.drain(s.takeReferenceRecord)
	for key, r := range s.requests {
		delete(s.requests, key)
		if err := s.load(ctx, key, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *shard) load(ctx context.Context, key alerts.Version, r request) error {
	tombstone := s.referenceRecord(RequestKey(key), nil, nil)
	head, parts, err := s.options.Store.Reference(ctx, r.Reference)
	if errors.Is(err, redisstore.ErrNotFound) {
		s.log.Error("a loaded reference is no longer in Redis: load it again", "model", key.Model, "version", key.Version, "reference", r.Reference)
		return s.commit(ctx, []*kgo.Record{tombstone}, nil)
	}
	if err != nil {
		return fmt.Errorf("reading loaded reference %s: %w", r.Reference, err)
	}
	loaded, err := reference.Decode(head, parts)
	if err != nil {
		s.log.Error("a loaded reference cannot be read and is left out", "model", key.Model, "version", key.Version, "error", err)
		return s.commit(ctx, []*kgo.Record{tombstone}, nil)
	}
	v := s.versions[key]
	if v == nil {
		v = &version{progress: alerts.NewProgress(key)}
	}
	if n := len(v.progress.References); n > 0 && v.progress.References[n-1].ID == loaded.ID {
		return s.commit(ctx, []*kgo.Record{tombstone}, nil)
	}
	from := s.boundary(s.options.Model(key.Model).Settings)
	after := *v.progress
	after.References = append(append([]alerts.Serving{}, after.References...),
		alerts.Serving{ID: loaded.ID, Kind: loaded.Kind, Rows: loaded.Rows, GridFrom: from, ServesFrom: from})
	after.Draft = nil
	records := append(s.referenceRecords(key, loaded, from), tombstone)
	records = append(records, s.draftRecords(key, v.draft, nil)...)
	if err := s.commit(ctx, records, []*alerts.Progress{&after}); err != nil {
		return err
	}
	s.versions[key] = &version{progress: &after}
	if err := s.options.Store.PersistReference(ctx, loaded.ID); err != nil {
		return fmt.Errorf("keeping reference %s in Redis: %w", loaded.ID, err)
	}
	s.log.Info("a loaded reference takes effect", "model", key.Model, "version", key.Version, "reference", loaded.ID, "from", from.String())
	return s.publish(ctx)
}

// referenceCache keeps the decoded references that windows were last compared
// with.
type referenceCache struct {
	store *redisstore.Store
	cache *lru.Cache[string, *reference.Reference]
}

// cachedReferences bounds the cache: with 20 features of 10,000 values a
// reference takes about two megabytes.
const cachedReferences = 64

func newReferenceCache(store *redisstore.Store) *referenceCache {
	cache, err := lru.New[string, *reference.Reference](cachedReferences)
	if err != nil {
		panic("kafka: " + err.Error()) // only a size below one is refused
	}
	return &referenceCache{store: store, cache: cache}
}

func (c *referenceCache) get(ctx context.Context, id string) (*reference.Reference, error) {
	if r, ok := c.cache.Get(id); ok {
		return r, nil
	}
	r, err := readReference(ctx, c.store, id)
	if err != nil {
		return nil, err
	}
	c.cache.Add(id, r)
	return r, nil
}

// readReference reads the serving copy of a reference.
func readReference(ctx context.Context, store *redisstore.Store, id string) (*reference.Reference, error) {
	head, parts, err := store.Reference(ctx, id)
	if err != nil {
		return nil, err
	}
	return reference.Decode(head, parts)
}
