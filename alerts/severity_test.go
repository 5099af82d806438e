package alerts

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Stories of effects, one a window, a dot for none: what is told is w, c or i, the
// severity of what fires or becomes worse, R for resolved.
func TestSeverityFollowsTheEffect(t *testing.T) {
	byEffect := Policy{For: 2, Of: 3, ResolveAfter: 2, Severity: "warning", Worse: []Grade{{"critical", 0.3}}}
	at1 := Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "info", Worse: []Grade{{"warning", 0.2}, {"critical", 0.4}}}
	for _, story := range []struct {
		policy  Policy
		effects string
		told    string
	}{
		{byEffect, "0.1 0.2", "-w"},
		{byEffect, "0.3 0.5", "-c"},
		// One window far out among others makes the page no more severe…
		{byEffect, "0.1 0.9", "-w"},
		{byEffect, "0.1 0.1 0.9 0.1", "-w--"},
		// …and two do, once.
		{byEffect, "0.1 0.1 0.9 0.9 0.9", "-w-c-"},
		{byEffect, "0.1 0.1 0.9 . 0.9 . .", "-w--c-R"},
		// It becomes no less severe while it fires.
		{byEffect, "0.5 0.5 0.1 0.1 0.1 . .", "-c----R"},
		{at1, "0.1 0.3 0.5 0.1 .", "iwc-R"},
		{at1, "0.5 . 0.1 .", "cRiR"},
	} {
		var state State
		told, id, severity := "", "", ""
		for hour, effect := range strings.Fields(story.effects) {
			drifted := map[string]float64{}
			if effect != "." {
				var x float64
				if _, err := fmt.Sscan(effect, &x); err != nil {
					t.Fatal(err)
				}
				drifted["amount"] = x
			}
			var alert *Alert
			state, alert = story.policy.Step(FeatureDrift, state, verdictOf(hour, drifted))
			switch {
			case alert == nil:
				told += "-"
			case alert.Status == Resolved:
				told += "R"
				if alert.Severity != severity || alert.ID != id {
					t.Errorf("%s: %s resolves as %s", story.effects, severity, alert.Severity)
				}
				id, severity = "", ""
			default:
				told += alert.Severity[:1]
				if id != "" && alert.ID != id {
					t.Errorf("%s: a worse incident is another", story.effects)
				}
				if alert.SeverityBefore != severity {
					t.Errorf("%s: before it became worse it was %q, the record says %q", story.effects, severity, alert.SeverityBefore)
				}
				if state.Incident.Severity() != alert.Severity || state.Incident.Told.Summary != alert.Summary {
					t.Errorf("%s: what is passed on is not what was told: %+v", story.effects, state.Incident.Told)
				}
				id, severity = alert.ID, alert.Severity
			}
		}
		if told != story.told {
			t.Errorf("%s: told %s, want %s", story.effects, told, story.told)
		}
	}
}

// An incident that becomes worse is passed on with both severities: the one it had
// has ended, since Alertmanager knows it as another alert.
func TestAWorseIncidentEndsAsItWas(t *testing.T) {
	policy := Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "warning", Worse: []Grade{{"critical", 0.3}}}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var state State
	step := func(n int, effect float64) []Standing {
		before := state
		state, _ = policy.Step(FeatureDrift, before, verdictOf(n, map[string]float64{"amount": effect}))
		now := noon.Add(time.Duration(n) * 5 * time.Minute)
		state.Ended = before.endedAfter(state, now)
		p := NewProgress(Version{Model: "fraud", Version: "3"})
		p.Alerts = map[Kind]State{FeatureDrift: state}
		return p.Standing(now)
	}
	stands := func(all []Standing) string {
		var words []string
		for _, s := range all {
			word := s.Incident.Severity()
			if !s.Ended.IsZero() {
				word += " ended"
			}
			words = append(words, word)
		}
		return strings.Join(words, ", ")
	}
	for n, want := range []struct {
		effect float64
		stands string
	}{
		{0.1, "warning"}, {0.1, "warning"}, {0.5, "warning ended, critical"}, {0.1, "warning ended, critical"}, {0.5, "warning ended, critical"},
		{0.5, "critical"}, // a quarter of an hour later
		{0, "critical ended"},
		{0.1, "critical ended, warning"}, // another incident
	} {
		if got := stands(step(n, want.effect)); got != want.stands {
			t.Errorf("window %d: %s, want %s", n, got, want.stands)
		}
	}
}
