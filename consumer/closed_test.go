package consumer

import (
	"log/slog"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// Redis that is rolled back says that less is closed, and lacks the grids that came
// since. Partitions that may have begun panes by what was closed go on with the grids
// that were in force for them.
func TestGridsOutliveARollback(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	store, err := redisstore.Open(t.Context(), client, "kolmo", nil, redisstore.WithShards(1))
	if err != nil {
		t.Fatal(err)
	}
	progress := windows.TopicID{1}
	publish := func(through windows.Timestamp, generation int64, grids ...redisstore.GridInForce) {
		t.Helper()
		server.FlushAll()
		if err := store.BeginThrough(t.Context(), progress, 0, "owner"); err != nil {
			t.Fatal(err)
		}
		if err := store.PublishThrough(t.Context(), progress, 0, redisstore.Through{
			Through: through, Generation: generation, Grids: grids, Owner: "owner", Before: -1,
		}); err != nil {
			t.Fatal(err)
		}
	}
	c := newClosed(store, progress, 1, func(string) Model { return Model{} }, newLimitedLog(slog.New(slog.DiscardHandler)))
	refresh := func() {
		t.Helper()
		if err := c.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantGrid := func(when, want string) {
		t.Helper()
		if id, found, known := c.inForce("fraud", "1", 300); id != want || found != (want != "") || !known {
			t.Errorf("%s the grid is %q (%v, %v), want %q", when, id, found, known, want)
		}
	}
	publish(100, 5)
	refresh()
	wantGrid("before it is made", "")
	publish(200, 7, redisstore.GridInForce{Model: "fraud", Version: "1", EffectiveFrom: 300, GridID: "made"})
	refresh()
	wantGrid("once it is made", "made")
	publish(100, 5)
	refresh()
	wantGrid("after the rollback", "made")
	through := make([]windows.Timestamp, 1)
	if c.through(through); through[0] != 200 {
		t.Errorf("closed through %v after the rollback, want 200", through[0])
	}
	publish(400, 9, redisstore.GridInForce{Model: "fraud", Version: "1", EffectiveFrom: 300, GridID: "made"},
		redisstore.GridInForce{Model: "fraud", Version: "1", EffectiveFrom: 250, GridID: "another"})
	refresh()
	wantGrid("when its owner has put it back", "made")
}
