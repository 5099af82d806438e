package simulation

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

const (
	inputTopic = "predictions"
	maxAhead   = 30 * time.Second // of an event before its record
)

// began is when the first events happen: before the clock of a synctest bubble
// starts, so that no window waits for the clock.
var began = time.Date(1999, 12, 31, 12, 0, 0, 0, time.UTC)

// A story is all that a seed decides about what is put into kolmo: models and
// their windows, and the records in the order in which they are produced.
type story struct {
	partitions, shards int
	models             map[string]*model
	batches            []batch
}

// A model is a model's settings.
type model struct {
	alerts.Settings
	rows []windows.Observation // of the reference that the configuration names; empty: none
}

// limits of what a partition keeps: never reached.
var limits = windows.Limits{Models: 100, Features: 100, Categories: 100}

// A batch is produced at one moment to one partition. The first one to a partition
// that does not exist yet adds it.
type batch struct {
	at        time.Duration // after the start of the feed
	partition int
	records   []record
	outcome   outcome
}

// outcome is how a batch is written.
type outcome int

const (
	plain     outcome = iota
	committed         // in a transaction, whose marker takes an offset
	aborted           // in a transaction that nobody may ever read
)

// A record is one event, or something that is none.
type record struct {
	time  time.Time // the record's own
	value []byte
}

// tell makes up a story.
func tell(r *rand.Rand) *story {
	s := &story{partitions: 1 + r.IntN(3), shards: 1 + r.IntN(2), models: make(map[string]*model)}
	var names []string
	for i := range 1 + r.IntN(2) {
		name := fmt.Sprintf("model-%c", 'a'+i)
		names = append(names, name)
		s.models[name] = newModel(r)
	}
	live := r.IntN(2) == 0
	const most = 8 // windows of 10 s to 20 s
	// Every partition has a clock of its own, which runs ahead and falls behind.
	clocks := make([]time.Time, s.partitions)
	for i := range clocks {
		clocks[i] = began.Add(time.Duration(r.IntN(15)) * time.Second)
	}
	end := began.Add(time.Duration(40+r.IntN(most*10)) * time.Second)
	empty := -1
	if s.partitions > 1 && r.IntN(4) == 0 {
		empty = r.IntN(s.partitions)
	}
	added := r.IntN(6) == 0
	var at time.Duration
	for range 4 + r.IntN(12) {
		if live {
			at += time.Duration(r.IntN(150)) * time.Millisecond
			if r.IntN(12) == 0 { // long enough to be idle, or for Redis to lose its state
				at += time.Duration(r.IntN(3000)) * time.Millisecond
			}
		}
		if added && at > time.Second {
			clocks = append(clocks, slices.MinFunc(clocks, time.Time.Compare))
			added = false
		}
		for partition := range clocks {
			if partition == empty || clocks[partition].After(end) || !live && r.IntN(4) == 0 {
				continue
			}
			b := batch{at: at, partition: partition, outcome: outcome(max(0, r.IntN(6)-3))}
			for range 1 + r.IntN(6) {
				b.records = append(b.records, newRecord(r, names, &clocks[partition]))
			}
			s.batches = append(s.batches, b)
		}
	}
	return s
}

// absent is the name of a target of retraining that there is not.
const absent = "absent"

// newModel makes up a model.
func newModel(r *rand.Rand) *model {
	d := &windows.Definition{Origin: windows.Unset}
	size := time.Duration(10+10*r.IntN(2)) * time.Second
	d.Size = windows.DurationSpan(size)
	switch r.IntN(4) {
	case 0:
		d.Every = windows.DurationSpan(size / 2) // windows that overlap
	case 1:
		d.MinEvents, d.MaxSize = uint64(2+r.IntN(8)), windows.DurationSpan(size*time.Duration(2+r.IntN(2)))
	}
	d.Lateness = time.Duration(r.IntN(3)) * 5 * time.Second
	if err := d.Validate(); err != nil {
		panic(err) // the story is wrong
	}
	m := &model{Settings: alerts.Settings{
		Settings: windows.Settings{Definition: d, SampleSize: 2 + r.IntN(12), ReferenceSize: 2 + r.IntN(12)},
		MaxAhead: maxAhead, ForgetAfter: time.Duration(r.IntN(3)) * 20 * time.Second,
		Drift:  drift.Default(),
		Policy: alerts.Policy{For: 1, Of: 1 + r.IntN(2), ResolveAfter: 1 + r.IntN(2), Severity: "critical"},
	}}
	m.Retraining = alerts.RetrainingPolicy{
		Targets: []string{absent}, On: []alerts.Kind{alerts.FeatureDrift, alerts.PredictionDrift}, Cooldown: 2 * size, PerDay: 3, ExpireAfter: time.Hour,
	}
	if m.ForgetAfter > 0 {
		m.Retraining.Schedule = &windows.Definition{Origin: windows.Unset, Size: windows.DurationSpan(3 * size)}
		if err := m.Retraining.Schedule.Validate(); err != nil {
			panic(err) // the story is wrong
		}
	}
	m.Drift.MinEvents, m.Drift.Alpha, m.Drift.Numeric = 2, 0.4, "ks"
	if r.IntN(2) == 0 { // alerts that become worse
		m.Policy.Severity, m.Policy.Worse = "warning", []alerts.Grade{{Severity: "critical", From: r.Float64()}}
	}
	if r.IntN(2) == 0 {
		m.Drift.Objectives = drift.Objectives{List: []drift.Objective{{Name: "error_rate", Share: 0.1}, {Name: "latency_p50", Share: 0.5, Milliseconds: 20}}, Alpha: 0.3}
	}
	if r.IntN(3) == 0 {
		from := windows.TimestampOf(began).Add(time.Duration(r.IntN(60)) * time.Second)
		until := from.Add(time.Duration(r.IntN(60)) * time.Second)
		m.Silences = []alerts.Silence{{
			Covers: func(_ alerts.Version, w windows.Interval) bool { return w.Start < until && w.End > from },
			Reason: "a maintenance",
		}}
	}
	switch r.IntN(5) {
	case 0: // no reference
	case 1:
		m.FirstWindows = 1 + r.IntN(2)
	case 2:
		m.History = alerts.History{Kind: reference.Rolling, Windows: 1 + r.IntN(3), Size: 4 + r.IntN(12), MaxBinMass: 0.05}
		m.ReferenceSize = m.SampleSize
	case 3:
		for range 3 + r.IntN(12) {
			m.rows = append(m.rows, windows.Observation{
				HasFeatures: true, IsPrediction: true,
				Features: []windows.Field{
					{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: r.NormFloat64()}},
					{Name: []byte("c"), Value: windows.Value{Kind: windows.Text, Text: []byte{byte('p' + r.IntN(3))}}},
				},
				Prediction: windows.Value{Kind: windows.Number, Number: r.Float64()},
			})
		}
	case 4:
		m.Against, m.Compared, m.ReferenceSize = "1", true, m.SampleSize
		d.MinEvents = 0 // the versions' windows are the same
	}
	return m
}

