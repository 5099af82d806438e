package windows

import (
	"testing"
	"time"
)

// Where windows of one version are compared with another's, a pane stays until
// every shard has closed its windows; otherwise until its own shard has.
func TestAPaneStaysForTheShardsThatReadIt(t *testing.T) {
	d := &Definition{Size: DurationSpan(time.Hour)}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	const shards = 3
	own := Shard("m", "1", shards)
	for _, compared := range []bool{false, true} {
		settings := &Settings{Definition: d, SampleSize: 10, Compared: compared}
		p := NewPartition(PartitionID{}, Rules{
			Settings: func(string) *Settings { return settings }, Shards: shards, MaxAhead: time.Hour,
			Grid:   func(string, string, Timestamp) (*Grid, bool) { return nil, true },
			Limits: Limits{Models: 10, Features: 10, Categories: 10},
		}, 0)
		at := Timestamp(10 * 3600_000)
		for shard := range shards {
			p.ClosedThrough(shard, at)
		}
		if got := p.Offer(&Observation{Model: []byte("m"), Version: []byte("1"), Time: at, RecordTime: at}); got != Accepted {
			t.Fatalf("the event is not accepted: %v", got)
		}
		end := at + 3600_000
		want := 1
		for i := range shards { // the version's own shard goes first
			p.ClosedThrough((own+i)%shards, end)
			if !compared || i == shards-1 {
				want = 0
			}
			if p.Panes() != want {
				t.Errorf("compared is %v: %d panes after %d shards have closed the window, want %d", compared, p.Panes(), i+1, want)
			}
		}
	}
}

// A partition runs no further ahead than the horizon of the slowest shard that
// reads its panes: otherwise a shard without an owner lets them pile up.
func TestPanesThatAnotherShardReadsAreBounded(t *testing.T) {
	d := &Definition{Size: DurationSpan(time.Hour)}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	const shards = 3
	settings := &Settings{Definition: d, SampleSize: 10, Compared: true}
	p := NewPartition(PartitionID{}, Rules{
		Settings: func(string) *Settings { return settings }, Shards: shards, MaxAhead: time.Hour,
		Grid:   func(string, string, Timestamp) (*Grid, bool) { return nil, true },
		Limits: Limits{Models: 10, Features: 10, Categories: 10},
	}, 0)
	at := Timestamp(10 * 3600_000)
	for shard := range shards {
		p.ClosedThrough(shard, at)
	}
	own := Shard("m", "1", shards)
	held := false
	for hour := range Timestamp(100) {
		now := at + hour*3600_000
		p.ClosedThrough(own, now) // the others have no owner
		held = p.Offer(&Observation{Model: []byte("m"), Version: []byte("1"), Time: now, RecordTime: now, Offset: int64(hour)}) == Held
		if held {
			break
		}
	}
	if !held || p.Panes() > 4 {
		t.Errorf("held is %v with %d panes: nothing bounds them", held, p.Panes())
	}
}
