package windows

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// bounded is a partition of hours with limits, and its clock.
type bounded struct {
	*Partition
	t      *testing.T
	offset int64
}

func newBounded(t *testing.T, edit func(*Rules)) *bounded {
	t.Helper()
	definition := &Definition{Size: DurationSpan(time.Hour), Origin: Unset}
	if err := definition.Validate(); err != nil {
		t.Fatal(err)
	}
	settings := &Settings{Definition: definition, SampleSize: 256, ReferenceSize: 512}
	rules := Rules{
		Settings: func(string) *Settings { return settings },
		Grid: func(model, version string, _ Timestamp) (*Grid, bool) {
			if IsOther(model, version) {
				t.Errorf("a grid is asked for of %q %q", model, version)
			}
			return nil, true
		},
		Shards: 1, MaxAhead: time.Hour, Limits: Limits{Models: 2, Versions: 2, Features: 3, Categories: 3, TextBytes: 20, Panes: 4},
		Named: map[string]bool{"named": true}, ForgetAfter: 24 * time.Hour,
	}
	if edit != nil {
		edit(&rules)
	}
	b := &bounded{Partition: NewPartition(PartitionID{}, rules, 0), t: t}
	b.ClosedThrough(0, 0)
	return b
}

// offer gives an event at so many minutes.
func (b *bounded) offer(model, version string, minutes int, fields ...Field) (result Result, as string) {
	b.t.Helper()
	at := Timestamp(minutes) * 60_000
	result = b.Offer(&Observation{
		Offset: b.offset, Time: at, RecordTime: at, Model: []byte(model), Version: []byte(version),
		HasFeatures: true, Features: fields, IsPrediction: true, Status: []byte("ok"),
	})
	if result != Held {
		b.offset++
	}
	m, v := b.CountedAs()
	return result, m + "/" + v
}

// pane finds what is held of a model version in an hour.
func (b *bounded) pane(model, version string, hour int64) *Pane {
	for _, p := range b.HeldPanes() {
		if p.Key == (PaneKey{Model: model, Version: version, Index: hour}) {
			return p
		}
	}
	b.t.Helper()
	b.t.Fatalf("no pane of %q %q in hour %d", model, version, hour)
	return nil
}

func number(name string, x float64) Field {
	return Field{Name: []byte(name), Value: Value{Kind: Number, Number: x}}
}

func TestNamesBeyondTheLimitsAreCountedUnderOther(t *testing.T) {
	b := newBounded(t, nil)
	for _, line := range []struct{ model, version, as string }{
		{"a", "1", "a/1"},
		{"b", "1", "b/1"},
		{"c", "1", "__other__/"},         // a third model
		{"named", "1", "named/1"},        // has a place of its own
		{"a", "2", "a/2"},                // a second version
		{"a", "3", "a/__other__"},        // a third
		{"a", "1", "a/1"},                // which leaves the first alone
		{"d", "9", "__other__/"},         // and a fourth model
		{"__other__", "1", "__other__/"}, // whoever calls himself so is one of the others
		{"b", "__other__", "b/__other__"},
		{"named", "2", "named/2"},
		{"named", "3", "named/__other__"},
	} {
		if result, as := b.offer(line.model, line.version, 5, number("x", 1)); result != Accepted || as != line.as {
			t.Errorf("%s %s: result %d, counted as %s, want %s", line.model, line.version, result, as, line.as)
		}
	}
	other := b.pane(Other, "", 0)
	if other.Events != 3 || other.OverLimit != 3 || other.FeatureEvents != 3 || other.Requests["ok"] != 3 || len(other.Features) > 0 || other.Prediction != nil {
		t.Errorf("the bucket for models is %+v", other)
	}
	if p := b.pane("a", Other, 0); p.Events != 1 || len(p.Features) > 0 {
		t.Errorf("the bucket for versions is %+v", p)
	}
	if p := b.pane("a", "1", 0); p.Events != 2 || p.OverLimit != 0 || p.Features[0].Moments.Count != 2 {
		t.Errorf("a/1 is %+v", p)
	}
	exceeded := b.TakeExceeded()
	if want := (Exceeded{LimitModels: 3, LimitVersions: 3}); exceeded != want {
		t.Errorf("exceeded %v, want %v", exceeded, want)
	}
	if again := b.TakeExceeded(); again.Any() {
		t.Errorf("it is told twice: %v", again)
	}
}

