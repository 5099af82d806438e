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
// byte for byte.
func TestReferencesOfEarlierWindows(t *testing.T) {
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
	if without != 7 || methods["binned"] < 100 {
		t.Errorf("%d days without a reference, want 7; by methods %v", without, methods)
	}
}

// keptWindows: the references topic and Redis hold the windows that are listed in
// the progress, and what was dropped goes.
func (s *stack) keptWindows(t *testing.T, name string) {
	t.Helper()
	type summary struct{ ID string }
	listed := make(map[string][]summary)
	for _, r := range s.records(t, name+".progress", time.Minute, func(all []*kgo.Record) bool { return len(all) > 0 }) {
		if p := (struct{ History []summary }{}); json.Unmarshal(r.Value, &p) == nil {
			listed[string(r.Key)] = p.History
		}
	}
	kept := make(map[string]bool)
	for _, history := range listed {
		for _, w := range history {
			kept[w.ID] = true
		}
	}
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
		case head.Kind != "window": // the one that made the grid
		case kept[id] != (ttl == -1):
			t.Errorf("%s is listed: %v, and its time limit is %v", id, kept[id], ttl)
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
