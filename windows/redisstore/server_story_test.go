//go:build unix

package redisstore

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
	"github.com/kolmo-ml/kolmo/windows"
)

const testShards = 4

func realRedis(t testing.TB, settings map[string]string) *redis.Client {
	t.Helper()
	server := servers.Redis(t, func(o *local.RedisOptions) { o.Settings = settings })
	return clientOf(t, &redis.Options{Addr: server.Addr()})
}

func clientOf(t testing.TB, options *redis.Options) *redis.Client {
	t.Helper()
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// realCluster is a Redis Cluster of one node that owns all slots: it refuses
// keys of different slots in one step as a larger one does.
func realCluster(t testing.TB) *redis.ClusterClient {
	t.Helper()
	server := servers.Redis(t, func(o *local.RedisOptions) { o.Settings = map[string]string{"cluster-enabled": "yes"} })
	node := clientOf(t, &redis.Options{Addr: server.Addr()})
	if err := node.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{server.Addr()}})
	t.Cleanup(func() { _ = client.Close() })
	awaitCluster(t, node)
	return client
}

// awaitCluster waits for a node to call itself healthy.
func awaitCluster(t testing.TB, node *redis.Client) {
	t.Helper()
	for {
		info, err := node.ClusterInfo(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "cluster_state:ok") {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the cluster does not come up")
		}
	}
}

func openStore(t testing.TB, client redis.UniversalClient, options ...Option) *Store {
	t.Helper()
	grids := func(_ context.Context, id string) (*windows.Grid, error) { return testGrid(id), nil }
	options = append([]Option{WithShards(testShards), WithGridLoader(grids)}, options...)
	s, err := Open(t.Context(), client, "kolmo", slog.New(slog.NewTextHandler(t.Output(), nil)), options...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An instance owns a partition and reads traffic, as the consumer does.
type instance struct {
	store *Store
	claim *Claim
	state *windows.Partition
	epoch int64
}

func take(t testing.TB, store *Store) *instance {
	t.Helper()
	claim, state, err := store.Claim(t.Context(), testPartition)
	if err != nil {
		t.Fatal(err)
	}
	i := &instance{store: store, claim: claim, epoch: claim.Epoch()}
	i.state = windows.NewPartition(testPartition, testRules(testShards, testGrid("grid-1")), 0)
	if state.Found {
		i.state.Restore(state.NextOffset, state.Watermark, state.Decisions, state.Panes)
		if i.state.LastEnd() != state.LastEnd {
			t.Fatalf("the last end %v came back as %v", i.state.LastEnd(), state.LastEnd)
		}
	}
	closeAll(i.state, testShards, closedThrough)
	return i
}

// read offers the events of a log from where the instance stands.
func (i *instance) read(log []*windows.Observation, through int64) {
	for _, o := range log {
		if o.Offset >= i.state.NextOffset() && o.Offset <= through {
			i.state.Offer(o)
		}
	}
}

func (i *instance) commit(ctx context.Context, mark MarkFields) (Written, error) {
	snapshot := i.state.Snapshot()
	written, err := i.claim.Commit(ctx, snapshot, mark)
	if err == nil {
		i.state.Checkpointed(snapshot)
	}
	return written, err
}

func (i *instance) mustCommit(t testing.TB) Written {
	t.Helper()
	written, err := i.commit(t.Context(), MarkFields{})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func someLog(seed uint64, events int) []*windows.Observation {
	g := newTraffic(seed)
	log := make([]*windows.Observation, events)
	for i := range log {
		log[i] = g.next()
	}
	return log
}

// truth is what a partition holds that has read the log and never stopped.
func truth(log []*windows.Observation, through int64) []*windows.Pane {
	p := windows.NewPartition(testPartition, testRules(testShards, testGrid("grid-1")), 0)
	closeAll(p, testShards, closedThrough)
	i := &instance{state: p}
	i.read(log, through)
	return p.Snapshot().Changed
}

// mustHold checks that Redis holds what a partition holds that has read the log
// through an offset, and that no key is lost or left over.
func mustHold(t *testing.T, store *Store, log []*windows.Observation, through int64) {
	t.Helper()
	_, state, err := store.Claim(t.Context(), testPartition)
	if err != nil {
		t.Fatal(err)
	}
	if state.NextOffset != through+1 {
		t.Fatalf("the next offset is %d, want %d", state.NextOffset, through+1)
	}
	mustEqual(t, state.Panes, truth(log, through))
	mustBeTidy(t, store)
}

// mustBeTidy checks that every blob that a manifest names is there for good,
// and that every other one has a time limit.
func mustBeTidy(t *testing.T, store *Store) {
	t.Helper()
	ctx := t.Context()
	manifest, err := store.client.HGetAll(ctx, store.manifestKey(testPartition)).Result()
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for field, value := range manifest {
		if _, err := strconv.Atoi(strings.TrimPrefix(field, "s")); err != nil || field[0] != 's' {
			continue
		}
		entries, err := decodeDirectory([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		for i := range entries {
			named = entries[i].keys(named, store.partitionKey(testPartition))
		}
	}
	for _, key := range named {
		if ttl := store.client.TTL(ctx, key).Val(); ttl != -1 {
			t.Errorf("blob %s is named, and its time limit is %v", key, ttl)
		}
	}
	keys, err := store.client.Keys(ctx, "kolmo:*:b:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if !slices.Contains(named, key) && store.client.TTL(ctx, key).Val() < 0 {
			t.Errorf("blob %s is named nowhere and stays for ever", key)
		}
	}
}

func lastOffset(log []*windows.Observation) int64 { return log[len(log)-1].Offset }
