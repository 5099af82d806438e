package redisstore

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

var testPartition = windows.PartitionID{Topic: windows.TopicID{0xca, 0xfe, 15: 7}, Partition: 3}

// closedThrough is what every shard has closed through: late enough for the
// panes of a minute of traffic to be opened, early enough for none to be
// dropped.
const closedThrough windows.Timestamp = 1_004_000

// testGrid knows a numeric feature, two categorical ones, one of them without
// categories, and the prediction.
func testGrid(id string) *windows.Grid {
	edges := make([]float64, windows.MaxEdges)
	for i := range edges {
		edges[i] = float64(i-500) / 100
	}
	g := &windows.Grid{ID: id, Features: []windows.FeatureGrid{
		{Name: "amount", Type: windows.Numeric, Edges: edges, LowFence: -2, HighFence: 2},
		{Name: "country", Type: windows.Categorical, LowFence: math.Inf(-1), HighFence: math.Inf(1), Categories: []string{"DE", "FR", "US"}},
		{Name: "empty", Type: windows.Categorical, LowFence: math.Inf(-1), HighFence: math.Inf(1)},
		{Name: windows.PredictionName, Type: windows.Numeric, Edges: []float64{0.25, 0.5, 0.75}, LowFence: 0, HighFence: 1},
	}}
	g.Prepare()
	return g
}

// A traffic draws events of several models, with everything that an event can
// have in it.
type traffic struct {
	random *rand.Rand
	offset int64
	time   windows.Timestamp
}

func newTraffic(seed uint64) *traffic {
	return &traffic{random: rand.New(rand.NewPCG(seed, 1)), time: 1_000_000}
}

func (g *traffic) next() *windows.Observation {
	r := g.random
	g.offset += 1 + r.Int64N(3)
	g.time += windows.Timestamp(r.IntN(40))
	o := &windows.Observation{
		Offset: g.offset, RecordTime: g.time, Time: g.time - windows.Timestamp(r.IntN(3000)),
		Model: fmt.Appendf(nil, "model-%d", r.IntN(3)), Version: []byte("1"),
	}
	if r.IntN(10) > 0 {
		o.HasFeatures = true
		for _, name := range []string{"amount", "country", "empty", "age", "beyond-1", "beyond-2"} {
			if r.IntN(4) > 0 {
				o.Features = append(o.Features, windows.Field{Name: []byte(name), Value: g.value(name)})
			}
		}
	}
	if r.IntN(3) > 0 {
		o.IsPrediction, o.Prediction = true, g.value("score")
		o.Status = []byte([]string{"success", "error", "timeout", ""}[r.IntN(4)])
		if o.HasLatency = r.IntN(2) == 0; o.HasLatency {
			o.Latency = math.Exp(r.NormFloat64())
		}
	}
	return o
}

func (g *traffic) value(name string) windows.Value {
	r := g.random
	switch r.IntN(20) {
	case 0:
		return windows.Value{}
	case 1:
		return windows.Value{Kind: windows.NonFinite, Number: math.NaN()}
	case 2:
		return windows.Value{Kind: windows.Text, Text: []byte("a word")}
	}
	switch name {
	case "country", "empty":
		return windows.Value{Kind: windows.Text, Text: []byte([]string{"DE", "FR", "IT", "ES", "PT", "GR", "GB"}[r.IntN(7)])}
	case "age": // short forms of values
		return windows.Value{Kind: windows.Number, Number: float64(r.IntN(90))}
	case "score":
		return windows.Value{Kind: windows.Number, Number: float64(float32(r.Float64()))}
	}
	return windows.Value{Kind: windows.Number, Number: []float64{r.NormFloat64(), math.Copysign(0, -1), 5e-324, math.MaxFloat64}[min(3, r.IntN(60))%4]}
}

