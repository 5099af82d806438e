package alertmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	push "github.com/kolmo-ml/kolmo/alerts/alertmanager"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// summary is a line for each notification: whom, how many fire and are over of what.
func summary(p *servers.Pager) []string {
	var lines []string
	for _, n := range p.Told() {
		lines = append(lines, fmt.Sprintf("%s: %d fire, %d over: %s", n.To, len(n.With("firing")), len(n.With("resolved")), n.CommonLabels["alertname"]))
	}
	slices.Sort(lines)
	return lines
}

// shipped is the shipped configuration, told to these receivers, and with seconds where
// people want minutes. Everything else is as it is shipped.
func shipped(t *testing.T, r *servers.Pager, replace ...string) string {
	t.Helper()
	config := read(t, "alertmanager.yaml")
	for from, to := range map[string]string{"http://127.0.0.1:9095/": r.URL + "/", "group_wait: 30s": "group_wait: 2s", "group_interval: 5m": "group_interval: 3s"} {
		if !strings.Contains(config, from) {
			t.Fatalf("alertmanager.yaml lacks %q", from)
		}
		config = strings.ReplaceAll(config, from, to)
	}
	return strings.NewReplacer(replace...).Replace(config)
}

// starts an Alertmanager with that configuration and the templates.
func starts(t *testing.T, config string, options ...func(*local.AlertmanagerOptions)) *local.Alertmanager {
	t.Helper()
	return servers.Alertmanager(t, append([]func(*local.AlertmanagerOptions){func(o *local.AlertmanagerOptions) {
		o.Config = config
		if err := os.WriteFile(filepath.Join(o.Dir, "kolmo.tmpl"), []byte(read(t, "kolmo.tmpl")), 0o600); err != nil {
			t.Fatal(err)
		}
	}}, options...)...)
}

// pushes has kolmo's own client tell Alertmanagers until the test ends.
func pushes(t *testing.T, to ...*local.Alertmanager) *push.Client {
	t.Helper()
	var urls []string
	for _, a := range to {
		urls = append(urls, a.URL())
	}
	client, err := push.New(push.Options{URLs: urls, Resend: time.Second, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { client.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return client
}

// standing is an alert of a model that was published just now, on a window of an hour ago.
func standing(model string, kind alerts.Kind, severity string, features ...alerts.Culprit) alerts.Standing {
	now := time.Now()
	return alerts.Standing{
		Version: alerts.Version{Model: model, Version: "3"}, Kind: kind,
		Incident: alerts.Incident{ID: "id of " + model, Since: now.Add(-time.Hour), Told: &alerts.Told{
			Severity: severity, Summary: model + " v3: look at it", Features: features, At: &now,
		}},
	}
}

// over is that alert once it has ended.
func over(s alerts.Standing) alerts.Standing {
	s.Ended = time.Now()
	return s
}

// during tells Alertmanager again and again what stands, as the owner of a shard does,
// until so says that it is enough; what is meant to happen should be so within limit.
func during(t *testing.T, client *push.Client, stands []alerts.Standing, limit time.Duration, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !so(); <-tick.C {
		client.Notify(0, stands)
		if time.Now().After(deadline) {
			t.Fatalf("%v later it is not so that %s", limit, what)
		}
	}
}

// forAWhile tells what stands for so long: what must not happen has time to.
func forAWhile(t *testing.T, client *push.Client, stands []alerts.Standing, long time.Duration) {
	t.Helper()
	until := time.Now().Add(long)
	during(t, client, stands, 2*long, "time passes", func() bool { return time.Now().After(until) })
}

func culprits(n int) []alerts.Culprit {
	list := make([]alerts.Culprit, n)
	for i := range list {
		effect := drift.Number(0.5 - float64(i)/200)
		list[i] = alerts.Culprit{Name: fmt.Sprintf("feature-%02d", i), Test: "ks", Effect: &effect}
	}
	return list
}

// within waits until something is so.
func within(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !so(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%v later it is not so that %s", limit, what)
		}
	}
}

// A membership is a cluster as one of its members sees it.
type membership struct {
	Cluster struct {
		Name, Status string
		Peers        []struct{ Name string }
	}
}

// seen is what a member says of its cluster; nothing while it does not answer.
func seen(t *testing.T, a *local.Alertmanager) membership {
	t.Helper()
	var m membership
	response, err := http.Get(a.URL() + "/api/v2/status")
	if err != nil {
		return m
	}
	defer func() { _ = response.Body.Close() }() // read only
	if err := json.NewDecoder(response.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// members is how many Alertmanagers a cluster has that has settled.
func members(t *testing.T, a *local.Alertmanager) int {
	t.Helper()
	m := seen(t, a)
	if m.Cluster.Status != "ready" {
		return 0
	}
	return len(m.Cluster.Peers)
}

// position is how many members notify before this one does.
func position(t *testing.T, a *local.Alertmanager) int {
	t.Helper()
	m := seen(t, a)
	before := 0
	for _, peer := range m.Cluster.Peers {
		if peer.Name < m.Cluster.Name {
			before++
		}
	}
	return before
}

// looks is how often a member has looked whether others have told already.
func looks(t *testing.T, a *local.Alertmanager) string {
	t.Helper()
	response, err := http.Get(a.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read only
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(body), "\nalertmanager_nflog_queries_total ")
	if !found {
		t.Fatal("it does not count how often it looks")
	}
	count, _, _ := strings.Cut(rest, "\n")
	return count
}

// fromPrometheus posts an alert on kolmo itself, as Prometheus would.
func fromPrometheus(t *testing.T, a *local.Alertmanager, name, severity string, labels ...string) {
	t.Helper()
	all := map[string]string{"alertname": name, "severity": severity, "job": "kolmo"}
	for i := 0; i+1 < len(labels); i += 2 {
		all[labels[i]] = labels[i+1]
	}
	body, err := json.Marshal([]map[string]any{{"labels": all, "annotations": map[string]string{"summary": name}}})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(a.URL()+"/api/v2/alerts", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read only
	if response.StatusCode != http.StatusOK {
		t.Fatalf("it answers %s", response.Status)
	}
}
