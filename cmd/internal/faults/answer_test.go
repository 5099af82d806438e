//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// imagined is a load that no broker has seen: every record is acknowledged at once.
func imagined(seed uint64, d time.Duration) map[place][]*kgo.Record {
	l := emptyLoad(seed, beginningFor(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
	l.waiting = func() int64 { return 0 }
	var acknowledged []func()
	l.deliver = func(r *kgo.Record, done func(*kgo.Record, error)) {
		acknowledged = append(acknowledged, func() {
			r.Offset = int64(len(l.records[place{name: r.Topic, partition: r.Partition}]))
			done(r, nil)
		})
	}
	for name, partitions := range map[string]int32{features: featuresPartitions, predictions: predictionsPartitions} {
		for partition := range partitions {
			l.targets = append(l.targets, &target{place: place{name: name, partition: partition}, fresh: true})
		}
	}
	slices.SortFunc(l.targets, func(a, b *target) int { return a.compare(b.place) })
	for range d / tickEvery {
		l.tick()
	}
	l.mark()
	for _, done := range acknowledged {
		done()
	}
	return l.records
}

func answerTo(t *testing.T, records map[place][]*kgo.Record) *answer {
	t.Helper()
	s := defaultSettings()
	config, err := writeConfig(t.TempDir(), "127.0.0.1:1", "127.0.0.1:2", &s)
	if err != nil {
		t.Fatal(err)
	}
	a, err := compute(t.Context(), config, history{records: records})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The load is worth its name: in two minutes every kind of window, test, alert and
// rejection comes up.
func TestTheLoadHasEverything(t *testing.T) {
	records := imagined(1, 2*time.Minute)
	a := answerTo(t, records)
	found := make(map[string]int)
	for _, value := range a.verdicts {
		var v struct {
			head
			Drifted   bool
			Late      int
			Reference *struct{ Kind string }
			Features  map[string]struct{ Method, Test string }
		}
		if err := json.Unmarshal(value, &v); err != nil {
			t.Fatal(err)
		}
		if v.Drifted {
			found["drift"]++
		} else {
			found["no drift"]++
		}
		if v.Late > 0 {
			found["late events"]++
		}
		if v.Reference != nil {
			found["reference "+v.Reference.Kind]++
		}
		if v.Model == "catalog" && v.Window.End.Sub(v.Window.Start) > 10*time.Second {
			found["a window that has grown"]++
		}
		for _, f := range v.Features {
			found[f.Test+" "+f.Method]++
		}
	}
	for _, value := range a.alerts {
		var v struct{ Status string }
		if err := json.Unmarshal(value, &v); err != nil {
			t.Fatal(err)
		}
		found[v.Status]++
	}
	for what, least := range map[string]int{
		"drift": 50, "no drift": 100, "late events": 100, "a window that has grown": 10, "firing": 10, "resolved": 10,
		"reference fixed": 50, "reference first": 50, "reference rolling": 20, "reference version": 10,
		"ks exact": 1, "ks sampled": 10, "ks binned": 10, "chi2 exact": 10,
	} {
		if found[what] < least {
			t.Errorf("%s: %d, want at least %d", what, found[what], least)
		}
	}
	if len(a.letters) < 300 {
		t.Errorf("%d dead letters, want at least 300", len(a.letters))
	}
	t.Logf("%d verdicts, %d alerts, %d letters; %v", len(a.verdicts), len(a.alerts), len(a.letters), found)
}

// The answer hangs on every record: without one, or with one twice, it is another.
func TestTheAnswerHangsOnEveryRecord(t *testing.T) {
	records := imagined(2, 15*time.Second)
	want := answerTo(t, records)
	if again := answerTo(t, imagined(2, 15*time.Second)); !sameAnswer(want, again) {
		t.Error("the same seed has another answer")
	}
	p := place{name: predictions, partition: 1}
	all := records[p]
	for _, i := range []int{0, len(all) / 3, len(all) / 2} {
		records[p] = slices.Delete(slices.Clone(all), i, i+1) // the others keep their offsets
		if sameAnswer(want, answerTo(t, records)) {
			t.Errorf("the answer is the same without record %d", i)
		}
		records[p] = numbered(slices.Insert(slices.Clone(all), i, all[i]))
		if sameAnswer(want, answerTo(t, records)) {
			t.Errorf("the answer is the same with record %d twice", i)
		}
	}
}

// numbered gives copies of records the offsets of a log.
func numbered(records []*kgo.Record) []*kgo.Record {
	for i, r := range records {
		moved := *r
		moved.Offset = int64(i)
		records[i] = &moved
	}
	return records
}

func sameAnswer(a, b *answer) bool {
	return maps.EqualFunc(a.verdicts, b.verdicts, bytes.Equal) && maps.EqualFunc(a.alerts, b.alerts, bytes.Equal) && maps.EqualFunc(a.letters, b.letters, bytes.Equal)
}

// The last events close everything before them.
func TestTheMarkerClosesEverythingBeforeIt(t *testing.T) {
	for name, size := range windowSizes() {
		if size[0]+size[1]+maxAhead >= markerAhead {
			t.Errorf("windows of %s may end after the last event", name)
		}
	}
}
