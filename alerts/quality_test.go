package alerts

import (
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// check is one with these rates.
func check(rate, before float64, broken bool) *drift.Check {
	z, p := drift.Number(9), drift.Number(1e-9)
	return &drift.Check{Rate: drift.Number(rate), ReferenceRate: drift.Number(before), Statistic: &z, P: &p, Adjusted: &p, Broken: broken}
}

// verdictWith is a verdict of one hour in which amount has these checks.
func verdictWith(hour int, q *drift.Quality) *drift.Verdict {
	v := verdictOf(hour, map[string]float64{})
	f := v.Features["amount"]
	f.Quality = q
	f.Broken = f.BrokenMost().Check != nil
	return v
}

// What breaks fires by the policy, with a kind and an identity of its own, and
// resolves by it.
func TestBrokenDataFires(t *testing.T) {
	policy := Policy{For: 2, Of: 3, ResolveAfter: 2, Severity: "critical"}
	var state State
	told, incident := "", ""
	for hour, window := range "b.b..b" {
		v := verdictWith(hour, nil)
		if window == 'b' {
			v = verdictWith(hour, &drift.Quality{Missing: check(0.41, 0.002, true), Outliers: check(0.01, 0.01, false)})
			effect := drift.Number(0.3)
			v.Features["amount"].Drifted, v.Features["amount"].Effect, v.Features["amount"].CausedBy = true, &effect, "missing"
		}
		if _, drifts := policy.Step(FeatureDrift, State{}, v); drifts != nil {
			t.Errorf("hour %d: a drift that broken data caused is told as well", hour)
		}
		var alert *Alert
		state, alert = policy.Step(DataQuality, state, v)
		switch {
		case alert == nil:
			told += "-"
		case alert.Status == Firing:
			told += "F"
			incident = alert.ID
			if want := "fraud v3: amount is missing in 41 % of events (reference 0.2 %)"; alert.Summary != want || alert.Kind != "data_quality" {
				t.Errorf("%s: %q, want %q", alert.Kind, alert.Summary, want)
			}
			c := alert.Features[0]
			if len(alert.Features) != 1 || c.Name != "amount" || c.Test != "missing" || *c.Statistic != 9 || *c.Adjusted != 1e-9 || *c.Effect != 0.41-0.002 {
				t.Errorf("culprits %+v", alert.Features)
			}
		default:
			told += "R"
			if want := "fraud v3: its data is like the reference's again"; alert.Summary != want || alert.ID != incident {
				t.Errorf("resolved as %q, id %s of %s", alert.Summary, alert.ID, incident)
			}
		}
	}
	if told != "--F-R-" {
		t.Errorf("told %s, want --F-R-", told)
	}
}

// A drift of its own fires beside broken data.
func TestDriftFiresBesideBrokenData(t *testing.T) {
	policy := Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "critical"}
	v := verdictOf(1, map[string]float64{"amount": 0.3, "age": 0.2})
	v.Features["age"].CausedBy, v.Features["age"].Broken = "missing", true
	v.Features["age"].Quality = &drift.Quality{Missing: check(0.5, 0, true)}
	_, drifts := policy.Step(FeatureDrift, State{}, v)
	_, breaks := policy.Step(DataQuality, State{}, v)
	if drifts == nil || len(drifts.Features) != 1 || drifts.Features[0].Name != "amount" {
		t.Errorf("drift %+v, want amount alone", drifts)
	}
	if breaks == nil || len(breaks.Features) != 1 || breaks.Features[0].Name != "age" || breaks.ID == drifts.ID {
		t.Errorf("quality %+v, want age alone, with an identity of its own", breaks)
	}
}

// A window in which nothing could be looked at says nothing either way.
func TestNothingLookedAtSaysNothing(t *testing.T) {
	policy := Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "critical"}
	state, alert := policy.Step(DataQuality, State{}, verdictWith(0, &drift.Quality{Missing: check(1, 0, true)}))
	if alert == nil {
		t.Fatal("broken data did not fire")
	}
	after, alert := policy.Step(DataQuality, state, verdictOf(1, nil))
	if alert != nil || after.Incident == nil {
		t.Errorf("an untested window resolved the alert: %+v", alert)
	}
	if _, alert = policy.Step(DataQuality, after, verdictWith(2, nil)); alert == nil || alert.Status != Resolved {
		t.Errorf("a quiet window did not: %+v", alert)
	}
}

