//go:build unix

package redisstore

import (
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

func setMaxMemory(t *testing.T, client redis.UniversalClient, bytes string) {
	t.Helper()
	if err := client.ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
		t.Fatal(err)
	}
}

func mustSayRedisIsFull(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), "raise maxmemory") {
		t.Fatalf("got %v, want that Redis is full, and what to do", err)
	}
}

func TestAFullRedisRefusesACheckpointAndTakesItLater(t *testing.T) {
	t.Parallel()
	store := openStore(t, realRedis(t, nil))
	log := someLog(1, 500)
	i := take(t, store)
	i.read(log, log[100].Offset)
	i.mustCommit(t)
	before := manifest(t, store)

	i.read(log, log[200].Offset)
	setMaxMemory(t, store.client, "1")
	_, err := i.commit(t.Context(), MarkFields{})
	mustSayRedisIsFull(t, err)
	if !maps.Equal(manifest(t, store), before) {
		t.Error("a refused checkpoint changed the manifest")
	}
	if _, _, err := store.Claim(t.Context(), testPartition); err == nil {
		t.Error("a full Redis took a claim")
	} else {
		mustSayRedisIsFull(t, err)
	}
	// Room is made; meanwhile the instance has read on.
	setMaxMemory(t, store.client, "0")
	i.read(log, log[300].Offset)
	i.mustCommit(t)
	mustHold(t, store, log, log[300].Offset)
}

// Redis fills up between the blobs and the script. A server that knows the
// script's first line refuses it before it begins; an older one refuses its
// first write. Nothing has changed either way.
func TestAScriptRefusedForWantOfMemoryChangesNothing(t *testing.T) {
	for _, declared := range []bool{true, false} {
		t.Run(map[bool]string{true: "declared", false: "not declared"}[declared], func(t *testing.T) {
			t.Parallel()
			store := openStore(t, realRedis(t, nil))
			if major := mustCheck(t, store.client).major; major < 7 {
				t.Fatalf("the server's version is %d", major)
			}
			store.scripts = newScripts(declared)
			log := someLog(1, 500)
			i := take(t, store)
			i.read(log, log[100].Offset)
			i.mustCommit(t)
			before, markBefore := manifest(t, store), store.client.Get(t.Context(), store.markKey(testPartition)).Val()

			i.read(log, log[200].Offset)
			w, err := i.claim.encode(i.state.Snapshot(), MarkFields{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := store.writeBlobs(t.Context(), w.blobs); err != nil {
				t.Fatal(err)
			}
			setMaxMemory(t, store.client, "1")
			_, err = i.claim.flip(t.Context(), w)
			mustSayRedisIsFull(t, explain(err))
			if !maps.Equal(manifest(t, store), before) || store.client.Get(t.Context(), store.markKey(testPartition)).Val() != markBefore {
				t.Error("a refused script changed the manifest or the mark")
			}
			for _, p := range w.blobs {
				if ttl := store.client.TTL(t.Context(), p.key).Val(); ttl <= 0 {
					t.Errorf("a new blob's time limit is %v", ttl)
				}
			}
			mustBeTidy(t, store)
			if declared { // what only lets go is never refused
				if err := i.claim.Release(t.Context()); err != nil {
					t.Error(err)
				}
				setMaxMemory(t, store.client, "0")
				i = take(t, store)
				i.read(log, log[200].Offset)
			}
			setMaxMemory(t, store.client, "0")
			i.mustCommit(t)
			mustHold(t, store, log, log[200].Offset)
		})
	}
}

func mustCheck(t *testing.T, client redis.UniversalClient) serverFacts {
	t.Helper()
	facts, err := checkServers(t.Context(), client, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func TestARedisThatEvictsIsRefused(t *testing.T) {
	t.Parallel()
	users := []string{"default on nopass ~* +@all", "noconfig on >secret ~* &* +@all -config", "blind on >secret ~* &* +@all -config -info"}
	server := servers.Redis(t, func(o *local.RedisOptions) {
		o.Settings = map[string]string{"maxmemory-policy": "allkeys-lru"}
		o.Users = users
	})
	for user, refused := range map[string]bool{"": true, "noconfig": true, "blind": false} {
		options := &redis.Options{Addr: server.Addr()}
		if user != "" {
			options.Username, options.Password = user, "secret"
		}
		var logged strings.Builder
		_, err := Open(t.Context(), clientOf(t, options), "kolmo", slog.New(slog.NewTextHandler(&logged, nil)))
		var policy *PolicyError
		switch {
		case refused && (!errors.As(err, &policy) || policy.Policy != "allkeys-lru" || policy.Address != server.Addr()):
			t.Errorf("user %q: got %v, want a PolicyError", user, err)
		case refused && !strings.Contains(err.Error(), "`redis-cli config set maxmemory-policy noeviction`"):
			t.Errorf("user %q: %v does not say what to run", user, err)
		case !refused && (err != nil || !strings.Contains(logged.String(), "noeviction")):
			t.Errorf("user %q: got %v, and the log says %q", user, err, logged.String())
		}
	}
	// The command that the error names mends it.
	client := clientOf(t, &redis.Options{Addr: server.Addr()})
	if err := client.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	openStore(t, client)
}

func TestAServerThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	client := clientOf(t, &redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	if _, err := Open(t.Context(), client, "kolmo", nil); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1: it does not answer") {
		t.Errorf("got %v", err)
	}
	for _, prefix := range []string{"", "a{b", "}", strings.Repeat("x", 200)} {
		if _, err := Open(t.Context(), client, prefix, nil); err == nil || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("prefix %q: got %v", prefix, err)
		}
	}
}
