package evidence

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// recount adds up what a history says it holds.
func recount(t *testing.T, h *History) {
	t.Helper()
	s := h.Stats()
	var windows, incidents int
	var size int64
	records, whole := 0, 0
	for _, v := range h.all(math.MaxInt) {
		windows += len(v.windows)
		incidents += len(v.incidents)
		own := versionOverhead + int64(len(v.id.Model)+len(v.id.Version)+len(v.id.Segment))
		lists := make(map[*nameList]int)
		for _, w := range v.windows {
			own += w.size
			if w.raw != nil {
				whole++
			}
			if r, ok := h.records.byPlace[w.place]; ok {
				records++
				size += recordOverhead + int64(len(r.value))
			}
			if lists[w.names]++; lists[w.names] == 1 {
				own += w.names.size
			}
		}
		for list, used := range lists {
			if list.used != used {
				t.Errorf("%v: %d windows have the names %q, counted are %d", v.id, used, list.names, list.used)
			}
		}
		for _, i := range v.incidents {
			own += i.size
		}
		if own != v.size {
			t.Errorf("%v counts %d bytes, and has %d", v.id, v.size, own)
		}
		size += own
	}
	if whole+records != s.Records || len(h.records.oldest) != records || h.records.bytes > h.limits.Records {
		t.Errorf("the history counts %+v, and has %d records of its windows", s, records)
	}
	if windows != s.Windows || incidents != s.Alerts || size != s.Bytes {
		t.Errorf("the history counts %+v, and has %d windows, %d alerts, %d bytes", s, windows, incidents, size)
	}
}

func TestAMillionVersions(t *testing.T) {
	h := NewHistory(Limits{Versions: 100})
	template := string(encode(t, storyVerdict("NAME", "1", 0, map[string]*drift.Feature{"x": {N: 10, Test: "ks"}})))
	before, after, _ := strings.Cut(template, "NAME")
	var largest int64
	const versions = 1_000_000
	// Decoding is what costs; a hundredth is read, the rest only touched.
	for i := range versions {
		name := fmt.Sprintf("model-%d", i)
		if i%100 == 0 {
			if err := h.AddVerdict([]byte(before + name + after)); err != nil {
				t.Fatal(err)
			}
		} else {
			h.mu.Lock()
			h.touch(alerts.Version{Model: name})
			h.mu.Unlock()
		}
		largest = max(largest, h.stats.Bytes)
	}
	s := h.Stats()
	if s.Versions != 100 || s.EvictedVersions != versions-100 {
		t.Errorf("of a million versions, %d are kept and %d were let go", s.Versions, s.EvictedVersions)
	}
	if largest > 1<<20 {
		t.Errorf("a hundred small versions took %d bytes", largest)
	}
	if len(h.versions) != h.recent.Len() {
		t.Errorf("%d versions by name, %d by time", len(h.versions), h.recent.Len())
	}
	recount(t, h)
}

func TestTheLeastRecentlyUpdatedVersionGoes(t *testing.T) {
	h := NewHistory(Limits{Versions: 2})
	verdict := func(model string, hour int) *drift.Verdict { return storyVerdict(model, "", hour, nil) }
	add(t, h, verdict("a", 0), verdict("b", 0), verdict("a", 1), verdict("c", 0))
	if _, ok := h.one(alerts.Version{Model: "b"}); ok {
		t.Error("b was heard of before a, and is kept")
	}
	if v, ok := h.one(alerts.Version{Model: "a"}); !ok || len(v.windows) != 2 {
		t.Error("a lost its windows")
	}
	if s := h.Stats(); s.EvictedVersions != 1 || s.EvictedWindows != 1 {
		t.Errorf("one version with one window went; counted are %+v", s)
	}
	recount(t, h)
}

func TestWindowsKeepTheirOrderAndTheirBound(t *testing.T) {
	h := NewHistory(Limits{Windows: 3})
	for _, hour := range []int{2, 0, 4, 4, 1, 3, 2} { // read twice, and out of order
		add(t, h, storyVerdict("m", "", hour, nil))
	}
	v, _ := h.one(alerts.Version{Model: "m"})
	var hours []int
	for _, w := range v.windows {
		hours = append(hours, int(w.start.Sub(storyStart).Hours()))
	}
	if fmt.Sprint(hours) != "[2 3 4]" {
		t.Errorf("the windows kept are those of the hours %v", hours)
	}
	recount(t, h)
}

func TestBytesAreBounded(t *testing.T) {
	features := map[string]*drift.Feature{"x": numericFeature(0.2, true)}
	one := int64(len(encode(t, storyVerdict("big", "", 0, features))))
	limit := 12 * one
	h := NewHistory(Limits{Bytes: limit})
	for hour := range 40 {
		add(t, h, storyVerdict("big", "", hour, features))
		if hour < 2 {
			add(t, h, storyVerdict("small", "", hour, features))
		}
		if got := h.Stats().Bytes; got > limit {
			t.Fatalf("%d bytes are held, of at most %d", got, limit)
		}
	}
	if v, ok := h.one(alerts.Version{Model: "small"}); !ok || len(v.windows) != 2 {
		t.Error("the model with few windows lost them to the one with many")
	}
	for i := range 100 {
		add(t, h, storyVerdict(fmt.Sprint(i), "", 0, features))
	}
	if s := h.Stats(); s.Bytes > limit || s.Versions < 5 || s.EvictedVersions == 0 {
		t.Errorf("after a hundred more models: %+v", s)
	}
	recount(t, h)

	tiny := NewHistory(Limits{Bytes: one / 2})
	if err := tiny.AddVerdict(encode(t, storyVerdict("big", "", 0, features))); err == nil || !strings.Contains(err.Error(), "whole history") {
		t.Errorf("a verdict larger than the history: %v", err)
	}
	recount(t, tiny)
}

