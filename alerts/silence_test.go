package alerts

import (
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A drift that is accepted for three windows fires before and after, and says why
// it does not meanwhile.
func TestAcceptedDriftIsResolvedAndFiresAgain(t *testing.T) {
	s := settingsOf(t, "1h", "", 2)
	s.Policy = Policy{For: 1, Of: 1, ResolveAfter: 2, Severity: "warning"}
	from := windows.Timestamp(4 * 3600_000)
	s.Silences = []Silence{{
		Covers: func(v Version, w windows.Interval) bool {
			return v.Model == "m" && w.Start >= from && w.Start < from.Add(3*time.Hour)
		},
		Kinds:   []Kind{FeatureDrift},
		Feature: func(name string) bool { return name == "x" },
		Reason:  "the new tariff",
	}}
	shift := func(slice int64) float64 {
		if slice >= 3 {
			return 150
		}
		return 0
	}
	var told []string
	for n, out := range closeAll(s, panes(s, 8, 200, shift), windows.Timestamp(9*3600_000)) {
		word := "-"
		for _, a := range out.Alerts {
			word = string(a.Status)
			if a.Status == Resolved && !strings.Contains(a.Summary, "silenced (the new tariff)") {
				t.Errorf("window %d: %s", n, a.Summary)
			}
		}
		told = append(told, word)
		x, silenced := out.Verdict.Features["x"], n >= 4 && n < 7
		if n >= 3 && (!x.Drifted || !out.Verdict.Drifted || (x.HeldBack == drift.HeldSilenced+": the new tariff") != silenced) {
			t.Errorf("window %d: %+v", n, x)
		}
		var state drift.AlertState
		for _, a := range out.Verdict.Alerts {
			if a.Kind == string(FeatureDrift) {
				state = a
			}
		}
		want := map[int]string{3: "firing", 4: "firing", 5: "inactive", 6: "inactive", 7: "firing"}[n]
		if state.State != want || (state.Silenced == "the new tariff") != silenced {
			t.Errorf("window %d: %+v, want %s", n, state, want)
		}
	}
	if got := strings.Join(told, " "); got != "- - - firing - resolved - firing" {
		t.Errorf("told %s", got)
	}
}

// A silence of some features leaves others alone, and one of other kinds, versions
// or times everything.
func TestASilenceIsOfWhatItNames(t *testing.T) {
	always := func(Version, windows.Interval) bool { return true }
	amount := func(name string) bool { return name == "amount" }
	for _, c := range []struct {
		name    string
		silence Silence
		left    string
	}{
		{"everything", Silence{Covers: always}, ""},
		{"its kind", Silence{Covers: always, Kinds: []Kind{Traffic, FeatureDrift}}, ""},
		{"another kind", Silence{Covers: always, Kinds: []Kind{DataQuality}}, "amount age"},
		{"a feature", Silence{Covers: always, Feature: amount}, "age"},
		{"elsewhere", Silence{Covers: func(Version, windows.Interval) bool { return false }}, "amount age"},
	} {
		s := Settings{Silences: []Silence{c.silence}}
		v := verdictOf(1, map[string]float64{"amount": 0.3, "age": 0.2})
		found := s.silence(FeatureDrift, Version{Model: "fraud"}, windows.Interval{}, v, findingOf(FeatureDrift, v))
		var left []string
		for _, culprit := range found.culprits {
			left = append(left, culprit.Name)
		}
		if got := strings.Join(left, " "); got != c.left {
			t.Errorf("%s: %q is left, want %q", c.name, got, c.left)
		}
	}
}

// What fires of a version that falls silent is resolved with its last window, and
// says why; without it the page would stand for good.
func TestAVersionThatIsForgottenResolves(t *testing.T) {
	s := settingsOf(t, "1h", "", 2)
	s.ForgetAfter = 3 * time.Hour
	outcomes := closeAll(s, panes(s, 4, 200, func(slice int64) float64 { return float64(slice / 3 * 150) }), windows.Timestamp(100*3600_000))
	if len(outcomes) != 7 {
		t.Fatalf("%d windows: four with events and three without", len(outcomes))
	}
	for n, out := range outcomes {
		switch {
		case n == 3 && (len(out.Alerts) != 1 || out.Alerts[0].Status != Firing):
			t.Errorf("window 3: %+v", out.Alerts)
		case n == 6 && (len(out.Alerts) != 1 || out.Alerts[0].Status != Resolved || !strings.Contains(out.Alerts[0].Summary, "no longer watched")):
			t.Errorf("the last window: %+v", out.Alerts)
		case n != 3 && n != 6 && len(out.Alerts) > 0:
			t.Errorf("window %d: %+v", n, out.Alerts[0])
		}
	}
	if last := outcomes[6].Progress.Alerts; len(last) > 0 {
		t.Errorf("what is left is %+v", last)
	}
}
