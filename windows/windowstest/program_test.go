package windowstest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

// A world runs partitions the way the service does, in one goroutine and in a
// random order: each reads on when it may, and a closer closes what is due at
// the lowest watermark.
type world struct {
	t          *testing.T
	r          *rand.Rand
	rules      windows.Rules
	logs       []Log
	partitions []*windows.Partition
	next       []int
	emitted    map[[2]string]windows.Emitted
	panes      []map[windows.PaneKey]*windows.Pane // what a checkpoint would hold
	closed     windows.Timestamp
	out        []string
	forget     time.Duration

	// What progress would hold: what was closed through by the last commit, and
	// for each partition what was decided until then and may still be needed.
	rewind  windows.Rewind
	durable windows.Timestamp
	decided []windows.Decisions
	relied  []windows.Decisions // all that was ever decided so
	losses  int
	// furthest is how far each partition ever was.
	furthest []int
}

func (w *world) run() {
	idle := false
	for round := 0; ; round++ {
		if round > 1_000_000 {
			w.t.Fatal("the partitions wait for each other and never come to an end")
		}
		progressed := false
		for _, i := range w.r.Perm(len(w.partitions)) {
			for steps := 1 + w.r.IntN(20); steps > 0 && w.next[i] < len(w.logs[i].Records); steps-- {
				o := w.logs[i].Records[w.next[i]]
				if w.partitions[i].Offer(&o) == windows.Held {
					break
				}
				w.next[i]++
				w.furthest[i] = max(w.furthest[i], w.next[i])
				progressed = true
			}
			w.checkpoint(i)
			switch w.r.IntN(40) {
			case 0, 1, 2, 3, 4:
				w.crash(i)
			case 5:
				w.lose(i)
				progressed = true
			case 6, 7:
				// Taken to be idle in the middle of its log, and moved to where another is:
				// never before what it had read once, since then the log had more.
				if w.next[i] == w.furthest[i] {
					other := w.partitions[w.r.IntN(len(w.partitions))].Watermark()
					w.partitions[i].AdvanceIdle(other)
					w.checkpoint(i)
				}
			}
		}
		if w.close() {
			progressed = true
		}
		if progressed {
			continue
		}
		// Nothing moves by itself: whoever has read everything is idle.
		if !w.advanceIdle() {
			if idle {
				return
			}
			idle = true
		}
	}
}

// checkpoint keeps the panes by the fields that a store keeps.
func (w *world) checkpoint(i int) {
	p := w.partitions[i]
	snapshot := p.Snapshot()
	for _, pane := range snapshot.Changed {
		w.panes[i][pane.Key] = pane
	}
	for _, key := range snapshot.Dropped {
		delete(w.panes[i], key)
	}
	p.Checkpointed(snapshot)
}

// crash replaces the partition by one restored from its checkpoint.
func (w *world) crash(i int) {
	old := w.partitions[i]
	fresh := windows.NewPartition(old.ID, w.rules, 0)
	var panes []*windows.Pane
	for _, pane := range w.panes[i] {
		panes = append(panes, pane)
	}
	fresh.Restore(old.NextOffset(), old.Watermark(), old.Snapshot().Decisions.Clone(), panes)
	fresh.Decided(w.decided[i])
	for shard := range w.rules.Shards {
		fresh.ClosedThrough(shard, w.closed)
	}
	w.partitions[i] = fresh
}

// lose replaces the partition by one that has nothing but what progress holds. It
// reads again from the first record that a window still open may need.
func (w *world) lose(i int) {
	from := w.rewind.From(w.durable)
	first := slices.IndexFunc(w.logs[i].Records, func(o windows.Observation) bool { return o.RecordTime >= from })
	if first < 0 {
		first = len(w.logs[i].Records)
	}
	first = int(w.rewind.Offset(from, int64(first), w.decided[i]))
	fresh := windows.NewPartition(w.logs[i].ID, w.rules, int64(first))
	fresh.Restore(int64(first), windows.Unset, windows.Decisions{}, nil)
	fresh.Decided(w.decided[i])
	for shard := range w.rules.Shards {
		fresh.ClosedThrough(shard, w.closed)
	}
	w.partitions[i], w.next[i], w.panes[i] = fresh, first, make(map[windows.PaneKey]*windows.Pane)
	w.losses++
}

// commit makes durable what a close relies on.
func (w *world) commit() {
	w.durable = w.closed
	for i, p := range w.partitions {
		known := p.Snapshot().Decisions.Clone()
		w.relied[i] = w.relied[i].Union(known)
		w.decided[i] = w.decided[i].Union(known)
		w.decided[i].Forget(w.rewind.From(w.durable))
		p.Forget(w.rewind.From(w.closed))
	}
}