// Each check in words, the largest excess first, the prediction among the
// features.
func TestBreaksInWords(t *testing.T) {
	policy := Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "critical"}
	for _, test := range []struct {
		quality drift.Quality
		of      windows.Type
		says    string
	}{
		{drift.Quality{Missing: check(1, 0, true)}, windows.Numeric, "amount is missing in 100 % of events (reference 0 %)"},
		{drift.Quality{Missing: check(0, 0.7, false), Appeared: check(1, 0.3, true)}, windows.Numeric, "amount has a value in 100 % of events (reference 30 %)"},
		{drift.Quality{NonFinite: check(0.034, 0.00012, true)}, windows.Numeric, "amount is not finite in 3.4 % of values (reference 0.012 %)"},
		{drift.Quality{TypeChanges: check(0.9987, 0, true)}, windows.Numeric, "amount arrives as text in 99.87 % of values (reference 0 %)"},
		{drift.Quality{TypeChanges: check(0.05, 0, true)}, windows.Categorical, "amount arrives as a number in 5 % of values (reference 0 %)"},
		{drift.Quality{NewCategories: check(0.25, 0.01, true)}, windows.Categorical, "amount has new categories in 25 % of values (reference 1 %)"},
		{drift.Quality{OutOfRange: check(0.3, 0.002, true), Outliers: check(0.3, 0.007, true)}, windows.Numeric, "amount is out of range in 30 % of values (reference 0.2 %)"},
		{drift.Quality{Outliers: check(0.1, 0.007, true)}, windows.Numeric, "amount is an outlier in 10 % of values (reference 0.7 %)"},
		{drift.Quality{Constant: check(1, 0.12, true)}, windows.Numeric, "amount has one value alone, that of 12 % of the reference"},
	} {
		v := verdictWith(0, &test.quality)
		v.Features["amount"].Type = test.of
		_, alert := policy.Step(DataQuality, State{}, v)
		if want := "fraud v3: " + test.says; alert == nil || alert.Summary != want {
			t.Errorf("%+v: want %q", alert, want)
		}
	}
	v := verdictWith(0, &drift.Quality{Missing: check(0.2, 0, true)})
	v.Prediction = &drift.Feature{Quality: &drift.Quality{Missing: check(0.6, 0, true)}}
	_, alert := policy.Step(DataQuality, State{}, v)
	if want := "the data of 2 of 3 features is broken: prediction is missing in 60 % of events"; !strings.Contains(alert.Summary, want) {
		t.Errorf("%q, want %q", alert.Summary, want)
	}
}

// From events to the alert: values that stop coming fire as broken data and as
// nothing else.
func TestValuesThatStopComing(t *testing.T) {
	s := settingsOf(t, "1h", "", 3)
	parts := panes(s, 6, 200, func(int64) float64 { return 0 })
	gone := parts[5].Pane
	*gone = *windows.NewPane(gone.Key, gone.Interval, nil, s.ReferenceSize, windows.Limits{Features: 10, Categories: 10})
	for n := range 200 {
		gone.Count(&windows.Observation{HasFeatures: true, Features: []windows.Field{{Name: []byte("x")}}}, windows.RowHash(uint64(n)))
	}
	for n, out := range closeAll(s, parts, windows.Timestamp(7*3600_000)) {
		if n < 5 {
			if len(out.Alerts) > 0 {
				t.Errorf("window %d: %+v", n, out.Alerts[0])
			}
			continue
		}
		if len(out.Alerts) != 1 || out.Alerts[0].Kind != DataQuality || out.Alerts[0].Features[0].Test != "missing" {
			t.Errorf("window %d: %d alerts", n, len(out.Alerts))
		}
		if state := out.Progress.Alerts[DataQuality]; state.Incident == nil {
			t.Error("the incident is not in the progress")
		}
	}
}
