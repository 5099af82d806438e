package replay

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

const maxAhead = 20 * time.Minute

// settingsOf are those of every model of a test.
func settingsOf(t *testing.T, definition windows.Definition) *alerts.Settings {
	t.Helper()
	if err := definition.Validate(); err != nil {
		t.Fatal(err)
	}
	d := drift.Default()
	d.MinEvents = 5
	return &alerts.Settings{
		Settings: windows.Settings{Definition: &definition, SampleSize: 16, ReferenceSize: 64},
		MaxAhead: maxAhead, ForgetAfter: 5 * time.Hour, Drift: d, Policy: alerts.Policy{For: 1, Of: 1, ResolveAfter: 2},
	}
}

func rulesOf(settings *alerts.Settings, served *Served) Rules {
	return Rules{
		Model:      func(string) *alerts.Settings { return settings },
		Configured: func(string) *Served { return served },
		Limits:     windows.Limits{Models: 10, Features: 10, Categories: 10}, MaxAhead: maxAhead,
	}
}

// randomLogs are three partitions of a few hours, each roughly in order, with
// stragglers, events from the future and silences.
func randomLogs(r *rand.Rand) []windowstest.Log {
	logs := make([]windowstest.Log, 3)
	for i := range logs {
		logs[i].Topic = "predictions"
		logs[i].ID = windows.PartitionID{Topic: windows.TopicID{7}, Partition: int32(i)}
		now := windows.Timestamp(1_700_000_000_000).Add(time.Duration(r.IntN(90)) * time.Minute)
		for offset := range int64(r.IntN(250)) {
			now = now.Add(time.Duration(r.ExpFloat64() * float64(2*time.Minute)))
			if r.IntN(100) == 0 {
				now = now.Add(time.Duration(r.IntN(10)) * time.Hour)
			}
			at := now
			switch r.IntN(12) {
			case 0:
				at = at.Add(-time.Duration(r.IntN(240)) * time.Minute)
			case 1:
				at = at.Add(time.Duration(r.IntN(30)) * time.Minute)
			}
			logs[i].Records = append(logs[i].Records, windows.Observation{
				Offset: offset, RecordTime: now, Time: at, Model: fmt.Appendf(nil, "model-%d", r.IntN(2)), Version: []byte("1"),
				HasFeatures: true, Features: []windows.Field{
					{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: float64(r.IntN(20)) + float64(offset)/100}},
					{Name: []byte("c"), Value: windows.Value{Kind: windows.Text, Text: fmt.Appendf(nil, "%d", r.IntN(4))}},
				},
				IsPrediction: true, Prediction: windows.Value{Kind: windows.Number, Number: r.Float64()}, Status: []byte("ok"),
			})
		}
	}
	return logs
}

// programSays closes the logs by the single-threaded reference program.
func programSays(t *testing.T, rules Rules, logs []windowstest.Log) map[string][]byte {
	t.Helper()
	program := windowstest.Program{
		Settings: func(model string) *windows.Settings { return &rules.Model(model).Settings },
		MaxAhead: rules.MaxAhead, ForgetAfter: rules.Model("").ForgetAfter, Limits: rules.Limits,
		Grid: func(model, _ string, _ windows.Timestamp) *windows.Grid { return rules.Configured(model).Grid },
	}
	verdicts := make(map[string][]byte)
	progress := make(map[alerts.Version]*alerts.Progress)
	program.Run(logs, func(c windowstest.Closed) {
		v := alerts.Version{Model: c.Model, Version: c.Version}
		if progress[v] == nil {
			progress[v] = alerts.NewProgress(v)
		}
		out := alerts.Close(rules.Model(c.Model), alerts.Step{
			Progress: progress[v], Due: c.Window, Parts: c.Parts, Inputs: inputsOf(logs), Reference: rules.Configured(c.Model).Reference,
		})
		progress[v] = out.Progress
		collect(t, verdicts, &Closed{Version: v, Outcome: out})
	})
	return verdicts
}

func inputsOf(logs []windowstest.Log) []alerts.Input {
	inputs := make([]alerts.Input, len(logs))
	for i, log := range logs {
		inputs[i] = alerts.Input{Topic: log.Topic, ID: log.ID}
	}
	return inputs
}

