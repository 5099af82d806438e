//go:build unix

package redisstore

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

func aReferenceIsKeptOnceItIsWanted(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	ctx := t.Context()
	head, grid := []byte("head\x00"), []byte("grid")
	parts := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("three"), 1000)}
	if _, _, err := store.Reference(ctx, "r1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	if err := store.PersistReference(ctx, "r1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("keeping what is not there: %v", err)
	}
	key, err := store.referenceKey("r1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := store.PutReference(ctx, "r1", head, grid, parts, time.Minute); err != nil {
			t.Fatal(err)
		}
		if ttl := client.TTL(ctx, key).Val(); ttl <= 0 || ttl > time.Minute {
			t.Errorf("the time limit is %v", ttl)
		}
	}
	for range 2 {
		if err := store.PersistReference(ctx, "r1"); err != nil {
			t.Fatal(err)
		}
	}
	// Somebody else comes late with the same: it stays.
	if err := store.PutReference(ctx, "r1", head, grid, parts, time.Minute); err != nil {
		t.Fatal(err)
	}
	if ttl := client.TTL(ctx, key).Val(); ttl != -1 {
		t.Errorf("a kept reference has the time limit %v", ttl)
	}
	gotHead, gotParts, err := store.Reference(ctx, "r1")
	if err != nil || !bytes.Equal(gotHead, head) || len(gotParts) != 3 || !bytes.Equal(gotParts[2], parts[2]) || len(gotParts[1]) != 0 {
		t.Errorf("got %q, %d parts, %v", gotHead, len(gotParts), err)
	}
	if got, err := store.ReferenceHead(ctx, "r1"); err != nil || !bytes.Equal(got, head) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := store.ReferenceGrid(ctx, "r1"); err != nil || !bytes.Equal(got, grid) {
		t.Errorf("got %q, %v", got, err)
	}
	// What is let go can be kept again.
	for range 2 {
		if err := store.ExpireReference(ctx, "r1", time.Minute); err != nil {
			t.Fatal(err)
		}
		if ttl := client.TTL(ctx, key).Val(); ttl <= 0 || ttl > time.Minute {
			t.Errorf("the time limit of a reference that was let go is %v", ttl)
		}
	}
	if err := store.PersistReference(ctx, "r1"); err != nil || client.TTL(ctx, key).Val() != -1 {
		t.Errorf("keeping what was let go: %v, and its time limit is %v", err, client.TTL(ctx, key).Val())
	}
	if err := store.ExpireReference(ctx, "r2", time.Minute); err != nil {
		t.Errorf("letting go of what is not there: %v", err)
	}
	for range 2 {
		if err := store.DeleteReference(ctx, "r1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.ReferenceHead(ctx, "r1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after: %v", err)
	}
}

func TestAReferenceHalfWrittenIsNotFoundAndExpires(t *testing.T) {
	server := miniredis.RunT(t)
	store := openStore(t, clientOf(t, &redis.Options{Addr: server.Addr()}))
	key, err := store.referenceKey("r1")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.scripts.referencePut.Run(t.Context(), store.client, []string{key}, 60_000, "p0", "part").Err(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Reference(t.Context(), "r1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := store.PersistReference(t.Context(), "r1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	server.FastForward(2 * time.Minute)
	if n := len(server.Keys()); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func TestIdsThatAreNoIdsAreRefused(t *testing.T) {
	store := openStore(t, clientOf(t, &redis.Options{Addr: miniredis.RunT(t).Addr()}))
	for _, id := range []string{"", "a}b", "a b", "ü", strings.Repeat("x", 129)} {
		if err := store.PutReference(t.Context(), id, nil, nil, nil, time.Minute); err == nil {
			t.Errorf("%q was taken for an id", id)
		}
	}
}

func TestGridsComeFromReferencesAndAreShared(t *testing.T) {
	store, err := Open(t.Context(), clientOf(t, &redis.Options{Addr: miniredis.RunT(t).Addr()}), "kolmo", nil)
	if err != nil {
		t.Fatal(err)
	}
	if g, err := store.Grid(t.Context(), ""); g != nil || err != nil {
		t.Errorf("no id gave %v, %v", g, err)
	}
	if _, err := store.Grid(t.Context(), "g1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	want := testGrid("g1")
	for _, id := range []string{"g1", "g2"} {
		if err := store.PutReference(t.Context(), id, nil, EncodeGrid(want), nil, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	one, err := store.Grid(t.Context(), "g1")
	if err != nil || !reflect.DeepEqual(one, want) {
		t.Fatal(one, err)
	}
	if two, err := store.Grid(t.Context(), "g1"); two != one || err != nil {
		t.Errorf("the grid was read twice: %v", err)
	}
	if _, err := store.Grid(t.Context(), "g2"); err == nil {
		t.Error("grid g1 was taken for g2")
	}
	runtime.KeepAlive(one)
}

func TestGridsNobodyUsesAreForgotten(t *testing.T) {
	loaded := 0
	cache := newGridCache(func(_ context.Context, id string) (*windows.Grid, error) {
		loaded++
		return testGrid(id), nil
	})
	if _, err := cache.get(t.Context(), "g"); err != nil {
		t.Fatal(err)
	}
	for forgotten := false; !forgotten; { // ends at the test's deadline if it never is
		runtime.GC()
		cache.mu.Lock()
		forgotten = len(cache.grids) == 0
		cache.mu.Unlock()
	}
	if _, err := cache.get(t.Context(), "g"); err != nil || loaded != 2 {
		t.Errorf("loaded %d times, %v", loaded, err)
	}
}