func TestIncidents(t *testing.T) {
	h := NewHistory(Limits{Alerts: 2})
	m := alerts.Version{Model: "m", Version: "1"}
	firing := func(id string, hour int) *alerts.Alert { return storyAlert(id, "m", "1", alerts.Firing, hour) }
	resolved := func(id string, hour int) *alerts.Alert { return storyAlert(id, "m", "1", alerts.Resolved, hour) }

	addAlert(t, h, firing("a", 1), firing("a", 1), resolved("a", 4))
	v, _ := h.one(m)
	if len(v.incidents) != 1 || len(v.incidents[0].raw) != 2 || v.incidents[0].firing() {
		t.Fatalf("fired, fired again on a second reading, resolved: %+v", v.incidents)
	}
	addAlert(t, h, firing("a", 1))
	if v, _ = h.one(m); v.incidents[0].firing() {
		t.Error("reading the topic from its start fires what is resolved")
	}
	addAlert(t, h, firing("b", 6))
	addAlert(t, h, firing("c", 9))
	v, _ = h.one(m)
	if len(v.incidents) != 2 || v.incidents[0].id != "b" || v.incidents[1].id != "c" {
		t.Errorf("the resolved incident goes first; kept are %v and %v", v.incidents[0].id, v.incidents[1].id)
	}
	if s := h.Stats(); s.EvictedAlerts != 1 {
		t.Errorf("counted %+v", s)
	}
	recount(t, h)
}

func TestRecordsThatAreNone(t *testing.T) {
	h := NewHistory(Limits{})
	for record, want := range map[string]string{
		``:                         "reading a verdict",
		`[]`:                       "reading a verdict",
		`{"schema":2,"model":"m"}`: "its schema is 2",
		`{"schema":1}`:             "names no model",
		`{"schema":1,"model":"m","kind":"window","window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:00:00Z"}}`: "not after its start",
	} {
		if err := h.AddVerdict([]byte(record)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q as a verdict: %v", record, err)
		}
	}
	for record, want := range map[string]string{
		`x`:                        "reading an alert",
		`{"schema":3,"id":"a"}`:    "its schema is 3",
		`{"schema":1,"model":"m"}`: "no id",
		`{"schema":1,"id":"a"}`:    "names no model",
	} {
		if err := h.AddAlert([]byte(record)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q as an alert: %v", record, err)
		}
	}
	outcome := storyVerdict("m", "", 0, nil)
	outcome.Kind = "outcome"
	add(t, h, outcome)
	if s := h.Stats(); s.OtherKinds != 1 || s.Versions != 0 || s.Bytes != 0 {
		t.Errorf("after records that are none, and an outcome: %+v", s)
	}
}

func TestReadersAndWriters(t *testing.T) {
	h := NewHistory(Limits{Versions: 3, Windows: 4})
	handler := NewHandler(h, discard(), nil)
	var group sync.WaitGroup
	for writer := range 2 {
		records := make([][]byte, 60)
		for i := range records {
			records[i] = encode(t, storyVerdict(fmt.Sprint(i%5), "", i, map[string]*drift.Feature{"x": numericFeature(0.1, i%2 == 0)}))
		}
		group.Go(func() {
			for i, record := range records {
				if err := h.AddVerdict(record); err != nil {
					t.Error(err)
				}
				if err := h.AddAlert([]byte(fmt.Sprintf(`{"schema":1,"id":"%d-%d","status":"firing","model":"%d"}`, writer, i, i%5))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for reader := range 2 {
		group.Go(func() {
			for range 20 {
				get(t, handler, "")
				get(t, handler, alerts.ModelPath(alerts.Version{Model: fmt.Sprint(reader)}, time.Time{}))
				get(t, handler, "api/v1/alerts")
			}
		})
	}
	group.Wait()
	recount(t, h)
}

func FuzzRecords(f *testing.F) {
	f.Add(encode(f, storyVerdict("m", "1", 0, map[string]*drift.Feature{"x": numericFeature(0.2, true), "c": categoricalFeature(0.3, true)})))
	f.Add(encode(f, storyAlert("a", "m", "1", alerts.Firing, 0)))
	f.Add([]byte(`{"schema":1,"kind":"window","model":"m","window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"},"features":{"a":null,"b":{"quantiles":{"p":[0,1]},"counts":{"categories":["x"]}}}}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		h := NewHistory(Limits{Windows: 2, Bytes: 1 << 20})
		errVerdict, errAlert := h.AddVerdict(record), h.AddAlert(record)
		recount(t, h)
		if errVerdict != nil && errAlert != nil {
			return
		}
		handler := NewHandler(h, discard(), nil)
		parse(t, get(t, handler, "").Body.String())
		for _, v := range h.all(math.MaxInt) {
			parse(t, get(t, handler, alerts.ModelPath(v.id, time.Time{})).Body.String())
			if last := v.last(); last != nil {
				for _, name := range last.names.names {
					parse(t, get(t, handler, alerts.FeaturePath(v.id, last.start, name)).Body.String())
				}
			}
		}
	})
}