func collect(t *testing.T, verdicts map[string][]byte, c *Closed) {
	t.Helper()
	value, err := c.Outcome.Verdict.Encode(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	key := c.Version.Model + " " + c.Outcome.Verdict.Window.Start.String()
	if verdicts[key] != nil {
		t.Errorf("%s closed twice", key)
	}
	verdicts[key] = value
}

// TestTheEngineIsTheReferenceProgram: whatever the order in which partitions get
// on, and for windows of every kind, the verdicts are those of the reference
// program.
func TestTheEngineIsTheReferenceProgram(t *testing.T) {
	hour := windows.DurationSpan(time.Hour)
	for name, definition := range map[string]windows.Definition{
		"hours":       {Size: hour, Lateness: 10 * time.Minute, Origin: windows.Unset},
		"overlapping": {Size: windows.DurationSpan(3 * time.Hour), Every: hour, Lateness: 5 * time.Minute, Origin: windows.Unset},
		"growing":     {Size: hour, MinEvents: 40, MaxSize: windows.DurationSpan(4 * time.Hour), Origin: windows.Unset},
	} {
		t.Run(name, func(t *testing.T) {
			settings := settingsOf(t, definition)
			served := Serve(reference.FromWindow(reference.Fixed, someWindow(), 64))
			rules := rulesOf(settings, served)
			closed := 0
			for seed := range uint64(50) {
				r := rand.New(rand.NewPCG(seed, 1))
				logs := randomLogs(r)
				want := programSays(t, rules, logs)
				got := make(map[string][]byte)
				engine := NewEngine(rules, inputsOf(logs), func(c *Closed) error { collect(t, got, c); return nil })
				feed(t, r, engine, logs)
				for key := range want {
					if !bytes.Contains(want[key], []byte(`"sample":[{"topic":"predictions"`)) && !bytes.Contains(want[key], []byte(`"events":0,`)) {
						t.Fatalf("seed %d: %s names no event: %s", seed, key, want[key])
					}
					if !bytes.Equal(got[key], want[key]) {
						t.Fatalf("seed %d: %s is\n%s\nwant\n%s", seed, key, got[key], want[key])
					}
				}
				if len(got) != len(want) {
					t.Fatalf("seed %d: closed are %v, want %v", seed, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
				}
				closed += len(want)
			}
			if closed < 300 {
				t.Errorf("only %d windows were compared", closed)
			}
		})
	}
}

// feed gives the engine the logs, partitions by chance, and fails when all wait.
func feed(t *testing.T, r *rand.Rand, e *Engine, logs []windowstest.Log) {
	t.Helper()
	next, ended := make([]int, len(logs)), make([]bool, len(logs))
	for waiting := 0; slices.Contains(ended, false); {
		if waiting > 1000 {
			t.Fatal("all partitions wait for each other")
		}
		i := r.IntN(len(logs))
		if next[i] == len(logs[i].Records) {
			if !ended[i] {
				ended[i], waiting = true, 0
				if err := e.End(i); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		o := logs[i].Records[next[i]]
		result, err := e.Offer(i, &o)
		if err != nil {
			t.Fatal(err)
		}
		if result == windows.Held {
			waiting++
			continue
		}
		next[i]++
		waiting = 0
	}
}

// someWindow is what references of these tests are made of.
func someWindow() *windows.Window {
	all := windows.Interval{Start: 0, End: 1}
	pane := windows.NewPane(windows.PaneKey{}, all, nil, 64, windows.Limits{Features: 10, Categories: 10})
	for i := range 200 {
		pane.Count(&windows.Observation{HasFeatures: true, Features: []windows.Field{
			{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: float64(i % 37)}},
			{Name: []byte("c"), Value: windows.Value{Kind: windows.Text, Text: fmt.Appendf(nil, "%d", i%3)}},
		}}, windows.RowHash(uint64(i)))
	}
	return windows.Merge(all, []windows.Part{{Pane: pane}})
}

// TestAReferenceGrowsOutOfTheFirstWindows: three hours make it, and the windows
// after it are compared with it.
func TestAReferenceGrowsOutOfTheFirstWindows(t *testing.T) {
	settings := settingsOf(t, windows.Definition{Size: windows.DurationSpan(time.Hour), Origin: windows.Unset})
	settings.FirstWindows = 3
	var verdicts []*drift.Verdict
	engine := NewEngine(rulesOf(settings, nil), []alerts.Input{{}}, func(c *Closed) error {
		verdicts = append(verdicts, c.Outcome.Verdict)
		return nil
	})
	start := windows.TimestampOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for i := range int64(480) { // eight hours, of which the last two are shifted
		at := start.Add(time.Duration(i) * time.Minute)
		x := float64(i * 37 % 60)
		if i >= 360 {
			x += 40
		}
		result, err := engine.Offer(0, &windows.Observation{
			Offset: i, RecordTime: at, Time: at, Model: []byte("m"), HasFeatures: true,
			Features: []windows.Field{{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: x}}},
		})
		if err != nil || result != windows.Accepted {
			t.Fatalf("event %d: %v, %v", i, result, err)
		}
	}
	if err := engine.End(0); err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != 8 {
		t.Fatalf("%d windows, want 8", len(verdicts))
	}
	for i, v := range verdicts {
		f := v.Features["x"]
		if tested, drifted := f.Test != "", f.Drifted; tested != (i >= 3) || drifted != (i >= 6) {
			t.Errorf("hour %d: tested is %v and drifted %v, reference %+v", i, tested, drifted, v.Reference)
		}
		if i >= 3 && (v.Reference.Kind != reference.First || v.Reference.Rows != 180) {
			t.Errorf("hour %d: the reference is %+v", i, v.Reference)
		}
	}
}

// TestOpenWindowsAreAllThatIsKept: however long the log, panes of closed windows
// are let go of.
func TestOpenWindowsAreAllThatIsKept(t *testing.T) {
	settings := settingsOf(t, windows.Definition{Size: windows.DurationSpan(time.Hour), Lateness: 10 * time.Minute, Origin: windows.Unset})
	engine := NewEngine(rulesOf(settings, nil), []alerts.Input{{}, {ID: windows.PartitionID{Partition: 1}}}, func(*Closed) error { return nil })
	most := 0
	for i := range int64(20_000) {
		at := windows.Timestamp(1).Add(time.Duration(i) * time.Minute)
		for _, p := range []int{0, 1, 0} { // the first may have to wait for the second
			if p == 0 && engine.partitions[p].NextOffset() > i {
				continue
			}
			result, err := engine.Offer(p, &windows.Observation{Offset: i, RecordTime: at, Time: at, Model: []byte("m")})
			if err != nil || result != windows.Accepted && result != windows.Held {
				t.Fatalf("event %d: %v, %v", i, result, err)
			}
			most = max(most, engine.partitions[p].Panes(), len(engine.partitions[p].Snapshot().Dropped))
		}
		if engine.partitions[0].NextOffset() != i+1 || engine.partitions[1].NextOffset() != i+1 {
			t.Fatalf("event %d is still held", i)
		}
	}
	if most > 3 {
		t.Errorf("%d panes were open, or remembered, at once", most)
	}
}
