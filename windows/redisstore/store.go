package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

// ErrFenced says that a claim has lost its partition: somebody else has claimed
// it, it was released, or Redis no longer holds the state that the claim has
// committed. What is in memory must be dropped and the partition claimed again.
var ErrFenced = errors.New("the claim has lost its partition")

// ErrMoved says that a blob is gone because a newer checkpoint replaced it:
// read the directory again.
var ErrMoved = errors.New("a newer checkpoint has replaced what the directory named")

// ErrNotFound says that Redis does not hold what was asked for.
var ErrNotFound = errors.New("not found in Redis")

// ErrCorrupt says that stored bytes cannot be read.
var ErrCorrupt = errors.New("stored bytes cannot be read")

// A Store reads and writes one installation's state. It is safe for use by
// several goroutines; the claims it gives out are not.
type Store struct {
	client  redis.UniversalClient
	prefix  string
	log     *slog.Logger
	shards  int // 0: not given, and nothing can be claimed
	scripts scripts
	grids   *gridCache
	at      func(Step) // nil: nobody wants to know
}

// An Option changes how Open opens a store.
type Option func(*Store)

// WithShards gives the number of shards, which partitions' directories are
// divided by. Claim needs it; a store that only reads does not.
func WithShards(shards int) Option { return func(s *Store) { s.shards = shards } }

// WithGridLoader replaces where grids come from; see SetGridLoader.
func WithGridLoader(load GridLoader) Option { return func(s *Store) { s.SetGridLoader(load) } }

// Open checks that Redis answers and that it never evicts keys, and returns a
// store whose keys begin with prefix. On a Cluster every master is checked. The
// error is a *PolicyError when Redis may evict keys.
//
// The client's timeouts bound every call: a context's deadline does so only if
// the client was made with ContextTimeoutEnabled.
func Open(ctx context.Context, client redis.UniversalClient, prefix string, log *slog.Logger, options ...Option) (*Store, error) {
	if prefix == "" || len(prefix) > 128 || strings.ContainsAny(prefix, "{}") {
		return nil, fmt.Errorf("opening the store: the key prefix %q must have 1 to 128 characters and no braces, which would change the slot of its keys", prefix)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{client: client, prefix: prefix, log: log}
	s.grids = newGridCache(s.loadGrid)
	for _, option := range options {
		option(s)
	}
	server, err := checkServers(ctx, client, log)
	if err != nil {
		return nil, err
	}
	s.scripts = newScripts(server.declaresScripts())
	return s, nil
}

// partitionKey is the beginning of a partition's keys, which share a slot.
func (s *Store) partitionKey(id windows.PartitionID) string {
	return fmt.Sprintf("%s:{%s/%d}", s.prefix, id.Topic, id.Partition)
}

func (s *Store) manifestKey(id windows.PartitionID) string { return s.partitionKey(id) + ":m" }

func (s *Store) markKey(id windows.PartitionID) string { return s.partitionKey(id) + ":w" }

func (s *Store) throughKey(progress windows.TopicID, shard int) string {
	return fmt.Sprintf("%s:{%s/%d}:t", s.prefix, progress, shard)
}

// referenceKey refuses ids that are not ours: they are part of a key.
func (s *Store) referenceKey(id string) (string, error) {
	ok := len(id) > 0 && len(id) <= 128
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == ':'
	}
	if !ok {
		return "", fmt.Errorf("%q is not the id of a reference: want 1 to 128 letters, digits and any of -_.: in it", id)
	}
	return s.prefix + ":{r/" + id + "}", nil
}