// newRecord makes up a record, and moves the clock of its partition.
func newRecord(r *rand.Rand, names []string, clock *time.Time) record {
	*clock = clock.Add(time.Duration(r.IntN(4000)) * time.Millisecond)
	happened, recorded := *clock, *clock
	switch r.IntN(12) {
	case 0: // out of order, perhaps late
		happened = happened.Add(-time.Duration(r.IntN(40_000)) * time.Millisecond)
	case 1: // a clock that is ahead, perhaps too far
		happened = happened.Add(time.Duration(r.IntN(45_000)) * time.Millisecond)
	case 2: // on a boundary of windows, with others
		happened = happened.Truncate(10 * time.Second)
		recorded = happened
	case 3: // on the limit of what is ahead
		happened = recorded.Add(maxAhead + time.Duration(r.IntN(3)-1)*time.Millisecond)
	case 4: // an old event, recorded now
		recorded = recorded.Add(time.Duration(r.IntN(20_000)) * time.Millisecond)
	}
	switch r.IntN(25) {
	case 0:
		return record{recorded, []byte(`{"model":`)}
	case 1:
		return record{recorded, []byte(`{"version":"1","features":{}}`)}
	case 2:
		return record{recorded, nil}
	}
	value := fmt.Appendf(nil, `{"model":%q,"version":"%d"`, names[r.IntN(len(names))], 1+max(0, r.IntN(4)-2))
	if r.IntN(20) > 0 { // else the record's time counts
		value = fmt.Appendf(value, `,"ts":%d`, happened.UnixMilli())
	}
	shift := 0.0
	if r.IntN(2) == 0 {
		shift = float64(clock.Sub(began)/(30*time.Second)) * 2
	}
	switch r.IntN(10) {
	case 0:
		value = append(value, `,"features":{"x":null,"c":"p"}`...)
	case 1:
		value = append(value, `,"features":{"x":"NaN"}`...)
	case 2:
	default:
		value = fmt.Appendf(value, `,"features":{"x":%v,"c":"%c"}`, float64(int(100*(r.NormFloat64()+shift)))/100, 'p'+r.IntN(4))
	}
	if r.IntN(3) > 0 {
		value = fmt.Appendf(value, `,"prediction":%v`, float64(int(100*(r.Float64()+shift)))/100)
	}
	if r.IntN(2) == 0 {
		value = fmt.Appendf(value, `,"status":"%d","latency_ms":%d`, 200+300*(r.IntN(5)/4), r.IntN(40))
	}
	return record{recorded, append(value, '}')}
}

// String tells the story to people.
func (s *story) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d partitions, %d shards\n", s.partitions, s.shards)
	for _, name := range []string{"model-a", "model-b"} {
		m := s.models[name]
		if m == nil {
			continue
		}
		d := m.Definition
		fmt.Fprintf(&b, "%s: size %v every %v lateness %v min_events %d max_size %v sample %d reference %d forget %v first %d history %+v file %d against %q policy %+v\n",
			name, d.Size, d.Every, d.Lateness, d.MinEvents, d.MaxSize, m.SampleSize, m.ReferenceSize, m.ForgetAfter, m.FirstWindows, m.History, len(m.rows), m.Against, m.Policy)
	}
	for _, one := range s.batches {
		fmt.Fprintf(&b, "at %v to partition %d, %s\n", one.at, one.partition, [...]string{"plain", "committed", "aborted"}[one.outcome])
		for _, r := range one.records {
			fmt.Fprintf(&b, "  %s %s\n", r.time.Format("15:04:05.000"), r.value)
		}
	}
	return b.String()
}

// rows are a reference's, as reference.Build reads them.
type rows struct {
	all  []windows.Observation
	next int
}

func (r *rows) Rewind() error { r.next = 0; return nil }

func (r *rows) Next(o *windows.Observation) error {
	if r.next == len(r.all) {
		return io.EOF
	}
	*o = r.all[r.next]
	r.next++
	return nil
}

// configured is the reference of a model's file; nil when it has none.
func (m *model) configured() (*reference.Reference, error) {
	if len(m.rows) == 0 {
		return nil, nil
	}
	return reference.Build(reference.Fixed, &rows{all: m.rows}, m.ReferenceSize, limits)
}
