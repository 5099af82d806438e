package drift

import (
	"math"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

// served is a window of so many answers, of which some failed; the latency of the
// n-th is given.
func served(answers, failed, keep int, latency func(n int) float64) *windows.Window {
	w := windows.Interval{Start: 0, End: windows.Timestamp(time.Hour.Milliseconds())}
	pane := windows.NewPane(windows.PaneKey{Model: "m"}, w, nil, keep, windows.Limits{Features: 10, Categories: 10})
	for n := range answers {
		o := windows.Observation{IsPrediction: true, Status: []byte("200"), HasLatency: latency != nil}
		if n < failed {
			o.Status = []byte("500")
		}
		if latency != nil {
			o.Latency = latency(n)
		}
		o.Offset = int64(n)
		pane.CountPartition(&o, windows.PartitionID{})
	}
	return windows.Merge(w, []windows.Part{{Pane: pane}})
}

// An objective is missed when a window would hardly look so bad, were it kept: not
// when a few more failed than may, which happens every other window.
func TestObjectivesAreMissedBeyondChance(t *testing.T) {
	errors := []Objective{{Name: "error_rate", Share: 0.01}}
	slow := []Objective{{Name: "latency_p99", Share: 0.01, Milliseconds: 200}}
	// Every hundredth answer takes long, or as many more.
	every := func(m int) func(int) float64 {
		return func(n int) float64 {
			if n%m == 0 {
				return 350
			}
			return 20
		}
	}
	for _, c := range []struct {
		name       string
		objectives []Objective
		window     *windows.Window
		missed     bool
		value      float64
		bad        uint64
	}{
		{"nothing fails", errors, served(10_000, 0, 100, nil), false, 0, 0},
		{"as many as may", errors, served(10_000, 100, 100, nil), false, 0.01, 100},
		{"some more", errors, served(10_000, 115, 100, nil), false, 0.0115, 115},
		{"twice as many", errors, served(10_000, 200, 100, nil), true, 0.02, 200},
		{"twice as many of few", errors, served(100, 2, 100, nil), false, 0.02, 2},
		{"half of few", errors, served(10, 5, 100, nil), true, 0.5, 5},
		{"as slow as may be", slow, served(10_000, 0, 100, every(101)), false, 0, 100},
		{"slower, counted in bins", slow, served(10_000, 0, 100, every(40)), true, 350, 250},
		{"slower, every value kept", slow, served(10_000, 0, 10_000, every(40)), true, 350, 250},
		{"slow, without latencies", slow, served(10_000, 0, 100, nil), false, 0, 0},
	} {
		s := Default()
		s.Objectives = Objectives{List: c.objectives, Alpha: 0.001}
		p := Compare(Case{Model: "m", Window: c.window}, s).Performance
		if len(p.Objectives) == 0 {
			if c.missed || c.objectives[0].Name == "error_rate" {
				t.Errorf("%s: not judged", c.name)
			}
			continue
		}
		o := p.Objectives[0]
		if o.Missed != c.missed || o.Bad != c.bad || c.value > 0 && math.Abs(float64(o.Value)-c.value) > 0.02*c.value {
			t.Errorf("%s: %+v, p %v", c.name, o, float64(*o.P))
		}
	}
}

// Several objectives are as one question: the p-values allow for it.
func TestSeveralObjectives(t *testing.T) {
	s := Default()
	s.Objectives = Objectives{Alpha: 0.001, List: []Objective{{Name: "error_rate", Share: 0.01}, {Name: "latency_p50", Share: 0.5, Milliseconds: 50}}}
	v := Compare(Case{Model: "m", Window: served(1000, 30, 100, func(n int) float64 { return 10 })}, s)
	for _, o := range v.Performance.Objectives {
		if math.Abs(float64(*o.Adjusted)-min(1, 2*float64(*o.P))) > 1e-15 {
			t.Errorf("%s: p %v, adjusted %v", o.Name, *o.P, *o.Adjusted)
		}
	}
	if o := v.Performance.Objectives[0]; float64(*o.Effect) != 3 {
		t.Errorf("three times the objective: %v", *o.Effect)
	}
}

// The tail is the sum of the binomial's terms.
func TestBinomialTail(t *testing.T) {
	for _, share := range []float64{0.001, 0.01, 0.3, 0.5} {
		for _, n := range []uint64{1, 7, 100} {
			tail := 1.0
			term := math.Pow(1-share, float64(n)) // of none
			for k := range n + 1 {
				if got := atLeast(k, n, share); math.Abs(got-tail) > 1e-9 {
					t.Fatalf("P(at least %d of %d | %v) = %v, want %v", k, n, share, got, tail)
				}
				tail -= term
				term *= float64(n-k) / float64(k+1) * share / (1 - share)
			}
		}
	}
}
