package kafka

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// marks is the last that is known of every input partition that a shard waits
// for, polled once for all shards of the instance.
type marks struct {
	store *redisstore.Store

	mu      sync.Mutex
	wanted  map[int][]windows.PartitionID           // by shard; guarded by mu
	all     map[windows.PartitionID]redisstore.Mark // replaced, never changed; guarded by mu
	asked   time.Time                               // when all was asked for; guarded by mu
	changed chan struct{}                           // closed and replaced with every reading; guarded by mu
}

func newMarks(store *redisstore.Store) *marks {
	return &marks{store: store, wanted: make(map[int][]windows.PartitionID), changed: make(chan struct{})}
}

// want says which partitions a shard waits for; none: it is owned no more.
func (m *marks) want(shard int, ids []windows.PartitionID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(ids) == 0 {
		delete(m.wanted, shard)
		return
	}
	m.wanted[shard] = ids
}

// union lists each wanted partition once.
func (m *marks) union() []windows.PartitionID {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := make(map[windows.PartitionID]bool)
	var ids []windows.PartitionID
	for _, wanted := range m.wanted {
		for _, id := range wanted {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// follow polls until the context ends.
func (m *marks) follow(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	failing := false
	for {
		ids := m.union()
		asked := time.Now()
		read, err := m.store.Marks(ctx, ids)
		switch {
		case err == nil:
			all := make(map[windows.PartitionID]redisstore.Mark, len(ids))
			for i, id := range ids {
				all[id] = read[i]
			}
			m.mu.Lock()
			m.all, m.asked = all, asked
			close(m.changed)
			m.changed = make(chan struct{})
			m.mu.Unlock()
			if failing {
				log.Info("reading the watermarks works again")
			}
		case ctx.Err() == nil && !failing:
			log.Warn("reading the watermarks failed: nothing closes until it works again", "error", err)
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// read returns what is known, and a channel that is closed at the next reading.
func (m *marks) read() (map[windows.PartitionID]redisstore.Mark, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all, m.changed
}

// at is when what is known was so; the zero time while nothing is.
func (m *marks) at() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

// of picks the marks of inputs, in their order.
func of(inputs []input, all map[windows.PartitionID]redisstore.Mark) []redisstore.Mark {
	picked := make([]redisstore.Mark, len(inputs))
	for i, in := range inputs {
		picked[i] = all[in.id]
	}
	return picked
}

// lowest is the lowest watermark of the partitions that are waited for: Unset
// while one has none, or where there is none.
func lowest(inputs []input, marks []redisstore.Mark) windows.Timestamp {
	low := windows.Forever
	for i, in := range inputs {
		switch {
		case in.ended:
		case !marks[i].Found:
			return windows.Unset
		default:
			low = min(low, marks[i].Watermark)
		}
	}
	if low == windows.Forever {
		return windows.Unset
	}
	return low
}
