package alertmanager

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

// amtool runs it, and returns what it prints.
func amtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	program, err := local.InstallAmtool(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	return string(out), err
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// withReceivers is the shipped configuration with other receivers.
func withReceivers(t *testing.T, receivers string) string {
	t.Helper()
	head, _, found := strings.Cut(read(t, "alertmanager.yaml"), "# Everything is sent to one placeholder")
	if !found {
		t.Fatal("alertmanager.yaml does not say where its receivers begin")
	}
	return head + receivers
}

// folder is one with a configuration and the templates, as Alertmanager finds them.
func folder(t *testing.T, config string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"alertmanager.yml": config, "kolmo.tmpl": read(t, "kolmo.tmpl")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestConfigurationsAreTaken(t *testing.T) {
	for name, config := range map[string]string{
		"alertmanager.yaml":               read(t, "alertmanager.yaml"),
		"with the receivers.yaml instead": withReceivers(t, read(t, "receivers.yaml")),
	} {
		if out, err := amtool(t, "check-config", filepath.Join(folder(t, config), "alertmanager.yml")); err != nil || !strings.Contains(out, "4 receivers") || !strings.Contains(out, "1 templates") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestRoutes(t *testing.T) {
	for labels, receiver := range map[string]string{
		"alertname=ModelFeatureDrift model=fraud model_version=3 kind=feature_drift severity=critical": "pager",
		"alertname=ModelFeatureDrift model=fraud kind=feature_drift severity=warning":                  "chat",
		"alertname=ModelTraffic model=fraud kind=traffic severity=info":                                "chat",
		"alertname=ModelDataQuality model=KolmoDown kind=data_quality severity=critical":               "pager",
		"alertname=KolmoDown severity=critical":                                                        "operators-pager",
		"alertname=KolmoNoData topic=predictions job=kolmo severity=warning":                           "operators",
		"alertname=KolmoOverLimit limit=models job=kolmo severity=info":                                "operators",
		"alertname=DiskFull severity=critical":                                                         "chat",
		"severity=critical":                                                                            "chat",
	} {
		args := append([]string{"config", "routes", "test", "--config.file=alertmanager.yaml", "--verify.receivers=" + receiver}, strings.Fields(labels)...)
		if out, err := amtool(t, args...); err != nil {
			t.Errorf("%s does not reach %s: %v\n%s", labels, receiver, err, out)
		}
	}
}

// The data of a notification, as templates get it.
type notification struct {
	Receiver          string            `json:"receiver"`
	Status            string            `json:"status"`
	Alerts            []told            `json:"alerts"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
}

type told struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// render renders one of the templates.
func render(t *testing.T, template string, n notification) string {
	t.Helper()
	data, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := amtool(t, "template", "render", "--template.glob=kolmo.tmpl", "--template.text={{ template \""+template+"\" . }}", "--template.data="+file)
	if err != nil {
		t.Fatalf("%s: %v\n%s", template, err, out)
	}
	return out
}

// about is a notification on some alerts of one kind.
func about(name, severity string, alerts ...told) notification {
	n := notification{
		Status: "firing", Alerts: alerts, ExternalURL: "http://alertmanager.example.com",
		CommonLabels: map[string]string{"alertname": name, "severity": severity},
		CommonAnnotations: map[string]string{
			"summary": "What all of them have in common.", "runbook_url": "http://kolmo.example.com/runbooks/" + name,
		},
	}
	for _, a := range alerts {
		a.Labels["alertname"], a.Labels["severity"] = name, severity
	}
	return n
}

func drifted(model, version, status string) told {
	return told{
		Status: status, Labels: map[string]string{"model": model, "model_version": version, "kind": "feature_drift"},
		Annotations: map[string]string{
			"summary": "What all of them have in common.", "description": model + " v" + version + ": 2 of 20 features drifted, amount most (D 0.137)",
			"since": "2026-03-01T12:00:00Z", "features": "amount (ks, effect 0.137), age (ks, effect 0.11)", "evidence_url": "http://kolmo.example.com/model?name=" + url.QueryEscape(model),
			"runbook_url": "http://kolmo.example.com/runbooks/ModelFeatureDrift",
		},
		StartsAt: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC),
	}
}

// A page says which model, since when, how bad, why, and where to look.
func TestAPageOfOneModel(t *testing.T) {
	n := about("ModelFeatureDrift", "critical", drifted("fraud", "3", "firing"))
	for template, want := range map[string]string{
		"kolmo.slack.title":           "critical ModelFeatureDrift: fraud 3",
		"kolmo.slack.color":           "danger",
		"kolmo.evidence":              "http://kolmo.example.com/model?name=fraud",
		"kolmo.runbook":               "http://kolmo.example.com/runbooks/ModelFeatureDrift",
		"kolmo.pagerduty.description": "critical ModelFeatureDrift: fraud 3, since 2026-03-01 12:00 UTC. fraud v3: 2 of 20 features drifted, amount most (D 0.137)",
		"kolmo.pagerduty.resolved":    "0 of 1",
		"kolmo.lines":                 "fraud 3, since 2026-03-01 12:00 UTC: fraud v3: 2 of 20 features drifted, amount most (D 0.137)",
		"kolmo.slack.text": "What all of them have in common.\n• fraud 3, since 2026-03-01 12:00 UTC: fraud v3: 2 of 20 features drifted, amount most (D 0.137)" +
			" [amount (ks, effect 0.137), age (ks, effect 0.11)] <http://kolmo.example.com/model?name=fraud|evidence> <http://kolmo.example.com/runbooks/ModelFeatureDrift|runbook>\n",
	} {
		if got := render(t, template, n); got != want {
			t.Errorf("%s is\n%q, want\n%q", template, got, want)
		}
	}
	n.Alerts[0].Status = "resolved"
	if got, want := render(t, "kolmo.slack.title", n), "resolved ModelFeatureDrift: fraud 3"; got != want {
		t.Errorf("the title is %q, want %q", got, want)
	}
	if got, want := render(t, "kolmo.slack.text", n), "What all of them have in common.\nOver: fraud 3\n"; got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
	if got := render(t, "kolmo.slack.color", n); got != "good" {
		t.Errorf("what is over is %s", got)
	}
}

func TestAPageOfManyModels(t *testing.T) {
	var alerts []told
	for i := range 40 {
		alerts = append(alerts, drifted(fmt.Sprintf("model-%02d", i), "1", "firing"))
	}
	n := about("ModelDataQuality", "critical", alerts...)
	const whom = "critical ModelDataQuality: model-00 1, model-01 1, model-02 1, model-03 1, model-04 1 and others, 40 in all"
	if got := render(t, "kolmo.slack.title", n); got != whom {
		t.Errorf("the title is %q", got)
	}
	if got := render(t, "kolmo.pagerduty.description", n); got != whom+". What all of them have in common." {
		t.Errorf("the description is %q", got)
	}
	for _, template := range []string{"kolmo.slack.text", "kolmo.lines"} {
		text := render(t, template, n)
		if strings.Count(text, "since 2026-03-01 12:00 UTC") != 10 || !strings.Contains(text, "\nand others, 40 in all") {
			t.Errorf("%s is %q", template, text)
		}
	}
}

// What anybody called a model neither commands Slack nor makes PagerDuty cut what counts.
func TestAPageOfHostileNames(t *testing.T) {
	var alerts []told
	for i := range 40 {
		a := drifted(fmt.Sprintf("<!channel> %d %s", i, strings.Repeat("ж", 220)), strings.Repeat("9", 256), "firing")
		a.Annotations["description"] = "<!here> " + strings.Repeat("x", 5000)
		alerts = append(alerts, a)
	}
	for _, n := range []notification{about("ModelFeatureDrift", "critical", alerts...), about("ModelFeatureDrift", "critical", alerts[:1]...)} {
		description := render(t, "kolmo.pagerduty.description", n)
		if length := utf8.RuneCountInString(description); length > 1024 {
			t.Errorf("the description of %d alerts is %d characters long", len(n.Alerts), length)
		}
		for _, template := range []string{"kolmo.slack.title", "kolmo.slack.text", "kolmo.lines", "kolmo.pagerduty.description"} {
			if text := render(t, template, n); strings.Contains(text, "<!") || !strings.Contains(text, "‹!channel›") || !utf8.ValidString(text) {
				t.Errorf("%s of %d alerts is %q", template, len(n.Alerts), text)
			}
		}
	}
}

// Alerts on kolmo itself name what they are about, and those without anything link to
// Alertmanager.
func TestAPageOnKolmo(t *testing.T) {
	for want, labels := range map[string]map[string]string{
		"warning X: predictions":      {"topic": "predictions"},
		"warning X: predictions/3":    {"topic": "predictions", "partition": "3"},
		"warning X: http://one:9093":  {"alertmanager": "http://one:9093"},
		"warning X: incidents":        {"webhook": "incidents"},
		"warning X: airflow":          {"target": "airflow"},
		"warning X: shard 5":          {"shard": "5"},
		"warning X: limit categories": {"limit": "categories"},
		"warning X: kolmo":            {},
	} {
		n := about("X", "warning", told{Status: "firing", Labels: labels, Annotations: map[string]string{"summary": "It is so."}, StartsAt: time.Date(2026, 3, 1, 14, 5, 6, 0, time.FixedZone("", 7200))})
		n.CommonAnnotations = nil
		if got := render(t, "kolmo.slack.title", n); got != want {
			t.Errorf("the title is %q, want %q", got, want)
		}
		for _, template := range []string{"kolmo.evidence", "kolmo.runbook"} {
			if got := render(t, template, n); got != n.ExternalURL {
				t.Errorf("%s is %q", template, got)
			}
		}
		if got := render(t, "kolmo.slack.text", n); !strings.HasSuffix(got, ", since 2026-03-01 12:05 UTC: It is so.\n") {
			t.Errorf("the text is %q", got)
		}
	}
}
