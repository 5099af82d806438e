package alerts

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

func everyHour(t time.Time) windows.Interval {
	start := windows.TimestampOf(t)
	return windows.Interval{Start: start, End: start.Add(time.Hour)}
}

var weekly = TrafficRule{Days: 7, Cycles: 4, Below: 0.5, Above: 3, Alpha: 0.001, Severity: "critical"}

// Weeks of busy days and quiet nights: a quiet night is usual, a quiet day is not,
// nor is a night without any event, or one that is as busy as a day.
func TestTrafficIsHeldAgainstTheSameHourOfTheWeek(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	rate := func(at time.Time) float64 {
		if h := at.Hour(); h >= 8 && h < 20 {
			return 10_000
		}
		return 100
	}
	var slots []Slot
	far := 0
	for hour := range 4 * 7 * 24 {
		at := monday.Add(time.Duration(hour) * time.Hour)
		n := uint64(max(0, rate(at)*(1+0.1*random.NormFloat64())))
		if v := weekly.judge(slots, everyHour(at), n, Beside{}); v != nil && v.Far {
			far++
		}
		slots = weekly.remember(slots, everyHour(at), n)
	}
	if far > 0 {
		t.Errorf("%d of the usual windows are far from usual", far)
	}
	if len(slots) != 7*24 || !slices.IsSortedFunc(slots, func(a, b Slot) int { return a.At - b.At }) {
		t.Errorf("%d slots", len(slots))
	}
	night, day := monday.AddDate(0, 0, 28).Add(3*time.Hour), monday.AddDate(0, 0, 29).Add(12*time.Hour)
	for _, c := range []struct {
		at     time.Time
		events uint64
		far    bool
		effect float64
	}{
		{night, 100, false, 0}, {night, 80, false, 0.2}, {night, 0, true, 1}, {night, 10_000, true, 0.99}, {night, 250, false, 0.6},
		{day, 10_000, false, 0}, {day, 7_000, false, 0.3}, {day, 2_000, true, 0.8}, {day, 0, true, 1}, {day, 40_000, true, 0.75},
	} {
		v := weekly.judge(slots, everyHour(c.at), c.events, Beside{})
		if v == nil || v.Basis != basisSlot || v.Far != c.far || math.Abs(float64(*v.Effect)-c.effect) > 0.1 {
			t.Errorf("%d events at %v: %+v", c.events, c.at.Format("Mon 15:04"), v)
		}
	}
}

// What is known decides what can be said: nothing on the first day, the hour on the
// third, the hour of the week in the third week.
func TestWhatUsualIsOf(t *testing.T) {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	var slots []Slot
	for hour := range 3 * 7 * 24 {
		at := monday.Add(time.Duration(hour) * time.Hour)
		basis := ""
		if v := weekly.judge(slots, everyHour(at), 1000, Beside{}); v != nil {
			basis = v.Basis
		}
		want := ""
		switch day := hour / 24; {
		case day >= 14:
			want = basisSlot
		case day >= 2:
			want = basisHour
		}
		if basis != want {
			t.Fatalf("hour %d: usual is of %q, want %q", hour, basis, want)
		}
		// That nothing comes is seen after six windows.
		if v := weekly.judge(slots, everyHour(at), 0, Beside{}); (v != nil && v.Far) != (hour >= leastAllRates) {
			t.Fatalf("hour %d without events: %+v", hour, v)
		}
		slots = weekly.remember(slots, everyHour(at), 1000)
	}
}

// One outage, or one day of a sale, does not change what is usual; a change that
// stays does, in the third week of four.
func TestUsualIsAMedian(t *testing.T) {
	at := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	var slots []Slot
	usually := func() float64 { rate, _ := usual(slots, 12, false); return rate }
	for week, c := range []struct {
		events uint64
		usual  float64 // before the window
	}{{1000, 0}, {1000, 0}, {1000, 1000}, {0, 1000}, {1000, 1000}, {5000, 1000}, {5000, 1000}, {5000, 3000}, {5000, 5000}} {
		if week >= 2 && usually() != c.usual {
			t.Errorf("week %d: usual is %v, want %v", week, usually(), c.usual)
		}
		slots = weekly.remember(slots, everyHour(at.AddDate(0, 0, 7*week)), c.events)
	}
	if len(slots) != 1 || len(slots[0].Rates) != 4 {
		t.Errorf("%+v", slots)
	}
}

// Windows that are shorter than an hour share its slot; those of a day have one each.
func TestSlotsOfOtherWindows(t *testing.T) {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	var slots []Slot
	for minute := range 2 * 7 * 24 * 6 {
		start := windows.TimestampOf(monday.Add(time.Duration(minute) * 10 * time.Minute))
		slots = weekly.remember(slots, windows.Interval{Start: start, End: start.Add(10 * time.Minute)}, uint64(100+minute%6))
	}
	if len(slots) != 7*24 || len(slots[5].Rates) != 2 || slots[5].Rates[0] != 615 || slots[5].Count != 6 {
		t.Errorf("%d slots, %+v", len(slots), slots[5])
	}
	daily := TrafficRule{Days: 1, Cycles: 3, Below: 0.5, Above: 3, Alpha: 0.001}
	slots = nil
	for day := range 5 {
		start := windows.TimestampOf(monday.AddDate(0, 0, day))
		slots = daily.remember(slots, windows.Interval{Start: start, End: start.Add(24 * time.Hour)}, 2400)
	}
	if len(slots) != 1 || !slices.Equal(slots[0].Rates, []float64{100, 100, 100}) {
		t.Errorf("%+v", slots)
	}
}