func TestValuesBeyondTheLimitsAreCounted(t *testing.T) {
	b := newBounded(t, nil)
	text := func(s string) Field { return Field{Name: []byte("c"), Value: Value{Kind: Text, Text: []byte(s)}} }
	for _, s := range []string{"red", "green", "blue", "grey", "red", strings.Repeat("long", 6)} {
		b.offer("a", "1", 5, text(s))
	}
	for i := range 5 {
		b.offer("a", "1", 5, number(fmt.Sprint("x", i), 1))
	}
	p := b.pane("a", "1", 0)
	c := p.Features[0]
	if c.Others["red"] != 2 || len(c.Others) != 3 || c.Overflow != 2 {
		t.Errorf("%v, and %d beyond", c.Others, c.Overflow)
	}
	if len(p.Features) != 3 || p.OverLimit != 3 {
		t.Errorf("%d features, %d values beyond", len(p.Features), p.OverLimit)
	}
	if exceeded, want := b.TakeExceeded(), (Exceeded{LimitCategories: 2, LimitFeatures: 3}); exceeded != want {
		t.Errorf("exceeded %v, want %v", exceeded, want)
	}
}

// A name keeps its place while verdicts on it are due, so that names that change
// with every window do not become ever more versions.
func TestANameKeepsItsPlaceUntilItIsForgotten(t *testing.T) {
	b := newBounded(t, nil)
	closed := func(minutes int) { b.ClosedThrough(0, Timestamp(minutes)*60_000) }
	hour := func(h int, model, want string) {
		t.Helper()
		if result, as := b.offer(model, "1", h*60); result != Accepted || as != want {
			t.Errorf("hour %d, %s: result %d, counted as %s, want %s", h, model, result, as, want)
		}
		closed(h * 60)
	}
	hour(0, "a", "a/1")
	hour(0, "b", "b/1")
	for h := 1; h < 24; h++ {
		hour(h, fmt.Sprint("new-", h), "__other__/")
	}
	hour(24, "b", "b/1")
	hour(25, "a", "a/1") // last seen 25 hours ago, and still there when it comes
	for h := 26; h < 48; h++ {
		hour(h, fmt.Sprint("new-", h), "__other__/")
	}
	closed(48 * 60)
	hour(49, "late comer", "__other__/") // b ended at 25:00, and is forgotten when this has been closed
	hour(49, "c", "c/1")
	if len(b.streams) > 4 {
		t.Errorf("%d model versions are remembered", len(b.streams))
	}
}

func TestOpenWindowsAreLimited(t *testing.T) {
	b := newBounded(t, func(r *Rules) {
		definition := &Definition{Size: DurationSpan(time.Hour), Lateness: 100 * time.Hour, Origin: Unset}
		if err := definition.Validate(); err != nil {
			t.Fatal(err)
		}
		settings := &Settings{Definition: definition, SampleSize: 4}
		r.Settings = func(string) *Settings { return settings }
		r.MaxAhead = 1000 * time.Hour
	})
	for h := range 4 {
		if result, _ := b.offer("a", "1", h*60); result != Accepted {
			t.Fatalf("hour %d: result %d", h, result)
		}
	}
	if result, _ := b.offer("a", "1", 5*60); result != OverLimit || b.Watermark() != 5*3600_000 || b.NextOffset() != 5 {
		t.Errorf("result %d, watermark %v, next offset %d", result, b.Watermark(), b.NextOffset())
	}
	if result, _ := b.offer("a", "1", 3*60); result != Accepted {
		t.Errorf("a window that is open: result %d", result)
	}
	if exceeded, want := b.TakeExceeded(), (Exceeded{LimitPanes: 1}); exceeded != want {
		t.Errorf("exceeded %v, want %v", exceeded, want)
	}
}

