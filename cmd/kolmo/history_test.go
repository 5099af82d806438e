package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

const (
	rollingFlights = `    window: {size: 1d, lateness: 10m}
    reference: {kind: rolling, windows: 7, size: 1400}
    sample_size: 300
    drift: {numeric: ks}
`
	seasonalFlights = `    window: {size: 1d}
    reference: {kind: seasonal, period: 1w, cycles: 3, size: 600}
    sample_size: 300
    drift: {numeric: ks}
`
)

// TestReferencesOfEarlierWindows: 154 days of flights, each compared with the
// seven before it, or with its weekday in the three weeks before. Three instances,
// two of which are killed in the middle, publish what the reference program says,
// byte for byte. What Redis then loses comes back from the references topic.
func TestReferencesOfEarlierWindows(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.emitFlights(t, "predictions", 4)
	logs := s.readLogs(t, "predictions", event.Limits{})
	models := map[string]string{"rolling": rollingFlights, "seasonal": seasonalFlights}
	configs, running := make(map[string]string), make(map[string][]*instance)
	for name, model := range models {
		configs[name] = s.write(t, setup{name: name, inputs: "{predictions: [predictions]}", model: model})
		for range 3 {
			running[name] = append(running[name], s.run(t, configs[name]))
		}
	}
	for kill := range 2 {
		count := 5 + 60*kill // while the first reference grows, and long after
		for name := range models {
			s.records(t, name+".verdicts", 2*time.Minute, func(all []*kgo.Record) bool { return len(all) >= count })
			running[name][kill].kill()
		}
	}
	for name := range models {
		want := programVerdicts(t, configs[name], logs)
		got := s.verdicts(t, name, len(want))
		running[name][2].stop()
		sameVerdicts(t, got, want)
		s.referencedDays(t, name, got)
		s.keptWindows(t, name)
		s.loseReferences(t, name)
		again := s.run(t, configs[name])
		s.awaitReferences(t, name)
		again.stop()
	}
}

// referencedDays looks at what the verdicts name.
func (s *stack) referencedDays(t *testing.T, kind string, verdicts map[string][]byte) {
	t.Helper()
	methods, without := make(map[string]int), 0
	for _, data := range verdicts {
		v := decodeJSON[struct {
			Reference *struct{ Kind string } `json:"reference"`
			Features  map[string]struct {
				Untested, Method string
			} `json:"features"`
		}](t, data)
		f := v.Features["dep_delay"]
		switch {
		case v.Reference == nil && f.Untested != "":
			without++
		case v.Reference != nil && v.Reference.Kind == kind:
			methods[f.Method]++
		default:
			t.Errorf("a verdict with the reference %+v has %+v", v.Reference, f)
		}
	}
	// How many are binned depends on which values are sampled, and that on the topic's
	// id: a grid made of others is replaced sooner or later.
	if without != 7 || methods["binned"] < 40 {
		t.Errorf("%d days without a reference, want 7; by methods %v", without, methods)
	}
}

// loseReferences deletes every grid and summary from Redis.
func (s *stack) loseReferences(t *testing.T, name string) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.redis})
	defer func() { _ = client.Close() }() // nothing is pending
	keys, err := client.Keys(t.Context(), name+":{r/*}").Result()
	if err != nil || len(keys) < 8 {
		t.Fatalf("%d references, %v", len(keys), err)
	}
	if err := client.Del(t.Context(), keys...).Err(); err != nil {
		t.Fatal(err)
	}
}

// awaitReferences waits until Redis keeps every window that the progress lists,
// and the grid.
func (s *stack) awaitReferences(t *testing.T, name string) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.redis})
	defer func() { _ = client.Close() }() // nothing is pending
	wanted := s.listedWindows(t, name)
	for deadline := time.Now().Add(60 * time.Second); len(wanted) > 0; <-time.After(50 * time.Millisecond) {
		for id := range wanted {
			if client.TTL(t.Context(), name+":{r/"+id+"}").Val() == -1 {
				delete(wanted, id)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d references have not come back: %v", name, len(wanted), wanted)
		}
	}
}

// listedWindows are the ids of the windows and grids that the progress lists.
func (s *stack) listedWindows(t *testing.T, name string) map[string]bool {
	t.Helper()
	type listed struct {
		ID string `json:"id"`
	}
	type lists struct {
		History    []listed `json:"history"`
		References []listed `json:"references"`
	}
	last := make(map[string]lists)
	for _, r := range s.records(t, name+".progress", time.Minute, func(all []*kgo.Record) bool { return len(all) > 0 }) {
		var p lists
		if json.Unmarshal(r.Value, &p) == nil { // others are not JSON
			last[string(r.Key)] = p
		}
	}
	ids := make(map[string]bool)
	for _, p := range last {
		for _, one := range append(p.History, p.References...) {
			ids[one.ID] = true
		}
	}
	return ids
}

// keptWindows: Redis keeps the windows and the grids that are listed in the
// progress, and what was dropped goes.
func (s *stack) keptWindows(t *testing.T, name string) {
	t.Helper()
	kept := s.listedWindows(t, name)
	client := redis.NewClient(&redis.Options{Addr: s.redis})
	defer func() { _ = client.Close() }() // nothing is pending
	var persistent, leaving int
	keys, err := client.Keys(t.Context(), name+":{r/*}").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		id := key[len(name)+len(":{r/") : len(key)-1]
		ttl := client.TTL(t.Context(), key).Val()
		var head struct{ Kind string }
		if err := json.Unmarshal([]byte(client.HGet(t.Context(), key, "head").Val()), &head); err != nil {
			t.Fatal(err)
		}
		switch {
		case kept[id] != (ttl == -1):
			t.Errorf("%s of kind %s is listed: %v, and its time limit is %v", id, head.Kind, kept[id], ttl)
		case head.Kind != "window": // it made a grid
		case kept[id]:
			persistent++
		default:
			leaving++
		}
	}
	if want := map[string]int{"rolling": 8, "seasonal": 21}[name]; persistent < want || persistent > want+1 || leaving < 100 {
		t.Errorf("%d windows are kept and %d leaving, want about %d and more than a hundred", persistent, leaving, want)
	}
}
