package service

import (
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/windows"
)

// Targets behind TLS, one for each way of asking: what the configuration says reaches
// them, and a redirect is not followed.
func TestConfiguredTargetsAreAskedAsTheConfigurationSays(t *testing.T) {
	folder := t.TempDir()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect took the request elsewhere, with %v", r.Header)
	}))
	defer elsewhere.Close()
	asked := make(chan string, 10)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization")
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	for name, data := range map[string][]byte{
		"ca.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		"secret": []byte("secret\n"), "whsec": []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf(`kafka: {brokers: ["a:1"]}
redis: {addresses: ["a:2"]}
retraining:
  targets:
    - {name: new, airflow: {url: %[1]q, dag_id: d, username: kolmo, password_file: secret}, tls: {ca_file: ca.pem}}
    - {name: old, airflow: {url: %[1]q, version: 2, dag_id: d, username: kolmo, password_file: secret}, tls: {ca_file: ca.pem}}
    - {name: pipelines, kubeflow: {url: %[1]q, pipeline_id: p, token_file: secret}, tls: {ca_file: ca.pem}}
    - {name: actions, github: {url: %[1]q, repository: acme/fraud, token_file: secret}, tls: {ca_file: ca.pem}}
    - {name: in-house, webhook: {url: %[1]q, secret_file: whsec}, tls: {ca_file: ca.pem}}
webhooks:
  - {name: chat, url: "%[2]s/chat", secret_file: whsec, tls: {ca_file: ca.pem}}
models:
  - name: fraud
    window: {size: 1d, time_zone: Europe/Berlin, lateness: 6h}
    retraining: {targets: [old], alerts: [prediction_drift], min_severity: warning, every: 1w, cooldown: 36h, per_day: 2, expire_after: 2h, dry_run: true}
`, server.URL+"/a/", server.URL)
	c, problems := configs.Parse(filepath.Join(folder, "kolmo.yaml"), []byte(text), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	o, err := Configured(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o.Registry = prometheus.NewRegistry()
	trainer, err := o.Retraining.retrainer(o.Registry, o.Log)
	if err != nil {
		t.Fatal(err)
	}
	var closing kafka.Options
	hooks, err := notifyWebhooks(&o, &closing)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go trainer.Run(ctx)
	go hooks.Run(ctx)
	record := alerts.RetrainingRecord{Alert: alerts.Alert{ID: "1", Model: "fraud"}, Expires: time.Now().Add(time.Hour)}
	trainer.Retrain(0, []alerts.Outstanding{{Fresh: true, Pending: alerts.Pending{
		Record: record, Targets: []string{"new", "old", "pipelines", "actions", "in-house"}, At: time.Now(),
	}}}, func(a alerts.Answer) { t.Errorf("answered %+v", a) })
	closing.Notifier.Notify(0, []alerts.Standing{{Version: alerts.Version{Model: "fraud"}, Incident: alerts.Incident{ID: "1"}}})
	var got []string
	for range 6 {
		select {
		case request := <-asked:
			got = append(got, request)
		case <-time.After(10 * time.Second):
			t.Fatalf("asked %q only", got)
		}
	}
	slices.Sort(got)
	want := []string{
		"POST /a/ ", "POST /a/api/v1/dags/d/dagRuns Basic a29sbW86c2VjcmV0", "POST /a/apis/v2beta1/runs Bearer secret",
		"POST /a/auth/token ", "POST /a/repos/acme/fraud/dispatches Bearer secret", "POST /chat ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("asked %q", got)
	}

	policy := o.Models("fraud").Retraining
	schedule := policy.Schedule
	policy.Schedule = nil
	if !reflect.DeepEqual(policy, alerts.RetrainingPolicy{
		Targets: []string{"old"}, On: []alerts.Kind{alerts.PredictionDrift}, MinSeverity: "warning",
		Cooldown: 36 * time.Hour, PerDay: 2, ExpireAfter: 2 * time.Hour, DryRun: true,
	}) {
		t.Errorf("the policy is %+v", policy)
	}
	// Weeks begin on Monday, at midnight in Berlin.
	monday := time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)
	if from := schedule.Boundary(windows.TimestampOf(monday.Add(-time.Hour))); !from.Time().Equal(monday) {
		t.Errorf("the schedule's next boundary is %v, want %v", from, monday)
	}
	if other := o.Models("churn").Retraining; len(other.Targets) > 0 || other.Schedule != nil {
		t.Errorf("another model is trained: %+v", other)
	}
}

// counted counts what it is told.
type counted struct{ told, released int }

func (c *counted) Notify(int, []alerts.Standing) { c.told++ }
func (c *counted) Release(int)                   { c.released++ }

func TestAlertmanagersAndWebhooksAreBothTold(t *testing.T) {
	o := Options{Registry: prometheus.NewRegistry()}
	first := new(counted)
	closing := kafka.Options{Notifier: first, Resend: time.Hour}
	if _, err := notifyWebhooks(&o, &closing); err != nil {
		t.Fatal(err)
	}
	closing.Notifier.Notify(1, nil)
	closing.Notifier.Release(1)
	if first.told != 1 || first.released != 1 || closing.Resend != time.Hour {
		t.Errorf("%+v, every %v", first, closing.Resend)
	}
	second, third := new(counted), new(counted)
	b := both{second, third}
	b.Notify(1, nil)
	b.Release(1)
	if *second != (counted{1, 1}) || *third != (counted{1, 1}) {
		t.Errorf("%+v, %+v", second, third)
	}
}