func (w *world) lowest() windows.Timestamp {
	low := windows.Forever
	for _, p := range w.partitions {
		low = min(low, p.Watermark())
	}
	return low
}

func (w *world) close() bool {
	low := w.lowest()
	if low <= w.closed {
		return false
	}
	counts := make(map[[2]string][]windows.PaneCount)
	for _, panes := range w.panes {
		for key, pane := range panes {
			k := [2]string{key.Model, key.Version}
			counts[k] = append(counts[k], windows.PaneCount{Index: key.Index, Events: pane.Events, Late: pane.Late})
		}
	}
	for key := range w.emitted {
		if counts[key] == nil {
			counts[key] = nil
		}
	}
	emitted := len(w.out)
	for key, list := range counts {
		for _, due := range w.rules.Settings(key[0]).Definition.Due(w.emitted[key], list, low, w.forget) {
			var parts []windows.Part
			for i, panes := range w.panes {
				for _, pane := range panes {
					if pane.Key.Model == key[0] && pane.Key.Version == key[1] && pane.Key.Index >= due.FirstPane && pane.Key.Index < due.EndPane {
						parts = append(parts, windows.Part{Partition: i, Pane: pane})
					}
				}
			}
			w.emitted[key] = due.After
			w.out = append(w.out, describe(Closed{Model: key[0], Version: key[1], Window: due, Parts: parts}))
		}
	}
	if len(w.out) > emitted || w.r.IntN(4) == 0 {
		w.commit() // of what was closed before; what closes now may be lost again
	}
	w.closed = low
	for _, p := range w.partitions {
		for shard := range w.rules.Shards {
			p.ClosedThrough(shard, low)
		}
	}
	return true
}

// advanceIdle moves the watermarks of idle partitions as their owners would.
func (w *world) advanceIdle() bool {
	low, end, allIdle := windows.Forever, windows.Unset, true
	for i, p := range w.partitions {
		end = max(end, p.LastEnd())
		if w.next[i] < len(w.logs[i].Records) {
			allIdle = false
			low = min(low, p.Watermark())
		}
	}
	if allIdle {
		low = end
	}
	moved := false
	for i, p := range w.partitions {
		if w.next[i] == len(w.logs[i].Records) && p.AdvanceIdle(low) {
			moved = true
		}
	}
	return moved
}

// describe writes everything about a window that a verdict could depend on.
func describe(c Closed) string {
	m := windows.Merge(c.Window.Interval, c.Parts)
	text := fmt.Sprintf("%s/%s %v after %+v: %d events, %d with features, %d predictions, %d late, requests %v",
		c.Model, c.Version, m.Interval, c.Window.After, m.Events, m.FeatureEvents, m.PredictionEvents, m.Late, m.Requests)
	for _, t := range append(slices.Clone(m.Features), m.Prediction, m.Latency) {
		if t == nil {
			continue
		}
		text += fmt.Sprintf("\n  %s: %+v nulls %d non-finite %d outliers %d bins %v categories %v overflow %d sample %v",
			t.Name, t.Moments, t.Nulls, t.NonFinite, t.Outliers, t.Bins, t.Categories, t.Overflow, t.Sample.Sorted())
	}
	return text
}

// randomLogs makes partitions whose clocks drift apart, with late events,
// events ahead of their records, silences and missing values.
func randomLogs(r *rand.Rand, partitions int) []Log {
	logs := make([]Log, partitions)
	for i := range logs {
		logs[i].ID = windows.PartitionID{Topic: windows.TopicID{9}, Partition: int32(i)}
		clock := windows.Timestamp(r.IntN(3600_000))
		for offset := range r.IntN(150) {
			clock += windows.Timestamp(r.IntN(300_000))
			if r.IntN(30) == 0 {
				clock += windows.Timestamp(r.IntN(20 * 3600_000))
			}
			o := windows.Observation{Offset: int64(offset), RecordTime: clock, Time: clock, HasFeatures: true, IsPrediction: r.IntN(2) == 0}
			switch r.IntN(10) {
			case 0:
				o.Time -= windows.Timestamp(r.IntN(4 * 3600_000))
			case 1:
				o.Time += windows.Timestamp(r.IntN(2 * 3600_000))
			}
			o.Model, o.Version = fmt.Appendf(nil, "m%d", r.IntN(3)), fmt.Appendf(nil, "%d", r.IntN(2))
			for _, name := range []string{"a", "b", "c"} {
				v := windows.Value{Kind: windows.Kind(r.IntN(5)), Number: r.NormFloat64()}
				if v.Kind == windows.Text || v.Kind == windows.Bool {
					v.Text = fmt.Appendf(nil, "t%d", r.IntN(4))
				}
				if r.IntN(5) > 0 {
					o.Features = append(o.Features, windows.Field{Name: []byte(name), Value: v})
				}
			}
			if o.IsPrediction {
				o.Prediction = windows.Value{Kind: windows.Number, Number: r.Float64()}
				o.Status = []byte([]string{"ok", "error", "503"}[r.IntN(3)])
				o.HasLatency, o.Latency = true, r.ExpFloat64()
			}
			logs[i].Records = append(logs[i].Records, o)
		}
	}
	return logs
}

