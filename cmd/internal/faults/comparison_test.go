//go:build unix

package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/windows"
)

const (
	firstVerdict  = `{"model":"m","version":"1","window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:01:00Z"}}`
	secondVerdict = `{"model":"m","version":"1","window":{"start":"2026-01-01T00:01:00Z","end":"2026-01-01T00:02:00Z"}}`
	firing        = `{"id":"a","status":"firing","window":{"end":"2026-01-01T00:02:00Z"}}`
)

func record(key, value string) *kgo.Record {
	return &kgo.Record{Key: []byte(key), Value: []byte(value)}
}

// What is compared is what kolmo promises: nothing lost, nothing twice, every byte.
func TestComparison(t *testing.T) {
	transition, err := transitionOf([]byte(firing))
	if err != nil {
		t.Fatal(err)
	}
	want := &answer{
		verdicts: map[string][]byte{"1": []byte(firstVerdict), "2": []byte(secondVerdict)},
		alerts:   map[string][]byte{transition: []byte(firing)},
		letters:  map[string][]byte{letterOf("predictions/0/7", nil): nil},
	}
	one, two := record("1", firstVerdict), record("2", secondVerdict)
	alert, letter := record("a", firing), &kgo.Record{Key: []byte("predictions/0/7")}
	tests := []struct {
		name                    string
		got                     published
		lost, duplicated, wrong int
	}{
		{name: "all is there", got: published{verdicts: []*kgo.Record{one, two}, alerts: []*kgo.Record{alert}, letters: []*kgo.Record{letter}}},
		{name: "a dead letter may come again", got: published{verdicts: []*kgo.Record{one, two}, alerts: []*kgo.Record{alert}, letters: []*kgo.Record{letter, letter}}},
		{name: "nothing is there", lost: 4},
		{name: "a verdict twice", duplicated: 1,
			got: published{verdicts: []*kgo.Record{one, two, record("2", secondVerdict)}, alerts: []*kgo.Record{alert}, letters: []*kgo.Record{letter}}, wrong: 1},
		{name: "an alert twice", duplicated: 1,
			got: published{verdicts: []*kgo.Record{one, two}, alerts: []*kgo.Record{alert, alert}, letters: []*kgo.Record{letter}}},
		{name: "out of order", wrong: 1,
			got: published{verdicts: []*kgo.Record{two, one}, alerts: []*kgo.Record{alert}, letters: []*kgo.Record{letter}}},
		{name: "other bytes", wrong: 1,
			got: published{verdicts: []*kgo.Record{one, record("2", secondVerdict+" ")}, alerts: []*kgo.Record{alert}, letters: []*kgo.Record{letter}}},
		{name: "a verdict too many", wrong: 1,
			got: published{verdicts: []*kgo.Record{one, two, record("3", `{"model":"n"}`)}, alerts: []*kgo.Record{alert}, letters: []*kgo.Record{letter}}},
		{name: "a dead letter of nothing", wrong: 1,
			got: published{verdicts: []*kgo.Record{one, two}, alerts: []*kgo.Record{alert}, letters: []*kgo.Record{letter, record("predictions/0/8", "")}}},
		{name: "a dead letter with other bytes", wrong: 1, lost: 1,
			got: published{verdicts: []*kgo.Record{one, two}, alerts: []*kgo.Record{alert}, letters: []*kgo.Record{record("predictions/0/7", "")}}},
		{name: "an alert that is none", wrong: 1,
			got: published{verdicts: []*kgo.Record{one, two}, alerts: []*kgo.Record{alert, record("b", "{")}, letters: []*kgo.Record{letter}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r row
			r.compare("the reader", want, &test.got)
			if r.lost != test.lost || r.duplicated != test.duplicated || r.wrong != test.wrong {
				t.Errorf("lost %d, duplicated %d, wrong %d; want %d, %d and %d: %q", r.lost, r.duplicated, r.wrong, test.lost, test.duplicated, test.wrong, r.details)
			}
			if r.failed() != (test.lost+test.duplicated+test.wrong > 0) || r.failed() != (len(r.details) > 0) {
				t.Errorf("failed is %v, the details are %q", r.failed(), r.details)
			}
		})
	}
}

// Whatever shard is hit, it has windows to close.
func TestEveryShardHasAVersion(t *testing.T) {
	has := make(map[int]bool)
	for _, s := range sources() {
		has[windows.Shard(s.model, s.version, shards)] = true
	}
	if len(has) != shards {
		t.Errorf("of %d shards only %v have versions", shards, has)
	}
}
