package alerts

import (
	"strings"
	"testing"
	"time"
)

// What stands after each window of a story: f while an alert fires, e for the quarter
// of an hour after it has ended, - otherwise. A window closes every five minutes.
func TestStandingOverWindows(t *testing.T) {
	policy := Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "warning"}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, story := range []struct{ windows, stands string }{
		{"...", "---"},
		{".dd.....", "-ffeee--"},
		{"d?.??..", "ffeee--"}, // windows without a test change nothing
		{"d.d.d....", "fefefeee-"},
	} {
		progress := NewProgress(Version{Model: "fraud", Version: "3"})
		var state State
		stands := ""
		for n, window := range story.windows {
			drifted := map[string]float64{}
			switch window {
			case 'd':
				drifted["amount"] = 0.3
			case '?':
				drifted = nil
			}
			now := noon.Add(time.Duration(n) * 5 * time.Minute)
			before := state
			state, _ = policy.Step(FeatureDrift, before, verdictOf(n, drifted))
			state.Ended = before.endedAfter(state, now)
			progress.Alerts = map[Kind]State{FeatureDrift: state}
			// What a successor knows is what was written.
			data, err := progress.Encode()
			if err != nil {
				t.Fatal(err)
			}
			restored, err := DecodeProgress(data)
			if err != nil {
				t.Fatal(err)
			}
			standing := restored.Standing(now)
			switch {
			case len(standing) == 0:
				stands += "-"
				continue
			case standing[0].Ended.IsZero():
				stands += "f"
			default:
				stands += "e"
			}
			s := standing[0]
			if s.Model != "fraud" || s.Kind != FeatureDrift || s.Incident.ID == "" || s.Incident.Told == nil ||
				s.Incident.Told.Severity != "warning" || !strings.Contains(s.Incident.Told.Summary, "amount most") {
				t.Errorf("%s, window %d: %+v", story.windows, n, s)
			}
		}
		if stands != story.stands {
			t.Errorf("windows %s: %s stands, want %s", story.windows, stands, story.stands)
		}
		if left := progress.Standing(noon.Add(time.Hour)); len(left) > 0 && left[0].Ended.Before(noon) {
			t.Errorf("windows %s: an hour later %+v stands", story.windows, left)
		}
	}
}

// What a policy says later, of another severity say, is not what was told.
func TestToldIsWhatBeganTheIncident(t *testing.T) {
	first := Policy{For: 1, Of: 1, ResolveAfter: 3, Severity: "critical"}
	state, alert := first.Step(FeatureDrift, State{}, verdictOf(1, map[string]float64{"amount": 0.3}))
	later := Policy{For: 1, Of: 1, ResolveAfter: 3, Severity: "info"}
	state, _ = later.Step(FeatureDrift, state, verdictOf(2, map[string]float64{"age": 0.6}))
	told := state.Incident.Told
	if told.Severity != "critical" || told.Summary != alert.Summary || told.Window != alert.Window || told.Features[0].Name != "amount" {
		t.Errorf("%+v", told)
	}
}

func TestProgressKeepsFewCulprits(t *testing.T) {
	a := &Alert{FeaturesLeftOut: 7}
	for range 40 {
		a.Features = append(a.Features, Culprit{Name: strings.Repeat("f", 256)})
	}
	if told := told(a); len(told.Features) != mostTold || told.FeaturesLeftOut != 7+40-mostTold {
		t.Errorf("%d features, %d left out", len(told.Features), told.FeaturesLeftOut)
	}
}