// A version that is rolled out takes the traffic of another, and neither alerts. When
// no more comes the one that had it says so, once the windows that it has seen tell.
func TestTrafficMovesBetweenVersions(t *testing.T) {
	settings := Settings{Traffic: &TrafficRule{Days: 1, Cycles: 4, Below: 0.5, Above: 3, Alpha: 0.001}}
	versions := []string{"2", "3"}
	progress := map[string]*Progress{}
	for _, v := range versions {
		progress[v] = NewProgress(Version{Model: "fraud", Version: v})
	}
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for hour := range 90 {
		events := map[string]uint64{"2": 1000}
		switch {
		case hour == 72: // a canary
			events = map[string]uint64{"2": 950, "3": 50}
		case hour == 73:
			events = map[string]uint64{"2": 500, "3": 500}
		case hour == 74:
			events = map[string]uint64{"2": 20, "3": 980}
		case hour >= 75 && hour < 84:
			events = map[string]uint64{"3": 1000}
		case hour >= 84: // nothing comes any more
			events = nil
		}
		for i, v := range versions {
			before := *progress[v]
			out := Outcome{Verdict: &drift.Verdict{}, Progress: progress[v]}
			var beside Beside
			beside.Add(events[versions[1-i]])
			out.watch(&settings, Step{Progress: &before, Beside: beside, Due: windows.DueWindow{Interval: everyHour(start.Add(time.Duration(hour) * time.Hour))}}, events[v])
			far := out.Verdict.Traffic != nil && out.Verdict.Traffic.Far
			if want := hour >= 84 && v == "3"; far != want {
				t.Errorf("hour %d, version %s: %+v", hour, v, out.Verdict.Traffic)
			}
		}
	}
	// A drop is seen whichever versions share what is left.
	half := NewProgress(Version{Model: "fraud", Version: "2"})
	for hour := range 72 {
		half.Volume = settings.Traffic.remember(half.Volume, everyHour(start.Add(time.Duration(hour)*time.Hour)), 1000)
	}
	out := Outcome{Verdict: &drift.Verdict{}, Progress: half}
	out.watch(&settings, Step{Progress: half, Beside: Beside{Events: 50, Largest: 50}, Due: windows.DueWindow{Interval: everyHour(start.AddDate(0, 0, 3))}}, 60)
	if v := out.Verdict.Traffic; v == nil || !v.Far || v.Events != 110 {
		t.Errorf("%+v", v)
	}
}

// An outage that ends with another version is over for the one that it began with.
func TestAnOutageEndsWithAnotherVersion(t *testing.T) {
	settings := settingsOf(t, "1h", "", 0)
	settings.Policy = Policy{For: 1, Of: 1, ResolveAfter: 2}
	settings.Traffic = &TrafficRule{Days: 1, Cycles: 4, Below: 0.5, Above: 3, Alpha: 0.001, Severity: "critical"}
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	progress := NewProgress(Version{Model: "fraud", Version: "2"})
	told := ""
	for hour := range 56 {
		w := everyHour(start.Add(time.Duration(hour) * time.Hour))
		events, beside := uint64(1000), Beside{}
		switch {
		case hour >= 53:
			events, beside = 0, Beside{Events: 1000, Largest: 1000}
		case hour >= 50:
			events = 0
		}
		before := *progress
		after := before
		out := Outcome{Verdict: &drift.Verdict{Model: "fraud", Version: "2", Window: drift.BoundsOf(w)}, Progress: &after}
		step := Step{Progress: &before, Beside: beside, Due: windows.DueWindow{Interval: w}}
		out.watch(settings, step, events)
		out.alert(settings, step, false)
		for _, a := range out.Alerts {
			told += fmt.Sprintf("%d %s %s, ", hour, a.Kind, a.Status)
		}
		progress = &after
	}
	if told != "50 traffic firing, 54 traffic resolved, " {
		t.Errorf("told %s", told)
	}
}

// The probabilities are those of the distribution, summed term by term.
func TestPoissonTails(t *testing.T) {
	for _, mean := range []float64{0.1, 1, 14, 50, 200} {
		term, below := math.Exp(-mean), 0.0
		for n := range uint64(300) {
			if got := atLeast(n, mean); math.Abs(got-(1-below)) > 1e-9 {
				t.Fatalf("P(at least %d | %v) = %v, want %v", n, mean, got, 1-below)
			}
			below += term
			if got := atMost(n, mean); math.Abs(got-below) > 1e-9 {
				t.Fatalf("P(at most %d | %v) = %v, want %v", n, mean, got, below)
			}
			term *= mean / float64(n+1)
		}
	}
	if atMost(0, 0) != 1 || atLeast(3, 0) != 0 || atLeast(0, 0) != 1 {
		t.Error("without a mean")
	}
}
