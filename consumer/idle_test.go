package consumer

import (
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// A partition is idle when it has reached the end that the broker gave at least
// so long ago. Silence alone is not enough.
func TestIdleIsNotSilence(t *testing.T) {
	const after = 30 * time.Second
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var i idleness
	step := func(wait time.Duration, nextOffset int64, quiet, want bool) {
		t.Helper()
		now = now.Add(wait)
		if got := i.judge(nextOffset, quiet, after, now); got != want {
			t.Fatalf("idle is %v, want %v", got, want)
		}
	}
	step(0, 100, false, false)
	step(time.Minute, 100, true, false) // quiet, but nobody has asked the broker
	if !i.wants() {
		t.Fatal("the broker is not asked")
	}
	i.answer(120, now) // there is more to read: a stalled fetch, not an idle partition
	step(after, 100, true, false)
	i.answer(120, now)
	step(after-1, 120, true, false) // reached, but the answer is too young
	step(1, 120, true, true)
	step(time.Second, 120, true, true) // stays idle while the next answer is awaited
	i.fetched()
	if i.is() {
		t.Fatal("idle although records came")
	}
	i.answer(500, now) // nobody asked
	step(time.Second, 120, true, false)
}

// What was idle when its broker last answered may not be any more, when the broker
// has long been silent: that is no partition without data.
func TestIdlenessIsConfirmedByTheBroker(t *testing.T) {
	const after = 30 * time.Second
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var i idleness
	i.judge(120, true, after, start)
	i.answer(120, start)
	if i.confirmed(after, start) {
		t.Error("confirmed before it was judged")
	}
	for round := range 100 { // each answer is judged when it is old enough, and the next one asked for
		asked := start.Add(time.Duration(round) * (after + time.Second))
		i.answer(120, asked)
		i.judge(120, true, after, asked.Add(after))
		if next := asked.Add(2*after + time.Second); !i.confirmed(after, next) {
			t.Fatalf("round %d: not confirmed a moment before the next answer is judged", round)
		}
	}
	last := start.Add(99 * (after + time.Second))
	if silent := last.Add(3 * after); !i.is() || i.confirmed(after, silent) {
		t.Errorf("90 s after the last answer: idle is %v and confirmed %v, want true and false", i.is(), i.confirmed(after, silent))
	}
}

func TestIdlePartitionsAdvanceWithTheOthers(t *testing.T) {
	const after = 10 * time.Second
	ids := []windows.PartitionID{{Partition: 0}, {Partition: 1}, {Partition: 2}}
	mark := func(watermark, lastEnd windows.Timestamp, idle bool) redisstore.Mark {
		return redisstore.Mark{Found: true, Watermark: watermark, LastEnd: lastEnd, Idle: idle}
	}
	unset := windows.Unset
	for _, c := range []struct {
		name  string
		marks []redisstore.Mark
		now   time.Time
		to    windows.Timestamp
		ok    bool
	}{
		{"to the lowest that is not idle", []redisstore.Mark{mark(1, 0, true), mark(500, 0, false), mark(300, 0, false)}, time.UnixMilli(1000), 300, true},
		{"past others that are idle", []redisstore.Mark{mark(1, 0, true), mark(500, 0, false), mark(2, 0, true)}, time.UnixMilli(1000), 500, true},
		{"not while one has read nothing", []redisstore.Mark{mark(1, 0, true), mark(unset, unset, false), mark(300, 0, false)}, time.UnixMilli(1000), unset, false},
		{"not while one is unknown", []redisstore.Mark{mark(1, 0, true), {}, mark(300, 0, false)}, time.UnixMilli(1000), 0, false},
		{"all idle: to the last end", []redisstore.Mark{mark(1, 50, true), mark(5, 70_000, true), mark(3, unset, true)}, time.UnixMilli(80_000), 70_000, true},
		{"all idle: not before the clock is past it", []redisstore.Mark{mark(1, 50, true), mark(5, 70_000, true), mark(3, unset, true)}, time.UnixMilli(79_999), 0, false},
		{"all idle and empty", []redisstore.Mark{mark(1, unset, true), mark(5, unset, true), mark(3, unset, true)}, time.UnixMilli(1000), 0, false},
	} {
		m := &marks{ids: ids, all: c.marks}
		to, ok := m.idleTarget(ids[0], c.now, after)
		if ok != c.ok || ok && to != c.to {
			t.Errorf("%s: %v %v, want %v %v", c.name, to, ok, c.to, c.ok)
		}
	}
}

func TestCountersWaitForTheCheckpoint(t *testing.T) {
	p := newPending()
	for n := range 300 {
		status := []byte("ok")
		if n%3 == 0 {
			status = []byte{'5', byte('0' + n%100/10), byte('0' + n%10)}
		}
		p.request("m", "1", status, 0.004, true)
	}
	m := p.models[modelKey{"m", "1"}]
	var total uint64
	for _, n := range m.requests {
		total += *n
	}
	if total != 300 || *m.requests["ok"] != 200 {
		t.Errorf("%d requests, %d of them ok", total, *m.requests["ok"])
	}
	if m.latency.counts[2] != 300 || m.latency.bounds[2] != 0.005 {
		t.Errorf("latencies of 4 ms are counted as %v", m.latency.counts)
	}
	var none *Metrics
	none.committed("predictions", &p)
	if len(p.models) != 0 {
		t.Error("what is committed is counted again")
	}
}