// However partitions are interleaved, whatever crashes, whatever state is lost and
// whoever is taken to be idle: the windows are those that the reference program
// makes of the logs and of what was decided, value for value.
func TestPartitionsAgreeWithTheReferenceProgram(t *testing.T) {
	settings := map[string]*windows.Settings{}
	for i, spec := range []struct {
		size, every string
		lateness    time.Duration
		minEvents   uint64
	}{{"1h", "", 10 * time.Minute, 0}, {"2h", "40m", 0, 0}, {"1h", "", time.Minute, 12}} {
		d := &windows.Definition{Origin: windows.Unset, Lateness: spec.lateness, MinEvents: spec.minEvents}
		d.Size, _ = windows.ParseSpan(spec.size)
		if spec.every != "" {
			d.Every, _ = windows.ParseSpan(spec.every)
		}
		d.MaxSize, _ = windows.ParseSpan("6h")
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		settings[fmt.Sprintf("m%d", i)] = &windows.Settings{Definition: d, SampleSize: 8, ReferenceSize: 20}
	}
	grid := &windows.Grid{ID: "g", Features: []windows.FeatureGrid{
		{Name: "a", Type: windows.Numeric, Edges: []float64{-1, 0, 1}, LowFence: -2, HighFence: 2},
		{Name: "b", Type: windows.Categorical, Categories: []string{"t0", "t1"}},
	}}
	grid.Prepare()
	gridFrom := windows.Timestamp(20 * 3600_000)
	find := func(model, _ string, start windows.Timestamp) *windows.Grid {
		if model == "m0" || start >= gridFrom {
			return grid
		}
		return nil
	}
	total, losses := 0, 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 77))
		logs := randomLogs(r, 1+r.IntN(4))
		const maxAhead, forget = time.Hour, 3 * time.Hour
		limits := windows.Limits{Models: 100, Features: 100, Categories: 3}
		lookup := func(model string) *windows.Settings { return settings[model] }

		w := &world{
			t: t, r: r, logs: logs, next: make([]int, len(logs)), emitted: make(map[[2]string]windows.Emitted),
			closed: windows.Unset, forget: forget, durable: windows.Unset,
			rewind: windows.Rewind{MaxAhead: maxAhead}, decided: make([]windows.Decisions, len(logs)), relied: make([]windows.Decisions, len(logs)),
			furthest: make([]int, len(logs)),
			rules: windows.Rules{
				Settings: lookup, Shards: 2, MaxAhead: maxAhead, Limits: limits,
				Grid: func(model, version string, start windows.Timestamp) (*windows.Grid, bool) {
					return find(model, version, start), true
				},
			},
		}
		for _, log := range logs {
			w.partitions = append(w.partitions, windows.NewPartition(log.ID, w.rules, 0))
			w.panes = append(w.panes, make(map[windows.PaneKey]*windows.Pane))
		}
		for _, s := range settings {
			w.rewind.Definitions = append(w.rewind.Definitions, s.Definition)
		}
		w.run()
		losses += w.losses

		var want []string
		for i := range logs {
			logs[i].Advances = w.relied[i].Advances
		}
		program := Program{Settings: lookup, MaxAhead: maxAhead, ForgetAfter: forget, Limits: limits, Grid: find}
		program.Run(logs, func(c Closed) { want = append(want, describe(c)) })
		total += len(want)
		got := slices.Sorted(slices.Values(w.out))
		slices.Sort(want)
		if !reflect.DeepEqual(got, want) {
			for i := range max(len(got), len(want)) {
				var a, b string
				if i < len(got) {
					a = got[i]
				}
				if i < len(want) {
					b = want[i]
				}
				if a != b {
					t.Fatalf("seed %d: %d windows, want %d; the first that differs:\n%s\nwant\n%s", seed, len(got), len(want), a, b)
				}
			}
		}
	}
	if total < 1000 || losses < 500 {
		t.Errorf("only %d windows and %d losses in all: the logs are too thin to tell anything", total, losses)
	}
}
