//go:build unix

package redisstore

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func mustBeFenced(t *testing.T, err error, why string) {
	t.Helper()
	if !errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), why) {
		t.Fatalf("got %v, want ErrFenced because %s", err, why)
	}
}

func aZombiesCheckpointIsRefused(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(1, 600)
	zombie := take(t, store)
	zombie.read(log, log[100].Offset)
	zombie.mustCommit(t)
	// It falls asleep; another instance takes over and gets on.
	owner := take(t, store)
	owner.read(log, log[200].Offset)
	zombie.read(log, log[300].Offset)
	_, err := zombie.commit(t.Context(), MarkFields{})
	mustBeFenced(t, err, "somebody else has claimed it")
	// It stays refused without asking, and releases nothing.
	_, err = zombie.commit(t.Context(), MarkFields{})
	mustBeFenced(t, err, "somebody else has claimed it")
	if err := zombie.claim.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	owner.mustCommit(t)
	mustHold(t, store, log, log[200].Offset)
}

func nothingIsCommittedAfterARelease(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(1, 100)
	i := take(t, store)
	i.read(log, log[50].Offset)
	i.mustCommit(t)
	for range 2 { // a reply may be lost
		if err := i.claim.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	i.read(log, log[60].Offset)
	_, err := i.commit(t.Context(), MarkFields{})
	mustBeFenced(t, err, "released")
	i.claim.fenced = nil // as if its reply had been lost
	_, err = i.commit(t.Context(), MarkFields{})
	mustBeFenced(t, err, "somebody else has claimed it")
	mustHold(t, store, log, log[50].Offset)
}

func nothingIsCommittedAfterRedisWasEmptied(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(1, 300)
	i := take(t, store)
	i.read(log, log[100].Offset)
	i.mustCommit(t)
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	i.read(log, log[200].Offset)
	_, err := i.commit(t.Context(), MarkFields{})
	mustBeFenced(t, err, "holds nothing of the partition any more")
	// Claimed again, it begins afresh, in an epoch that was there before, and
	// with blobs that were not.
	again := take(t, store)
	if again.epoch != 1 || again.state.NextOffset() != 0 {
		t.Fatalf("epoch %d at offset %d", again.epoch, again.state.NextOffset())
	}
	again.read(log, log[200].Offset)
	again.mustCommit(t)
	_, err = i.commit(t.Context(), MarkFields{})
	mustBeFenced(t, err, "")
	mustHold(t, store, log, log[200].Offset)
}

// Redis lost its last second: the manifest and its blobs are those of the
// checkpoint before. The token is the owner's, the sequence is not.
func TestACheckpointAfterARollbackIsRefused(t *testing.T) {
	t.Parallel()
	store := openStore(t, realRedis(t, nil))
	log := someLog(1, 400)
	i := take(t, store)
	i.read(log, log[100].Offset)
	i.mustCommit(t)
	before := backup(t, store)
	i.read(log, log[200].Offset)
	i.mustCommit(t)

	if err := store.client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for key, dump := range before {
		if err := store.client.Restore(t.Context(), key, 0, dump).Err(); err != nil {
			t.Fatal(err)
		}
	}
	i.read(log, log[300].Offset)
	_, err := i.commit(t.Context(), MarkFields{})
	mustBeFenced(t, err, "another checkpoint than the last one written")
	again := take(t, store)
	again.read(log, log[300].Offset)
	again.mustCommit(t)
	mustHold(t, store, log, log[300].Offset)
}

func backup(t *testing.T, store *Store) map[string]string {
	t.Helper()
	keys, err := store.client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	dumps := make(map[string]string)
	for _, key := range keys {
		if dumps[key], err = store.client.Dump(t.Context(), key).Result(); err != nil {
			t.Fatal(err)
		}
	}
	return dumps
}

// Scripts are run again when a reply is lost: the second run must change
// nothing and answer as well.
func everyScriptCanRunTwice(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	ctx := t.Context()
	log := someLog(1, 400)
	i := take(t, store)

	reply := func() string {
		return fmt.Sprint(store.scripts.claim.Run(ctx, client, []string{store.manifestKey(testPartition)}, i.claim.token[:]).Val())
	}
	if once, twice := reply(), reply(); once != twice || !strings.Contains(once, "[e 1") {
		t.Errorf("a claim repeated answered %q, then %q", once, twice)
	}

	i.read(log, lastOffset(log))
	i.mustCommit(t)
	closeAll(i.state, testShards, i.state.Watermark()-20_000)
	w, err := i.claim.encode(i.state.Snapshot(), MarkFields{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.writeBlobs(ctx, w.blobs); err != nil {
		t.Fatal(err)
	}
	if answer, err := i.claim.flip(ctx, w); answer != 1 || err != nil {
		t.Fatal(answer, err)
	}
	before := manifest(t, store)
	// Sent again, blobs and all, no named blob gets a time limit back.
	if err := store.writeBlobs(ctx, w.blobs); err != nil {
		t.Fatal(err)
	}
	mustBeTidy(t, store)
	if answer, err := i.claim.flip(ctx, w); answer != 2 || err != nil {
		t.Fatal(answer, err)
	}
	if !maps.Equal(manifest(t, store), before) {
		t.Error("the second run changed the manifest")
	}
}

func aCheckpointWithALostBlobIsRefused(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	log := someLog(1, 400)
	i := take(t, store)
	i.read(log, log[100].Offset)
	i.mustCommit(t)
	before := manifest(t, store)

	i.read(log, log[200].Offset)
	snapshot := i.state.Snapshot()
	w, err := i.claim.encode(snapshot, MarkFields{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.writeBlobs(t.Context(), w.blobs); err != nil {
		t.Fatal(err)
	}
	if err := client.Del(t.Context(), w.blobs[1].key).Err(); err != nil {
		t.Fatal(err)
	}
	if answer, err := i.claim.flip(t.Context(), w); answer != -4 || err != nil {
		t.Fatal(answer, err)
	}
	if !maps.Equal(manifest(t, store), before) {
		t.Error("a refused checkpoint changed the manifest")
	}
	mustBeTidy(t, store)
	i.mustCommit(t)
	mustHold(t, store, log, log[200].Offset)
}

func TestAClaimNamesALostBlob(t *testing.T) {
	t.Parallel()
	store := openStore(t, realRedis(t, nil))
	log := someLog(1, 100)
	i := take(t, store)
	i.read(log, lastOffset(log))
	i.mustCommit(t)
	keys := store.client.Keys(t.Context(), "kolmo:*:b:*").Val()
	if err := store.client.Del(t.Context(), keys[0]).Err(); err != nil {
		t.Fatal(err)
	}
	_, _, err := store.Claim(t.Context(), testPartition)
	if err == nil || errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), keys[0]) || !strings.Contains(err.Error(), "delete the key "+store.manifestKey(testPartition)) {
		t.Errorf("%v does not say what to do", err)
	}
}
