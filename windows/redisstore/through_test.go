//go:build unix

package redisstore

import (
	"errors"
	"reflect"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
)

func whatShardsHaveClosedOnlyGrows(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	ctx := t.Context()
	progress := windows.TopicID{1, 2, 3}
	one := []GridInForce{{Model: "m", Version: "1", EffectiveFrom: 5, GridID: "g1"}}
	two := append(one, GridInForce{Model: "p*", EffectiveFrom: windows.Unset, GridID: "g2", Pattern: true})

	if _, err := store.GridsInForce(ctx, progress, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("before anything was published: %v", err)
	}
	steps := []struct {
		name    string
		publish Through
		want    Through
	}{
		{"the first", Through{Through: windows.Unset, Generation: 3, Grids: nil}, Through{Through: windows.Unset, Generation: 3, Grids: nil}},
		{"grids of the same generation stay", Through{Through: 100, Generation: 3, Grids: one}, Through{Through: 100, Generation: 3, Grids: nil}},
		{"a new generation brings its grids", Through{Through: 1_700_000_000_123, Generation: 4, Grids: one}, Through{Through: 1_700_000_000_123, Generation: 4, Grids: one}},
		{"again", Through{Through: 1_700_000_000_123, Generation: 4, Grids: one}, Through{Through: 1_700_000_000_123, Generation: 4, Grids: one}},
		{"one millisecond", Through{Through: 1_700_000_000_124, Generation: 4, Grids: one}, Through{Through: 1_700_000_000_124, Generation: 4, Grids: one}},
		{"a zombie, further", Through{Through: 1_800_000_000_000, Generation: 3, Grids: two}, Through{Through: 1_700_000_000_124, Generation: 4, Grids: one}},
		{"a new owner that begins behind", Through{Through: 50, Generation: 5, Grids: two}, Through{Through: 1_700_000_000_124, Generation: 5, Grids: two}},
		{"it catches up", Through{Through: 1_700_000_000_125, Generation: 5, Grids: two}, Through{Through: 1_700_000_000_125, Generation: 5, Grids: two}},
	}
	if err := store.BeginThrough(ctx, progress, 1, "first"); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		step.publish.Owner, step.publish.Before = "first", -1
		for range 2 {
			if err := store.PublishThrough(ctx, progress, 1, step.publish); err != nil {
				t.Fatal(step.name, err)
			}
		}
		if got, err := store.GridsInForce(ctx, progress, 1); err != nil || !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: got %+v, %v; want %+v", step.name, got, err, step.want)
		}
		marks, err := store.Throughs(ctx, progress, 3)
		none := ThroughMark{Through: windows.Unset}
		if want := []ThroughMark{none, {true, step.want.Through, step.want.Generation}, none}; err != nil || !reflect.DeepEqual(marks, want) {
			t.Errorf("%s: got %+v, %v; want %+v", step.name, marks, err, want)
		}
	}
}

// What a shard's owner has put into Redis may go while it knows nothing of it. It
// is told when it next says what it has closed.
func anOwnerIsToldThatRedisHasLostWhatItSaid(t *testing.T, client redis.UniversalClient) {
	store := openStore(t, client)
	ctx := t.Context()
	progress := windows.TopicID{1, 2, 3}
	publish := func(before, generation int64, owner string) error {
		return store.PublishThrough(ctx, progress, 1, Through{Through: 100, Generation: generation, Owner: owner, Before: before})
	}
	if err := publish(-1, 7, "mine"); !errors.Is(err, ErrForgotten) {
		t.Errorf("an owner that never began: %v", err)
	}
	if err := store.BeginThrough(ctx, progress, 1, "mine"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := publish(-1, 7, "mine"); err != nil {
			t.Error(err)
		}
	}
	// What it published last is not there: a rollback to when it had begun.
	if err := publish(8, 9, "mine"); !errors.Is(err, ErrForgotten) {
		t.Errorf("after a rollback: %v", err)
	}
	if err := client.Del(ctx, store.throughKey(progress, 1)).Err(); err != nil {
		t.Fatal(err)
	}
	if err := publish(7, 8, "mine"); !errors.Is(err, ErrForgotten) {
		t.Errorf("after Redis was emptied: %v", err)
	}
	if marks, err := store.Throughs(ctx, progress, 2); err != nil || marks[1].Found {
		t.Errorf("an owner that Redis does not know wrote %v, %v", marks, err)
	}
	// Another one has begun and published: the first is a zombie, and ignored.
	if err := store.BeginThrough(ctx, progress, 1, "another's"); err != nil {
		t.Fatal(err)
	}
	if err := publish(-1, 9, "another's"); err != nil {
		t.Error(err)
	}
	if err := publish(7, 8, "mine"); err != nil {
		t.Errorf("a zombie: %v", err)
	}
}
