package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/gonum/mathext"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A TrafficRule says which numbers of events are far from what is usual. What
// counts is the model's traffic, of all its versions: it moves from one to the other
// when a version is rolled out. A version that has fewer events than another in a
// window leaves the judging to that one, and goes on to when no more come at all.
//
// The usual rate is the median of those of the same slot in earlier periods: of the
// same hour of the week. Where fewer than two are known it is the median of the same
// hour of any day, and, to see that nothing comes at all, of every hour.
type TrafficRule struct {
	// Days is the period, 1 or 7. Cycles is how many of them a slot remembers.
	Days, Cycles int
	// Below and Above are shares of the usual rate. Traffic is far from it when it is
	// improbable, at level Alpha, for one that is as far as either.
	Below, Above, Alpha float64
	Location            *time.Location // whose hours count; nil: UTC

	Severity string
	Worse    []Grade
}

// Beside is what the other versions of a model have in a window.
type Beside struct {
	Events  uint64 // of all of them
	Largest uint64 // of the one that has most
}

// Add adds a version.
func (b *Beside) Add(events uint64) {
	b.Events, b.Largest = b.Events+events, max(b.Largest, events)
}

// A Slot remembers the model's rates at one time of the period.
type Slot struct {
	At    int       `json:"at"`    // hours since the period began
	Cycle int64     `json:"cycle"` // the number of the period that the last rate is of
	Count int       `json:"count"` // windows that the last rate is the mean of
	Rates []float64 `json:"rates"` // events per hour, the oldest period first
}

// What the usual rate is of.
const (
	basisSlot = "slot"
	basisHour = "hour"
	basisAll  = "all"
)

// How many rates make a median.
const (
	leastRates    = 2
	leastAllRates = 6 // of every hour, to notice that nothing comes
)

// slot is the place of a window in its period. A slot is as long as the windows,
// in whole hours, and at most a day.
func (r *TrafficRule) slot(w windows.Interval) (at int, cycle int64) {
	location := r.Location
	if location == nil {
		location = time.UTC
	}
	local := w.Start.Time().In(location)
	year, month, date := local.Date()
	// Days since Monday, 29 December 1969.
	day := time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix()/(24*3600) + 3
	hours := min(24, max(1, int(w.End.Time().Sub(w.Start.Time()).Hours())))
	cycle = day / int64(r.Days)
	return int(day%int64(r.Days))*24 + local.Hour()/hours*hours, cycle
}

// usual is the rate to expect at a place of the period, in events per hour, and
// what it is of; "" where too little is known.
func usual(slots []Slot, at int, none bool) (rate float64, basis string) {
	var hour, all []float64
	for _, s := range slots {
		if s.At == at && len(s.Rates) >= leastRates {
			return median(s.Rates), basisSlot
		}
		if s.At%24 == at%24 {
			hour = append(hour, s.Rates...)
		}
		all = append(all, s.Rates...)
	}
	switch {
	case len(hour) >= leastRates:
		return median(hour), basisHour
	case none && len(all) >= leastAllRates:
		return median(all), basisAll
	}
	return 0, ""
}

func median(rates []float64) float64 {
	sorted := slices.Sorted(slices.Values(rates))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// judge holds a window's events against what is usual; nil where nothing can be
// said.
func (r *TrafficRule) judge(slots []Slot, w windows.Interval, events uint64, beside Beside) *drift.Traffic {
	total := events + beside.Events
	at, _ := r.slot(w)
	rate, basis := usual(slots, at, total == 0)
	if basis == "" {
		return nil
	}
	expected := rate * w.End.Time().Sub(w.Start.Time()).Hours()
	t := &drift.Traffic{Events: total, Usual: drift.Number(expected), Basis: basis}
	n := float64(total)
	var p, effect float64
	if n <= expected {
		p, effect = atMost(total, r.Below*expected), 1-n/max(expected, 1)
	} else {
		p, effect = atLeast(total, r.Above*expected), 1-expected/n
	}
	probability, share := drift.Number(p), drift.Number(max(0, effect))
	t.P, t.Effect, t.Far = &probability, &share, p < r.Alpha
	return t
}

// atMost is the probability of at most n events of a Poisson distribution, and
// atLeast of at least n: the regularised incomplete gamma functions Q(n+1, mean) and
// P(n, mean).
func atMost(n uint64, mean float64) float64 {
	if mean <= 0 {
		return 1
	}
	return mathext.GammaIncRegComp(float64(n)+1, mean)
}

func atLeast(n uint64, mean float64) float64 {
	if n == 0 {
		return 1
	}
	if mean <= 0 {
		return 0
	}
	return mathext.GammaIncReg(float64(n), mean)
}

// remember adds a window to what is usual. slots are not changed.
func (r *TrafficRule) remember(slots []Slot, w windows.Interval, total uint64) []Slot {
	at, cycle := r.slot(w)
	rate := float64(total) / w.End.Time().Sub(w.Start.Time()).Hours()
	slots = slices.Clone(slots)
	i, found := slices.BinarySearchFunc(slots, at, func(s Slot, at int) int { return cmp.Compare(s.At, at) })
	if !found {
		slots = slices.Insert(slots, i, Slot{At: at, Cycle: cycle - 1})
	}
	s := slots[i]
	s.Rates = slices.Clone(s.Rates)
	if s.Cycle != cycle || s.Count == 0 {
		s.Rates, s.Cycle, s.Count = append(s.Rates, 0), cycle, 0
	}
	last := len(s.Rates) - 1
	mean := (s.Rates[last]*float64(s.Count) + rate) / float64(s.Count+1)
	s.Rates[last], s.Count = fewDigits(mean), s.Count+1
	s.Rates = s.Rates[max(0, len(s.Rates)-r.Cycles):]
	slots[i] = s
	return slots
}

// fewDigits rounds to five significant digits: what progress keeps is written with
// every window.
func fewDigits(x float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 5, 64), 64)
	if err != nil {
		return x
	}
	return rounded
}

// trafficFinding reads from a verdict whether its traffic is far from usual.
func trafficFinding(v *drift.Verdict) finding {
	t := v.Traffic
	if t == nil {
		return finding{}
	}
	f := finding{tested: true, total: 1}
	if t.Far {
		events := drift.Number(t.Events)
		f.culprits = []Culprit{{Name: "events", Test: "poisson", Statistic: &events, Adjusted: t.P, Effect: t.Effect}}
		f.most = trafficWords(t)
	}
	return f
}

func trafficWords(t *drift.Traffic) string {
	often := "usually"
	if t.Basis == basisSlot {
		often = "usually at this time"
	}
	if t.Events == 0 {
		return fmt.Sprintf("no events came, %s %s", often, significant(float64(t.Usual)))
	}
	return fmt.Sprintf("%d events came, %s %s", t.Events, often, significant(float64(t.Usual)))
}