// TestRoom: whatever comes, what a partition keeps stays in its room, a named model
// keeps every value, and all is given back.
func TestRoom(t *testing.T) {
	const most = 1 << 20
	room := NewRoom(most)
	limits := Limits{Models: 1000, Versions: 1000, Features: 1000, Categories: 1000}
	b := newBounded(t, func(r *Rules) { r.Room, r.Limits = room, limits })
	rng := rand.New(rand.NewPCG(5, 5))
	alone := newBounded(t, func(r *Rules) { r.Limits = limits })
	for i := range 200_000 {
		if i%1000 == 0 { // the honest one
			for _, p := range []*bounded{b, alone} {
				if result, as := p.offer("named", "1", 10, number("x", float64(i))); result != Accepted || as != "named/1" {
					t.Fatalf("result %d, counted as %s", result, as)
				}
			}
		}
		name := func(n int) string { return fmt.Sprint(rng.IntN(n)) }
		field := number(name(1500), rng.NormFloat64())
		if rng.IntN(3) == 0 {
			field.Value = Value{Kind: Text, Text: []byte(name(1 << 30))}
		}
		b.offer(name(1+i%20*100), name(3), 10, field)
		if taken := room.Taken(); taken > most {
			t.Fatalf("after %d events %d bytes are taken, of %d", i, taken, most)
		}
	}
	exceeded := b.TakeExceeded()
	if exceeded[LimitMemory] == 0 || exceeded[LimitMemory] > 200_000 {
		t.Errorf("exceeded %v", exceeded)
	}
	got, want := b.pane("named", "1", 0), alone.pane("named", "1", 0)
	if fmt.Sprint(got.Features[0].Sample.Sorted()) != fmt.Sprint(want.Features[0].Sample.Sorted()) || got.OverLimit > 0 || len(got.Features) != 1 {
		t.Errorf("the named model has %+v", got.Features[0])
	}
	var counted uint64
	for _, p := range b.HeldPanes() {
		counted += p.Events
	}
	if counted != 200_200 {
		t.Errorf("%d events are counted", counted)
	}
	b.Release()
	if taken := room.Taken(); taken != 0 {
		t.Errorf("%d bytes are still taken", taken)
	}
}

// Where there is no room for more values the samples of a pane become smaller, and
// remain samples of everything.
func TestSamplesShrinkWhereThereIsNoRoom(t *testing.T) {
	room := NewRoom(2 * (paneCost + 3*(featureCost+leastSample*valueCost) + 300*valueCost))
	small, large := newBounded(t, func(r *Rules) { r.Room = room }), newBounded(t, nil)
	for i := range 2000 {
		for _, p := range []*bounded{small, large} {
			p.offer("a", "1", 10, number("x", float64(i)), number("y", -float64(i)))
		}
	}
	got, want := small.pane("a", "1", 0), large.pane("a", "1", 0)
	size := got.SampleSize()
	if size >= 512 || size < leastSample || got.OverLimit == 0 {
		t.Fatalf("the samples are of %d values, %d values let go", size, got.OverLimit)
	}
	for i, f := range got.Features {
		expected := NewSample(size)
		expected.Merge(&want.Features[i].Sample)
		if fmt.Sprint(f.Sample.Sorted()) != fmt.Sprint(expected.Sorted()) {
			t.Errorf("%s is no bottom-k sample of %d values", f.Name, size)
		}
		if f.Moments != want.Features[i].Moments {
			t.Errorf("%s: the moments differ", f.Name)
		}
		if len(f.Sample.Fresh()) != f.Sample.Len() {
			t.Errorf("%s: %d of %d values are known to be fresh", f.Name, len(f.Sample.Fresh()), f.Sample.Len())
		}
	}
}

// What is restored from a checkpoint takes as much room as what was kept.
func TestARestoredPartitionTakesItsRoom(t *testing.T) {
	room := NewRoom(1 << 30)
	with := func(r *Rules) {
		r.Room, r.Limits = room, Limits{Models: 10, Versions: 10, Features: 10, Categories: 10}
	}
	b := newBounded(t, with)
	for i := range 3000 {
		b.offer(fmt.Sprint("m", i%3), "1", 10, number("x", float64(i)), Field{Name: []byte("c"), Value: Value{Kind: Text, Text: fmt.Append(nil, i%12)}})
	}
	taken, panes := room.Taken(), b.HeldPanes()
	again := newBounded(t, with)
	again.Restore(b.NextOffset(), b.Watermark(), Decisions{}, panes)
	if restored := room.Taken() - taken; restored != taken {
		t.Errorf("%d bytes were taken, %d when restored", taken, restored)
	}
}
