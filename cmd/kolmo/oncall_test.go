package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

// A liveModel is a service that answers now, with fifty features.
type liveModel struct {
	shift atomic.Bool // its features drift, and it fails
}

// answer sends thirty events a second, until the context ends.
func (m *liveModel) answer(ctx context.Context, t *testing.T, client *kgo.Client, topic string) {
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	random := rand.New(rand.NewPCG(1, 2))
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case at := <-tick.C:
			features := make(map[string]float64, 50)
			status, mean := "200", 0.0
			if m.shift.Load() {
				mean = 2
				if n%4 == 0 {
					status = "500"
				}
			}
			for f := range 50 {
				features[fmt.Sprintf("f%02d", f)] = random.NormFloat64() + mean
			}
			value, err := json.Marshal(map[string]any{
				"model": flights.Model, "version": "7", "ts": at.UnixMilli(), "features": features, "prediction": random.NormFloat64(), "status": status, "latency_ms": 20,
			})
			if err != nil {
				t.Error(err)
				return
			}
			client.Produce(ctx, &kgo.Record{Topic: topic, Value: value, Timestamp: at}, nil)
		}
	}
}

// TestPagesOfALiveModel: a service drifts in all of its fifty features and begins to
// fail. On call gets one page for the drift and one for the failures, within seconds
// of the window's end, and every link of them leads somewhere.
func TestPagesOfALiveModel(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	onCall := servers.NewPager(t)
	port, err := local.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	a := servers.Alertmanager(t, func(o *local.AlertmanagerOptions) {
		o.Config = fmt.Sprintf(`route: {receiver: on-call, group_by: [alertname, model], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: on-call
    webhook_configs: [{url: %q, send_resolved: true}]
`, onCall.URL)
	})
	s.createTopic(t, "predictions", 2)
	config := s.write(t, setup{name: "live", inputs: "{predictions: [predictions]}", model: fmt.Sprintf(`    window: {size: 10s, lateness: 1s}
    reference: {kind: first, windows: 2}
    drift: {alpha: 0.0001, min_effect: 0.3}
    alert: {for: 1, of: 1, resolve_after: 1, severity: {warning: 0, critical: 0.3}}
    slo: {error_rate: 0.01, latency: {p99: 200ms}}
    traffic: {watch: true}
alertmanager: {urls: [%q], timeout: 2s}
external_url: http://127.0.0.1:%d
`, a.URL(), port)})
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	listening := strings.Replace(string(text), "listen: 127.0.0.1:0", fmt.Sprintf("listen: 127.0.0.1:%d", port), 1)
	if err := os.WriteFile(config, []byte(listening), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, config)

	var model liveModel
	ctx, stop := context.WithCancel(t.Context())
	sent := make(chan struct{})
	client := s.client(t)
	go func() {
		model.answer(ctx, t, client, "predictions")
		close(sent)
	}()
	defer func() {
		stop()
		<-sent
	}()
	// The window in which it began is not whole; two make the reference; one is quiet.
	s.records(t, "live.verdicts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= 4 })
	if pages := onCall.Statuses(); len(pages) > 0 {
		t.Fatalf("a quiet model pages: %v", pages)
	}
	model.shift.Store(true)
	arrived := make(map[string]time.Time)
	within(t, 40*time.Second, "both pages came", func() bool {
		for _, p := range onCall.Told() {
			if name := p.Alerts[0].Labels["alertname"]; arrived[name].IsZero() {
				arrived[name] = time.Now()
			}
		}
		return !arrived["ModelFeatureDrift"].IsZero() && !arrived["ModelPerformance"].IsZero()
	})
	pages := onCall.Told()
	if len(pages) != 2 {
		t.Errorf("%d pages: %+v", len(pages), pages)
	}
	for _, p := range pages {
		alert := p.Alerts[0]
		name := alert.Labels["alertname"]
		_, end, _ := strings.Cut(alert.Annotations["window"], "/")
		closed, err := time.Parse(time.RFC3339, end)
		if err != nil || len(p.Alerts) != 1 {
			t.Fatalf("%v: %+v", err, p)
		}
		due := closed.Add(time.Second)
		t.Logf("%s came %v after its window's lateness was over", name, arrived[name].Sub(due).Round(time.Millisecond))
		if late := arrived[name].Sub(due); late > 5*time.Second {
			t.Errorf("%s came %v after its window's lateness was over", name, late)
		}
		if alert.Labels["severity"] != "critical" {
			t.Errorf("%s: severity %s", name, alert.Labels["severity"])
		}
		if name == "ModelFeatureDrift" && !strings.Contains(alert.Annotations["features"], "and 45 more") {
			t.Errorf("fifty features drifted: %s", alert.Annotations["features"])
		}
		for _, link := range []string{"evidence_url", "dashboard_url", "runbook_url", "plot_url"} {
			if link != "plot_url" || name == "ModelFeatureDrift" { // nothing else has a picture
				follow(t, alert.Annotations[link])
			}
		}
	}
}

// follow fetches what a link leads to.
func follow(t *testing.T, link string) {
	t.Helper()
	response, err := http.Get(link)
	if err != nil {
		t.Fatalf("following %q: %v", link, err)
	}
	_ = response.Body.Close() // read only
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s", link, response.Status)
	}
}