// rules of a world where everything has been closed, so that nothing is held.
// Model 0 has a grid, model 1 has none, model 2 gets one in between.
func testRules(shards int, grid *windows.Grid) windows.Rules {
	definition := &windows.Definition{Size: windows.DurationSpan(10 * time.Second), Every: windows.DurationSpan(5 * time.Second), Lateness: time.Second}
	if err := definition.Validate(); err != nil {
		panic(err)
	}
	return windows.Rules{
		Settings: func(string) *windows.Settings {
			return &windows.Settings{Definition: definition, SampleSize: 40, ReferenceSize: 60}
		},
		Grid: func(model, _ string, start windows.Timestamp) (*windows.Grid, bool) {
			if model == "model-0" || model == "model-2" && start >= 1_020_000 {
				return grid, true
			}
			return nil, true
		},
		Shards: shards, MaxAhead: time.Minute,
		Limits: windows.Limits{Models: 10, Features: 5, Categories: 4},
	}
}

// closeAll says that every shard has closed through a moment.
func closeAll(p *windows.Partition, shards int, through windows.Timestamp) {
	for shard := range shards {
		p.ClosedThrough(shard, through)
	}
}

// A likeness is everything in a pane that must survive, in comparable form:
// floats by their bits, samples as sets.
type likeness struct {
	Key                                                      windows.PaneKey
	Interval                                                 windows.Interval
	Grid                                                     string
	Events, FeatureEvents, PredictionEvents, Late, OverLimit uint64
	Requests                                                 string
	SampleSize                                               int
	Features                                                 []string
}

func likenessOf(p *windows.Pane) likeness {
	l := likeness{
		Key: p.Key, Interval: p.Interval, Events: p.Events, FeatureEvents: p.FeatureEvents, PredictionEvents: p.PredictionEvents,
		Late: p.Late, OverLimit: p.OverLimit, Requests: fmt.Sprint(p.Requests), SampleSize: p.SampleSize(),
	}
	if p.Grid != nil {
		l.Grid = p.Grid.ID
	}
	for _, f := range append(slices.Clone(p.Features), p.Prediction, p.Latency) {
		l.Features = append(l.Features, featureLikeness(f))
	}
	return l
}

func featureLikeness(f *windows.Feature) string {
	if f == nil {
		return "none"
	}
	entries := slices.SortedFunc(slices.Values(f.Sample.Entries()), func(a, b windows.Entry) int {
		return cmp.Or(cmp.Compare(a.Hash, b.Hash), cmp.Compare(math.Float64bits(a.Value), math.Float64bits(b.Value)))
	})
	sample := ""
	for _, e := range entries {
		sample += fmt.Sprintf(" %x:%x", e.Hash, math.Float64bits(e.Value))
	}
	m := f.Moments
	return fmt.Sprintf("%q n=%d min=%x max=%x mean=%x m2=%x odd=%d,%d,%d bins=%#v known=%#v others=%v overflow=%d k=%d%s",
		f.Name, m.Count, math.Float64bits(m.Min), math.Float64bits(m.Max), math.Float64bits(m.Mean), math.Float64bits(m.M2),
		f.NonFinite, f.Nulls, f.Outliers, f.Bins, f.Known, f.Others, f.Overflow, f.Sample.Capacity(), sample)
}

func likenesses(panes []*windows.Pane) []likeness {
	var all []likeness
	for _, p := range panes {
		all = append(all, likenessOf(p))
	}
	slices.SortFunc(all, func(a, b likeness) int { return a.Key.Compare(b.Key) })
	return all
}

// mustEqual compares panes, and names the first that differs.
func mustEqual(t *testing.T, got, want []*windows.Pane) {
	t.Helper()
	a, b := likenesses(got), likenesses(want)
	if len(a) != len(b) {
		t.Fatalf("%d panes where %d are wanted", len(a), len(b))
	}
	for i := range a {
		if ga, wa := fmt.Sprintf("%+v", a[i]), fmt.Sprintf("%+v", b[i]); ga != wa {
			t.Fatalf("pane %+v\n got %s\nwant %s", a[i].Key, ga, wa)
		}
	}
}

// somePanes are panes as traffic makes them.
func somePanes(t testing.TB, seed uint64, events int) []*windows.Pane {
	t.Helper()
	p := windows.NewPartition(testPartition, testRules(4, testGrid("grid-1")), 0)
	closeAll(p, 4, closedThrough)
	g := newTraffic(seed)
	for range events {
		p.Offer(g.next())
	}
	panes := p.Snapshot().Changed
	if len(panes) == 0 {
		t.Fatal("the traffic made no panes")
	}
	return panes
}
