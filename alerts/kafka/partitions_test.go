package kafka

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
)

// told is what the brokers say of the inputs.
type told map[string]struct {
	id         byte
	partitions int
}

func (t told) Partitions() []windows.PartitionID {
	var ids []windows.PartitionID
	for _, topic := range t {
		for n := range topic.partitions {
			ids = append(ids, windows.PartitionID{Topic: windows.TopicID{topic.id}, Partition: int32(n)})
		}
	}
	return ids
}

func (t told) Topic(id windows.TopicID) string {
	for name, topic := range t {
		if topic.id == id[0] {
			return name
		}
	}
	return "unknown"
}

func (t told) Name(id windows.PartitionID) string {
	return fmt.Sprintf("%s/%d", t.Topic(id.Topic), id.Partition)
}

func (told) Changed() <-chan struct{} { return nil }

// A shard learns which partitions there are: it waits for each from then on, for
// good where the brokers do not know better, and for none whose topic is gone.
func TestWhichPartitionsAShardWaitsFor(t *testing.T) {
	s := &shard{log: slog.New(slog.DiscardHandler), closers: &Closers{marks: newMarks(nil)}}
	for _, step := range []struct {
		what    string
		brokers told
		news    bool
		want    string // in the order in which panes are merged; those that ended in brackets
	}{
		{"the first time", told{"predictions": {1, 2}, "features": {2, 1}}, true, "features/0#2 predictions/0#1 predictions/1#1"},
		{"the same", told{"predictions": {1, 2}, "features": {2, 1}}, false, "features/0#2 predictions/0#1 predictions/1#1"},
		{"one is added", told{"predictions": {1, 3}, "features": {2, 1}}, true, "features/0#2 predictions/0#1 predictions/1#1 predictions/2#1"},
		{"a broker that has not heard of it", told{"predictions": {1, 2}, "features": {2, 1}}, false, "features/0#2 predictions/0#1 predictions/1#1 predictions/2#1"},
		{"a topic is created anew", told{"predictions": {1, 3}, "features": {3, 2}}, true,
			"[features/0#2] features/0#3 features/1#3 predictions/0#1 predictions/1#1 predictions/2#1"},
		{"a broker that knows the old one", told{"predictions": {1, 3}, "features": {2, 1}}, false,
			"[features/0#2] features/0#3 features/1#3 predictions/0#1 predictions/1#1 predictions/2#1"},
		{"a topic is no input any more", told{"predictions": {1, 3}}, true,
			"[features/0#2] [features/0#3] [features/1#3] predictions/0#1 predictions/1#1 predictions/2#1"},
		{"it is one again", told{"predictions": {1, 3}, "features": {3, 2}}, true,
			"[features/0#2] features/0#3 features/1#3 predictions/0#1 predictions/1#1 predictions/2#1"},
	} {
		s.options = &Options{Inputs: step.brokers}
		if got := s.meet(); got != step.news {
			t.Errorf("%s: news %v", step.what, got)
		}
		var names []string
		for _, in := range s.inputs {
			name := fmt.Sprintf("%s#%d", in.name, in.id.Topic[0])
			if in.ended {
				name = "[" + name + "]"
			}
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != step.want {
			t.Errorf("%s: the shard waits for\n%s, want\n%s", step.what, got, step.want)
		}
	}
}

// What the shards say of the partitions, put together for those who claim them.
func TestWhatTheShardsHaveDecided(t *testing.T) {
	one, two := windows.PartitionID{Topic: windows.TopicID{1}}, windows.PartitionID{Topic: windows.TopicID{1}, Partition: 1}
	record := func(through windows.Timestamp, partitions map[string]alerts.Partition) *alerts.ShardProgress {
		return &alerts.ShardProgress{Through: through, Numbering: "hours", Partitions: partitions}
	}
	advances := []windows.Advance{{Offset: 5, From: 100, To: 200}, {Offset: 9, From: 300, To: 400}}
	first := record(300, map[string]alerts.Partition{
		one.String(): {Begun: true, Start: 3, Advances: advances[:1]}, two.String(): {},
	})
	second := record(200, map[string]alerts.Partition{one.String(): {Begun: true, Start: 3, Advances: advances}})
	got, err := decidedBy([]*alerts.ShardProgress{first, second})
	if err != nil {
		t.Fatal(err)
	}
	want := &windows.Decided{
		Shards: 2, Through: 200, Furthest: 300, Numbering: "hours",
		Partitions: map[windows.PartitionID]windows.Membership{
			one: {Waiting: 2, Begun: true, Decisions: windows.Decisions{Start: 3, Advances: advances}},
			two: {Waiting: 1},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, ok := got.Joins(two); ok {
		t.Error("a partition begins that a shard does not wait for")
	}
	second.Partitions[two.String()] = alerts.Partition{}
	back := windows.Timestamp(150)
	second.Reread, second.Numbering = &back, "days"
	if got, err = decidedBy([]*alerts.ShardProgress{first, second}); err != nil {
		t.Fatal(err)
	}
	if from, ok := got.Joins(two); !ok || from != 300 {
		t.Errorf("the partition begins at %v, %v; want where the furthest shard is", from, ok)
	}
	if got.Through != 150 || got.Numbering != "" {
		t.Errorf("shards with two definitions of windows have closed %v by %q", got.Through, got.Numbering)
	}
	if got, err = decidedBy([]*alerts.ShardProgress{first, nil}); err != nil || got.Through != windows.Unset {
		t.Errorf("with a shard that has said nothing everything is closed through %v, %v", got.Through, err)
	}
	if _, err = decidedBy([]*alerts.ShardProgress{record(1, map[string]alerts.Partition{"nonsense": {}})}); err == nil {
		t.Error("nonsense is a partition")
	}
}
