package evidence

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// What a verdict says of alerts, traffic and objectives is on its window's page, and
// how far alerts had come is drawn over time.
func TestAlertsOverTime(t *testing.T) {
	h := NewHistory(Limits{})
	since := storyStart.Add(4 * time.Hour)
	for hour := range 8 {
		v := storyVerdict("m", "1", hour, map[string]*drift.Feature{"x": numericFeature(0.2, hour >= 4)})
		switch hour {
		case 2:
			v.Alerts = []drift.AlertState{{Kind: "traffic", State: "inactive", For: 1, Of: 1, Silenced: "a load test"}}
		case 4:
			v.Alerts = []drift.AlertState{{Kind: "feature_drift", State: "pending", Windows: 1, For: 2, Of: 3, Since: &since}}
		case 5, 6:
			v.Alerts = []drift.AlertState{
				{Kind: "traffic", State: "pending", Windows: 1, For: 2, Of: 2, Since: &since},
				{Kind: "feature_drift", State: "firing", Windows: 2, For: 2, Of: 3, Since: &since, ID: "1d0c", Severity: "critical"},
			}
			v.Traffic = &drift.Traffic{Events: 1200, Usual: 4800, Basis: "hour", P: ptr(1e-9), Effect: ptr(0.75), Far: true}
			v.Performance.Objectives = []drift.Promise{
				{Name: "error_rate", Objective: 0.001, Value: 0.02, Bad: 2400, Of: 120000, Adjusted: ptr(1e-12), Effect: ptr(20), Missed: true},
				{Name: "latency_p99", Objective: 250, Value: 22.5, Bad: 3, Of: 120000, Adjusted: ptr(1), Effect: ptr(0.09)},
			}
		}
		add(t, h, v)
	}
	handler, id := NewHandler(h, discard(), nil), alerts.Version{Model: "m", Version: "1"}
	answer := get(t, handler, alerts.ModelPath(id, storyStart.Add(6*time.Hour)))
	body := answer.Body.String()
	page := parse(t, body)
	for _, want := range []string{
		"critical feature drift", "2 of the last 3 count", "1 of the last 2 count; it fires at 2", "2026-03-02 04:00 UTC",
		"1\u202f200 events, usually 4800 at this hour of the day: far from it",
		"error rate", "2\u202f400 of 120\u202f000", "missed", "latency p99", "250 ms", "22.5 ms", "kept",
	} {
		if answer.Code != http.StatusOK || !strings.Contains(page.text, want) {
			t.Errorf("the page of a window with alerts does not say %q", want)
		}
	}
	if want := "An alert fires after 2 windows, is pending after 1 and silenced after 1."; !strings.Contains(body, want) {
		t.Errorf("the page does not have %s", want)
	}
	for class, want := range map[string]int{`class="fires"`: 2, `class="pends"`: 1} {
		if n := strings.Count(body, class); n != want {
			t.Errorf("%d columns have the %s, want %d", n, class, want)
		}
	}
	if page := parse(t, get(t, handler, alerts.ModelPath(id, storyStart.Add(2*time.Hour))).Body.String()); !strings.Contains(page.text, "inactive, silenced: a load test") {
		t.Error("why an alert is silenced is not said")
	}
	// Without alerts there is neither a strip nor a table.
	quiet := NewHistory(Limits{})
	add(t, quiet, storyVerdict("m", "1", 0, nil))
	if page := parse(t, get(t, NewHandler(quiet, discard(), nil), alerts.ModelPath(id, time.Time{})).Body.String()); strings.Contains(page.text, "Where alerts stood") {
		t.Error("a window without alerts has a table of them")
	}
}
