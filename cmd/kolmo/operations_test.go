package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts/runbooks"
	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/deploy/grafana"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
	rules "github.com/kolmo-ml/kolmo/deploy/prometheus"
)

// A series is one of a query's answer.
type series struct {
	Metric map[string]string
	Value  [2]any // time, and the value as text
}

// finite reports whether a series has a number to show.
func (s series) finite() bool {
	text, _ := s.Value[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsNaN(value) && !math.IsInf(value, 0)
}

// asks sends a request to Prometheus' API, and decodes the data of its answer.
func asks(t *testing.T, p *local.Prometheus, path string, parameters url.Values, data any) error {
	t.Helper()
	response, err := http.PostForm(p.URL()+path, parameters)
	if strings.Contains(path, "/label/") || strings.HasSuffix(path, "/alerts") {
		response, err = http.Get(p.URL() + path + "?" + parameters.Encode())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read only
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("Prometheus answers: %s", answer.Error)
	}
	return nil
}

// query is what Prometheus says now.
func query(t *testing.T, p *local.Prometheus, expr string) ([]series, error) {
	t.Helper()
	var data struct{ Result []series }
	err := asks(t, p, "/api/v1/query", url.Values{"query": {expr}}, &data)
	return data.Result, err
}

// scraping starts a Prometheus that scrapes an address every second, with the rules that
// are shipped.
func scraping(t *testing.T, address, page string) *local.Prometheus {
	t.Helper()
	return servers.Prometheus(t, func(o *local.PrometheusOptions) {
		o.Config = fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [kolmo-rules.yaml, model-rules.yaml]
scrape_configs: [{job_name: kolmo, static_configs: [{targets: [%q]}]}]
`, address)
		options := rules.Default()
		options.ExternalURL = page
		for name, file := range map[string]*rules.File{"kolmo-rules.yaml": rules.Health(options), "model-rules.yaml": rules.Models(options)} {
			text, err := file.Encode()
			if err == nil {
				err = os.WriteFile(filepath.Join(o.Dir, name), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestOperations: a model drifts in all of its features and fails, somebody sends what is
// no event, one topic is silent, and a real Prometheus watches. Every panel of the
// dashboards has something to show, every query of a runbook has an answer, Prometheus
// and kolmo say the same of the model, and every link leads somewhere.
func TestOperations(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	port, err := local.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	a := servers.Alertmanager(t)
	s.createTopic(t, "predictions", 2)
	s.createTopic(t, "features", 1)
	config := s.write(t, setup{name: "observed", inputs: "{predictions: [predictions], features: [features]}", model: fmt.Sprintf(`    window: {size: 5s, lateness: 1s}
    reference: {kind: first, windows: 2}
    alert: {for: 1, of: 1, resolve_after: 1, severity: {warning: 0, critical: 0.3}}
    drift: {min_effect: 0.3}
    slo: {error_rate: 0.01}
alertmanager: {urls: [%q], timeout: 2s, resend: 1s}
external_url: http://%s
`, a.URL(), address)})
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "listen: 127.0.0.1:0", "listen: "+address, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, config)
	p := scraping(t, address, "http://"+address)

	var model liveModel
	ctx, stop := context.WithCancel(t.Context())
	client := s.client(t)
	var sending sync.WaitGroup
	sending.Go(func() { model.answer(ctx, t, client, "predictions") })
	sending.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			client.Produce(ctx, &kgo.Record{Topic: "predictions", Value: []byte(`{"no":"model"}`)}, nil)
			<-tick.C
		}
	})
	defer func() {
		stop()
		sending.Wait()
	}()
	s.records(t, "observed.verdicts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= 4 })
	model.shift.Store(true)
	kinds := []string{"ModelFeatureDrift", "ModelPerformance"}
	within(t, 60*time.Second, "Prometheus and Alertmanager know of the drift and the failures", func() bool {
		firing, err := query(t, p, `ALERTS{alertname=~"Model.+",alertstate="firing"}`)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Equal(names(labelsOf(firing)), kinds) && slices.Equal(names(standing(t, a)), kinds)
	})

	// Told by either, it is the same alert.
	firing, err := query(t, p, `ALERTS{alertname=~"Model.+",alertstate="firing"}`)
	if err != nil {
		t.Fatal(err)
	}
	pulled, pushed := labelsOf(firing), byName(standing(t, a))
	for i := range kinds {
		if !maps.Equal(pulled[i], pushed[i]) {
			t.Errorf("Prometheus says %v, kolmo %v", pulled[i], pushed[i])
		}
	}
	// The silent topic is known to be silent, and the other is not; every shard keeps up.
	for expr, want := range map[string][]map[string]string{
		`min by (topic) (kolmo_partition_idle) == 1`:                                                         {{"topic": "features"}},
		`sum by (topic) (kolmo_events_total) == 0`:                                                           {{"topic": "features"}},
		`count(time() - kolmo_closed_timestamp_seconds < 5) == 3`:                                            {{}},
		`sum by (model) (kolmo_reference_missing) == 0 and sum by (model) (kolmo_reference_collecting) == 0`: {{"model": flights.Model}},
	} {
		got, err := query(t, p, expr)
		if err != nil || !slices.EqualFunc(labelsOf(got), want, maps.Equal) {
			t.Errorf("%s is so for %v, want %v: %v", expr, labelsOf(got), want, err)
		}
	}
	// kolmo itself is well, whatever its models are.
	if ill, err := query(t, p, `ALERTS{alertname=~"Kolmo.+",alertstate="firing"}`); err != nil || len(ill) > 0 {
		t.Errorf("of kolmo itself fire %v: %v", labelsOf(ill), err)
	}
	var told struct {
		Alerts []struct{ Labels, Annotations map[string]string }
	}
	if err := asks(t, p, "/api/v1/alerts", nil, &told); err != nil {
		t.Fatal(err)
	}
	for _, alert := range told.Alerts {
		if !slices.Contains(kinds, alert.Labels["alertname"]) {
			continue
		}
		for _, link := range []string{"evidence_url", "runbook_url"} {
			follow(t, alert.Annotations[link])
		}
		if description := alert.Annotations["description"]; !strings.HasPrefix(description, flights.Model+" 7: ") || alert.Labels["alertname"] == "ModelFeatureDrift" && !regexp.MustCompile(`f\d\d \(0\.\d+\)`).MatchString(description) {
			t.Errorf("%s is described as %q", alert.Labels["alertname"], description)
		}
	}

	asRunbooksAsk(t, p)
	asDashboardsAsk(t, p, map[string]string{"model": flights.Model, "version": "7"})
}

// labelsOf are the labels of alerts in Prometheus' own series of them, by name.
func labelsOf(alerts []series) []map[string]string {
	var all []map[string]string
	for _, s := range alerts {
		delete(s.Metric, "__name__")
		delete(s.Metric, "alertstate")
		all = append(all, s.Metric)
	}
	return byName(all)
}

func byName(all []map[string]string) []map[string]string {
	slices.SortFunc(all, func(a, b map[string]string) int { return strings.Compare(a["alertname"], b["alertname"]) })
	return all
}

// names are those of alerts, in order.
func names(all []map[string]string) []string {
	var list []string
	for _, labels := range byName(all) {
		list = append(list, labels["alertname"])
	}
	return list
}

// asRunbooksAsk has Prometheus answer every query of the runbooks.
func asRunbooksAsk(t *testing.T, p *local.Prometheus) {
	t.Helper()
	for _, name := range runbooks.Names() {
		text, err := runbooks.Text(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?s)```promql\\n(.*?)```").FindAllStringSubmatch(text, -1) {
			if _, err := query(t, p, m[1]); err != nil {
				t.Errorf("the runbook of %s asks %s: %v", name, m[1], err)
			}
		}
	}
}

// asDashboardsAsk has Prometheus answer every query of the dashboards, with their
// variables as chosen. What may be empty when all is well is not, in this story, but for
// what does not happen in it.
func asDashboardsAsk(t *testing.T, p *local.Prometheus, chosen map[string]string) {
	t.Helper()
	elsewhere := map[string]bool{"nobody waits": true, "no event is late": true, "there are no webhooks": true, "nobody is asked to train models again": true}
	fill := func(expr string) string {
		expr = strings.ReplaceAll(expr, "$__rate_interval", "20s")
		for name, value := range chosen {
			expr = strings.ReplaceAll(expr, "$"+name, value)
		}
		return expr
	}
	for _, d := range grafana.Dashboards() {
		for _, panel := range d.Panels {
			for _, target := range panel.Targets {
				var result []series
				var err error
				for deadline := time.Now().Add(20 * time.Second); ; {
					result, err = query(t, p, fill(target.Expr))
					if err != nil || slices.ContainsFunc(result, series.finite) || elsewhere[panel.EmptyWhen] || time.Now().After(deadline) {
						break
					}
					<-time.After(500 * time.Millisecond)
				}
				if err != nil {
					t.Errorf("%s, %s: %v", d.UID, panel.Title, err)
				}
				if !elsewhere[panel.EmptyWhen] && !slices.ContainsFunc(result, series.finite) {
					t.Errorf("%s, %s shows nothing: %s", d.UID, panel.Title, fill(target.Expr))
				}
			}
		}
		for _, v := range d.Templating.List {
			m := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(fill(v.Query))
			if v.Type != "query" {
				continue
			}
			if m == nil {
				t.Errorf("%s: the variable %s asks %s", d.UID, v.Name, v.Query)
				continue
			}
			var found []string
			if err := asks(t, p, "/api/v1/label/"+m[2]+"/values", url.Values{"match[]": {m[1]}}, &found); err != nil || !slices.Contains(found, chosen[v.Name]) {
				t.Errorf("%s: the variable %s may be %v, want %s among them: %v", d.UID, v.Name, found, chosen[v.Name], err)
			}
		}
	}
}
