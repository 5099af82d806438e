package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

// standing are the alerts that an Alertmanager knows to fire; nil when it does not
// answer.
func standing(t *testing.T, a *local.Alertmanager) []map[string]string {
	t.Helper()
	response, err := http.Get(a.URL() + "/api/v2/alerts")
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }() // read only
	var alerts []struct{ Labels map[string]string }
	if err := json.NewDecoder(response.Body).Decode(&alerts); err != nil {
		t.Fatal(err)
	}
	var labels []map[string]string
	for _, alert := range alerts {
		labels = append(labels, alert.Labels)
	}
	return labels
}

// within waits until something is so.
func within(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !so(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%v later it is not so that %s", limit, what)
		}
	}
}

// TestAlertmanagerIsTold: an instance dies between publishing an alert and pushing it,
// and the next one pushes; Alertmanager is restarted, and has it again; the model
// recovers, and it ends. On call is paged once, and told once that it is over.
func TestAlertmanagerIsTold(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	onCall := servers.NewPager(t)
	port, err := local.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s.createTopic(t, "predictions", 1)
	config := s.write(t, setup{name: "told", inputs: "{predictions: [predictions]}", model: fmt.Sprintf(`    window: {size: 1h, lateness: 1m}
    reference: {kind: first, windows: 2}
    drift: {numeric: ks, min_events: 10}
    alert: {for: 1, of: 1, resolve_after: 1, severity: warning}
alertmanager: {urls: ["http://127.0.0.1:%d/"], resend: 1s, timeout: 2s}
`, port)})
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	send := func(hour int, mean float64) {
		s.sendHour(t, "predictions", noon.Add(time.Duration(hour)*time.Hour), map[string]float64{"7": mean})
	}
	for hour := range 5 {
		send(hour, []float64{0, 0, 0, 3, 3}[hour])
	}

	// Published, and nobody listens yet.
	first := s.run(t, config)
	s.records(t, "told.alerts", time.Minute, func(all []*kgo.Record) bool { return len(all) == 1 })
	first.waitFor("Alertmanager was not told")
	first.kill()

	a := servers.Alertmanager(t, func(o *local.AlertmanagerOptions) {
		o.Port = port
		o.Config = fmt.Sprintf(`route: {receiver: on-call, group_by: [alertname, model], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: on-call
    webhook_configs: [{url: %q, send_resolved: true}]
`, onCall.URL)
	})
	second := s.run(t, config)
	within(t, 30*time.Second, "on call was paged", func() bool { return len(onCall.Statuses()) > 0 })
	paged := onCall.Told()[0].Alerts[0]
	want := map[string]string{
		"alertname": "ModelFeatureDrift", "model": flights.Model, "model_version": "7", "kind": "feature_drift", "severity": "warning",
	}
	if len(paged.Labels) != len(want) {
		t.Errorf("the labels are %v", paged.Labels)
	}
	for name, value := range want {
		if paged.Labels[name] != value {
			t.Errorf("label %s is %q, want %q", name, paged.Labels[name], value)
		}
	}
	if since := noon.Add(3 * time.Hour); paged.Annotations["since"] != since.Format(time.RFC3339) || time.Since(paged.StartsAt) > time.Hour || paged.Annotations["summary"] == "" || paged.Annotations["description"] == "" {
		t.Errorf("paged is %+v, want one since %v with a summary and a description", paged, since)
	}

	// The alerts are in Alertmanager's memory alone.
	if err := a.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	within(t, 15*time.Second, "it has the alert again", func() bool { return len(standing(t, a)) == 1 })

	for hour := 5; hour < 7; hour++ {
		send(hour, 0)
	}
	within(t, 20*time.Second, "on call was told that it is over", func() bool { return slices.Contains(onCall.Statuses(), "resolved") })
	if left := standing(t, a); len(left) > 0 {
		t.Errorf("these stand still: %v", left)
	}
	second.stop()
	if got := onCall.Statuses(); !slices.Equal(got, []string{"firing", "resolved"}) {
		t.Errorf("on call was paged %q", got)
	}

}
