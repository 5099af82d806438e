package kafka

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// What a partition that has ended holds of a version is needed by whoever compares
// with that version, which another shard may close.
func TestWhatHasEndedIsKeptForEveryShardThatComparesWithIt(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	store, err := redisstore.Open(t.Context(), client, "kolmo", nil, redisstore.WithShards(2))
	if err != nil {
		t.Fatal(err)
	}
	minute, err := windows.ParseSpan("1m")
	if err != nil {
		t.Fatal(err)
	}
	definition := &windows.Definition{Origin: windows.Unset, Size: minute}
	if err := definition.Validate(); err != nil {
		t.Fatal(err)
	}
	settings := &alerts.Settings{Settings: windows.Settings{Definition: definition, SampleSize: 8, Compared: true}}
	progress, id := windows.TopicID{1}, windows.PartitionID{Topic: windows.TopicID{2}}
	claim, _, err := store.Claim(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	state := windows.NewPartition(id, windows.Rules{
		Settings: func(string) *windows.Settings { return &settings.Settings },
		Grid:     func(string, string, windows.Timestamp) (*windows.Grid, bool) { return nil, true },
		Shards:   2, MaxAhead: time.Minute, Limits: windows.Limits{Models: 10, Features: 10, Categories: 10},
	}, 0)
	for shard := range 2 {
		state.ClosedThrough(shard, 0)
	}
	if got := state.Offer(&windows.Observation{Time: 1000, RecordTime: 1000, Model: []byte("fraud"), Version: []byte("current")}); got != windows.Accepted {
		t.Fatalf("the event is %v", got)
	}
	if _, err := claim.Commit(t.Context(), state.Snapshot(), redisstore.MarkFields{}); err != nil {
		t.Fatal(err)
	}
	home := windows.Shard("fraud", "current", 2)
	other := 1 - home
	for _, test := range []struct {
		what            string
		home, other     windows.Timestamp // closed through; the window ends at 60,000
		atHome, atOther bool              // whether it is needed there
	}{
		{"open for both", 1000, 1000, true, true},
		{"closed where it belongs", 60_000, 1000, true, true},
		{"closed where it is compared with", 1000, 60_000, true, false},
		{"closed by both", 60_000, 60_000, false, false},
	} {
		for _, key := range client.Keys(t.Context(), "*:t").Val() {
			client.Del(t.Context(), key)
		}
		through := map[int]windows.Timestamp{home: test.home, other: test.other}
		for shard, moment := range through {
			if err := store.BeginThrough(t.Context(), progress, shard, "owner"); err != nil {
				t.Fatal(err)
			}
			if err := store.PublishThrough(t.Context(), progress, shard, redisstore.Through{Through: moment, Owner: "owner", Before: -1}); err != nil {
				t.Fatal(err)
			}
		}
		for number, want := range map[int]bool{home: test.atHome, other: test.atOther} {
			s := &shard{number: number, own: alerts.ShardProgress{Through: through[number]}, options: &Options{
				Store: store, Progress: progress, Shards: 2, Model: func(string) Model { return Model{Settings: settings} },
			}}
			needed, err := s.neededOfEnded(t.Context(), []windows.PartitionID{id})
			if err != nil {
				t.Fatal(err)
			}
			if needed[0] != want {
				t.Errorf("%s: shard %d, where it belongs %v, needs it %v, want %v", test.what, number, number == home, needed[0], want)
			}
		}
	}
}
