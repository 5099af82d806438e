package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	push "github.com/kolmo-ml/kolmo/alerts/alertmanager"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

// kolmo stands for an instance whose alerts are told both ways: it exposes which fire,
// and pushes them.
type kolmo struct {
	*httptest.Server
	fires atomic.Bool
	since time.Time
}

func newKolmo(t *testing.T) *kolmo {
	t.Helper()
	k := &kolmo{since: time.Now()}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		value := 0
		if k.fires.Load() {
			value = 1
		}
		for _, version := range []string{"3", ""} {
			_, _ = fmt.Fprintf(w, "kolmo_alerts_firing{model=\"fraud\",version=%q,kind=\"feature_drift\",severity=\"critical\"} %d\n", version, value)
		}
	}))
	t.Cleanup(k.Close)
	k.fires.Store(true)
	return k
}

// standing is what it pushes.
func (k *kolmo) standing() []alerts.Standing {
	var all []alerts.Standing
	for _, version := range []string{"3", ""} {
		s := alerts.Standing{
			Version: alerts.Version{Model: "fraud", Version: version}, Kind: alerts.FeatureDrift,
			Incident: alerts.Incident{ID: "id", Since: k.since.Add(-time.Hour), Told: &alerts.Told{Severity: "critical", Summary: "fraud drifted", At: &k.since}},
		}
		if !k.fires.Load() {
			s.Ended = time.Now()
		}
		all = append(all, s)
	}
	return all
}

// notified counts what the shipped route has told: how many alerts fire and how many are
// over in each notification.
func notified(p *servers.Pager) []string {
	var all []string
	for _, n := range p.Told() {
		all = append(all, fmt.Sprintf("%d fire, %d over", len(n.With("firing")), len(n.With("resolved"))))
	}
	return all
}

// replaced is a shipped file with some things changed that must be in it.
func replaced(t *testing.T, file string, changes map[string]string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for from, to := range changes {
		if !strings.Contains(text, from) {
			t.Fatalf("%s lacks %q", file, from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// both starts an Alertmanager with the shipped route, and a Prometheus with the shipped
// configuration and labels of its own, which scrapes k. Seconds stand for minutes.
func both(t *testing.T, k *kolmo, p *servers.Pager, changes map[string]string) *local.Alertmanager {
	t.Helper()
	a := servers.Alertmanager(t, func(o *local.AlertmanagerOptions) {
		o.Config = replaced(t, "../alertmanager/alertmanager.yaml", map[string]string{
			"http://127.0.0.1:9095/": p.URL + "/", "group_wait: 30s": "group_wait: 4s", "group_interval: 5m": "group_interval: 4s", "templates: [kolmo.tmpl]": "",
		})
	})
	servers.Prometheus(t, func(o *local.PrometheusOptions) {
		all := map[string]string{
			"interval: 15s": "interval: 1s", `["localhost:9464"]`: `["` + k.Listener.Addr().String() + `"]`, `["localhost:9093"]`: `["` + a.Addr() + `"]`,
			"# external_labels": "external_labels", "# - model-rules.yaml": "- model-rules.yaml", "- kolmo-rules.yaml": "",
		}
		maps.Copy(all, changes)
		o.Config = replaced(t, "prometheus.yaml", all)
		rules, err := Models(Default()).Encode()
		if err == nil {
			err = os.WriteFile(filepath.Join(o.Dir, "model-rules.yaml"), rules, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	return a
}

// known are the labels of the alerts that an Alertmanager has, one line each.
func known(t *testing.T, a *local.Alertmanager) []string {
	t.Helper()
	response, err := http.Get(a.URL() + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read only
	var list []struct{ Labels map[string]string }
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, alert := range list {
		var labels []string
		for _, name := range slices.Sorted(maps.Keys(alert.Labels)) {
			labels = append(labels, name+"="+alert.Labels[name])
		}
		lines = append(lines, strings.Join(labels, " "))
	}
	slices.Sort(lines)
	return lines
}

// until pushes, if there is a client, until something is so.
func until(t *testing.T, k *kolmo, client *push.Client, limit time.Duration, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !so(); <-tick.C {
		if client != nil {
			client.Notify(0, k.standing())
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v later it is not so that %s", limit, what)
		}
	}
}

func pusher(t *testing.T, a *local.Alertmanager) *push.Client {
	t.Helper()
	client, err := push.New(push.Options{URLs: []string{a.URL()}, Resend: time.Second, Timeout: 5 * time.Second})
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

const (
	versioned   = "alertname=ModelFeatureDrift kind=feature_drift model=fraud model_version=3 severity=critical"
	unversioned = "alertname=ModelFeatureDrift kind=feature_drift model=fraud severity=critical"
)

// Prometheus and kolmo both tell a real Alertmanager of the same two alerts: it knows two,
// pages once, and tells once that they are over.
func TestBothWaysPageOnce(t *testing.T) {
	t.Parallel()
	k, p := newKolmo(t), servers.NewPager(t)
	a := both(t, k, p, nil)

	// Prometheus is first, alone: what it tells is what kolmo would.
	until(t, k, nil, 30*time.Second, "Prometheus has told Alertmanager", func() bool { return len(known(t, a)) > 0 })
	if got := known(t, a); !slices.Equal(got, []string{versioned, unversioned}) {
		t.Fatalf("Prometheus tells\n%s", strings.Join(got, "\n"))
	}
	client := pusher(t, a)
	until(t, k, client, 30*time.Second, "on call was paged", func() bool { return len(notified(p)) > 0 })
	quiet := time.Now().Add(9 * time.Second) // two intervals of the group
	until(t, k, client, time.Minute, "time passes", func() bool { return time.Now().After(quiet) })
	if got := known(t, a); !slices.Equal(got, []string{versioned, unversioned}) {
		t.Errorf("told both ways, Alertmanager knows\n%s", strings.Join(got, "\n"))
	}
	if got := notified(p); !slices.Equal(got, []string{"2 fire, 0 over"}) {
		t.Errorf("on call was told %q", got)
	}

	k.fires.Store(false)
	until(t, k, client, 30*time.Second, "on call was told that it is over", func() bool { return len(notified(p)) > 1 })
	quiet = time.Now().Add(9 * time.Second)
	until(t, k, client, time.Minute, "time passes", func() bool { return time.Now().After(quiet) })
	if got := notified(p); !slices.Equal(got, []string{"2 fire, 0 over", "0 fire, 2 over"}) {
		t.Errorf("on call was told %q", got)
	}
}

// What README.md warns of: labels of Prometheus' own make others of the same alerts.
func TestLabelsThatAreNotDroppedPageTwice(t *testing.T) {
	t.Parallel()
	k, p := newKolmo(t), servers.NewPager(t)
	a := both(t, k, p, map[string]string{`regex: "Model.+"`: `regex: "None"`})
	client := pusher(t, a)
	until(t, k, client, 30*time.Second, "Alertmanager knows each alert twice", func() bool { return len(known(t, a)) == 4 })
	if got := known(t, a); !slices.Contains(got, versioned) || !slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, "cluster=one") }) {
		t.Errorf("Alertmanager knows\n%s", strings.Join(got, "\n"))
	}
}
