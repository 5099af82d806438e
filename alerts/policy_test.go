package alerts

import (
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// verdictOf is a verdict of one hour whose features drifted or not; a nil map is
// a window that was not tested.
func verdictOf(hour int, drifted map[string]float64) *drift.Verdict {
	start := time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC)
	v := &drift.Verdict{
		Model: "fraud", Version: "3", Window: drift.Bounds{Start: start, End: start.Add(time.Hour)},
		Features: map[string]*drift.Feature{},
	}
	for _, name := range []string{"amount", "age"} {
		f := &drift.Feature{}
		if drifted != nil {
			effect := drift.Number(drifted[name])
			f.Test, f.Effect, f.Drifted = "ks", &effect, drifted[name] > 0
		}
		v.Features[name] = f
	}
	return v
}

// A story of windows: d drifted, . quiet, ? untested; what is told after each
// is F for firing, R for resolved, and - for nothing.
func TestPolicyOverWindows(t *testing.T) {
	policy := Policy{For: 2, Of: 3, ResolveAfter: 2, Severity: "critical"}
	for _, story := range []struct{ windows, told string }{
		{"...d...", "-------"},
		{"d.d", "--F"},
		{"d..d", "----"},
		{"dd..", "-F-R"},
		{"dd.d..", "-F---R"},
		{"d?d", "--F"}, // a window without a test says nothing either way
		{"dd?.?.", "-F---R"},
		{"dd..d.d", "-F-R--F"}, // a new incident takes new windows
	} {
		var state State
		told := ""
		var incident string
		for hour, window := range story.windows {
			drifted := map[string]float64{}
			switch window {
			case 'd':
				drifted["amount"], drifted["age"] = 0.3, 0.2
			case '?':
				drifted = nil
			}
			var alert *Alert
			state, alert = policy.Step(FeatureDrift, state, verdictOf(hour, drifted))
			switch {
			case alert == nil:
				told += "-"
			case alert.Status == Firing:
				told += "F"
				if alert.ID == incident {
					t.Errorf("%s: a new incident has the id of the last one", story.windows)
				}
				incident = alert.ID
				if alert.Features[0].Name != "amount" {
					t.Errorf("%s: %q is named first, not the feature with the largest effect", story.windows, alert.Features[0].Name)
				}
			default:
				told += "R"
				if alert.ID != incident {
					t.Errorf("%s: the resolved alert has another id than the firing one", story.windows)
				}
			}
		}
		if told != story.told {
			t.Errorf("windows %s: told %s, want %s", story.windows, told, story.told)
		}
	}
}

func TestSinceIsTheFirstDriftedWindow(t *testing.T) {
	policy := Policy{For: 2, Of: 3, ResolveAfter: 1, Severity: "warning"}
	var state State
	var alert *Alert
	for hour, drifted := range []map[string]float64{{}, {"amount": 0.3}, {}, {"amount": 0.3}} {
		state, alert = policy.Step(FeatureDrift, state, verdictOf(hour, drifted))
	}
	if alert == nil || alert.Since.Hour() != 1 || alert.Window.Start.Hour() != 3 {
		t.Fatalf("alert %+v: want one since hour 1, in the window of hour 3", alert)
	}
	if want := "fraud v3: 1 of 2 features drifted, amount most (D 0.3)"; alert.Summary != want {
		t.Errorf("summary %q, want %q", alert.Summary, want)
	}
}

// What is held back is no culprit and fires nothing, and the summary says how much
// there was of it.
func TestDriftThatIsHeldBackDoesNotCount(t *testing.T) {
	p := Policy{For: 1, Of: 1, ResolveAfter: 1}
	number := func(x float64) *drift.Number { n := drift.Number(x); return &n }
	feature := func(test, held string, effect float64) *drift.Feature {
		return &drift.Feature{Test: test, Drifted: true, HeldBack: held, Effect: number(effect), Adjusted: number(0), Statistic: number(effect)}
	}
	v := &drift.Verdict{Model: "fraud", Features: map[string]*drift.Feature{
		"temperature": feature("ks", drift.HeldWithinUsual, 0.6), "pressure": feature("ks", drift.HeldWithinBudget, 0.5),
	}}
	state, alert := p.Step(FeatureDrift, State{}, v)
	if alert != nil || len(state.Recent) != 1 || state.Recent[0].Drifted {
		t.Fatalf("nothing counts, and %+v; %+v", alert, state)
	}
	v.Features["amount"] = feature("psi", "", 0.25)
	_, alert = p.Step(FeatureDrift, state, v)
	if alert == nil || alert.Summary != "fraud: 1 of 3 features drifted, amount most (psi 0.25); 2 more held back" {
		t.Fatalf("%+v", alert)
	}
	if len(alert.Features) != 1 || alert.Features[0].Name != "amount" {
		t.Errorf("the culprits are %+v", alert.Features)
	}
}
