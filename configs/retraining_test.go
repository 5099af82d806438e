package configs_test

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/windows"
)

func TestTargetsOfRetraining(t *testing.T) {
	first, second := strings.Repeat("a", 24), strings.Repeat("b", 32)
	secret := func(of string) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(of)) }
	c := parsed(t, least+fmt.Sprintf(`
retraining:
  targets:
    - name: nightly
      airflow: {url: http://airflow:8080, dag_id: retrain, username: kolmo, password: "${KOLMO_PASSWORD}"}
    - name: old
      airflow: {url: http://airflow:8080, version: 2, dag_id: retrain, username: kolmo, password: "${KOLMO_PASSWORD}"}
      tls: {server_name: airflow.internal}
    - name: pipelines
      kubeflow: {url: http://kubeflow, pipeline_id: p}
    - name: actions
      github: {repository: acme/fraud-model, token: "${KOLMO_PASSWORD}"}
    - name: in-house
      webhook: {url: http://localhost/retrain, secret: "%s %s"}
defaults:
  retraining: {targets: [nightly], every: 1w}
models:
  - name: fraud
    retraining: {targets: [actions, in-house], alerts: [prediction_drift], per_day: 0, dry_run: true}
  - name: never
    retraining: {targets: []}
`, secret(first), secret(second)))
	password := configs.NewSecret("hunter2")
	targets := c.Retraining.Targets
	airflow := &configs.Airflow{URL: "http://airflow:8080", Version: 3, DAG: "retrain", Username: "kolmo", Password: password}
	older := *airflow
	older.Version = 2
	want := []configs.RetrainingTarget{
		{Name: "nightly", Airflow: airflow},
		{Name: "old", Airflow: &older, TLS: &configs.TLS{ServerName: "airflow.internal"}},
		{Name: "pipelines", Kubeflow: &configs.Kubeflow{URL: "http://kubeflow", Pipeline: "p", Parameter: "kolmo"}},
		{Name: "actions", GitHub: &configs.GitHub{URL: "https://api.github.com", Repository: "acme/fraud-model", EventType: "retrain", Token: password}},
		{Name: "in-house", Webhook: targets[4].Webhook},
	}
	if !reflect.DeepEqual(targets, want) {
		t.Errorf("%+v", targets)
	}
	if keys := targets[4].Webhook.Secrets(); len(keys) != 2 || string(keys[0]) != first || string(keys[1]) != second {
		t.Errorf("the keys are %q", keys)
	}
	if got := c.For("churn").Retraining; !reflect.DeepEqual(got.Targets, []string{"nightly"}) || got.Every != (windows.Span{Unit: windows.Weeks, Count: 1}) ||
		got.Cooldown != 24*time.Hour || got.PerDay != 1 || got.DryRun {
		t.Errorf("a model without an entry: %+v", got)
	}
	if got := c.For("fraud").Retraining; !reflect.DeepEqual(got.Targets, []string{"actions", "in-house"}) || got.PerDay != 0 || !got.DryRun ||
		!reflect.DeepEqual(got.Alerts, []string{"prediction_drift"}) {
		t.Errorf("fraud: %+v", got)
	}
	if got := c.For("never").Retraining; len(got.Targets) != 0 {
		t.Errorf("never: %+v", got)
	}
}

// What is published depends on it where somebody is asked, and nowhere else.
func TestRetrainingIsInTheFingerprintWhereSomebodyIsAsked(t *testing.T) {
	const target = "retraining: {targets: [{name: a, kubeflow: {url: http://k, pipeline_id: p}}]}\n"
	none, known := parsed(t, least), parsed(t, least+target)
	idle := parsed(t, least+target+"defaults: {retraining: {cooldown: 1h}}")
	asked := parsed(t, least+target+"defaults: {retraining: {targets: [a]}}")
	soon := parsed(t, least+target+"defaults: {retraining: {targets: [a], cooldown: 1h}}")
	if none.Fingerprint() != known.Fingerprint() || none.Fingerprint() != idle.Fingerprint() {
		t.Error("what nobody is asked for changes the fingerprint")
	}
	if asked.Fingerprint() == none.Fingerprint() || asked.Fingerprint() == soon.Fingerprint() {
		t.Error("what is asked for does not change the fingerprint")
	}
}
