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
		{"the first", Through{windows.Unset, 3, nil}, Through{windows.Unset, 3, nil}},
		{"grids of the same generation stay", Through{100, 3, one}, Through{100, 3, nil}},
		{"a new generation brings its grids", Through{1_700_000_000_123, 4, one}, Through{1_700_000_000_123, 4, one}},
		{"again", Through{1_700_000_000_123, 4, one}, Through{1_700_000_000_123, 4, one}},
		{"one millisecond", Through{1_700_000_000_124, 4, one}, Through{1_700_000_000_124, 4, one}},
		{"a zombie, further", Through{1_800_000_000_000, 3, two}, Through{1_700_000_000_124, 4, one}},
		{"a new owner that begins behind", Through{50, 5, two}, Through{1_700_000_000_124, 5, two}},
		{"it catches up", Through{1_700_000_000_125, 5, two}, Through{1_700_000_000_125, 5, two}},
	}
	for _, step := range steps {
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
