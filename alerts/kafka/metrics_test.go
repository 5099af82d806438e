package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// fires is the state of an alert that fires.
func fires(severity string) alerts.State {
	return alerts.State{Incident: &alerts.Incident{ID: "id", Told: &alerts.Told{Severity: severity}}}
}

func window(events uint64, reference *drift.Reference) *drift.Verdict {
	v := new(drift.Verdict)
	v.Model, v.Version, v.Events, v.Reference = "fraud", "3", events, reference
	return v
}

// expectMetrics compares some of the metrics with what they should be, help texts aside.
func expectMetrics(t *testing.T, what string, registry *prometheus.Registry, names []string, want string) {
	t.Helper()
	var text strings.Builder
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.Contains(want, f.GetName()) {
			text.WriteString("# HELP " + f.GetName() + " " + f.GetHelp() + "\n# TYPE " + f.GetName() + " gauge\n")
			for line := range strings.Lines(want) {
				if strings.HasPrefix(line, f.GetName()+"{") {
					text.WriteString(line)
				}
			}
		}
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(text.String()), names...); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// The story of a version whose reference grows out of its first windows, then of one
// whose reference is lost.
func TestAMissingReferenceShows(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry, 10, nil)
	names := []string{"kolmo_reference_missing", "kolmo_reference_collecting"}
	expect := func(what, missing, collecting string) {
		t.Helper()
		want := ""
		if missing != "" {
			want += `kolmo_reference_missing{model="fraud",version="3"} ` + missing + "\n"
		}
		if collecting != "" {
			want += `kolmo_reference_collecting{model="fraud",version="3"} ` + collecting + "\n"
		}
		expectMetrics(t, what, registry, names, want)
	}
	served := &drift.Reference{ID: "sha256:1"}
	m.closed(0, closedWindow{verdict: window(0, nil)})
	expect("before an event came", "", "")
	m.closed(0, closedWindow{verdict: window(100, nil), collecting: true})
	expect("the first window", "1", "1")
	m.closed(0, closedWindow{verdict: window(0, nil)})
	expect("an empty one changes nothing", "1", "1")
	m.closed(0, closedWindow{verdict: window(100, served), collecting: true})
	expect("with a reference", "0", "0")
	m.closed(0, closedWindow{verdict: window(0, nil)})
	expect("an empty window lacks nothing", "0", "0")
	m.closed(0, closedWindow{verdict: window(100, nil)})
	expect("without one", "1", "0")
	others := window(100, nil)
	others.Model, others.Version = windows.Other, ""
	m.closed(0, closedWindow{verdict: others})
	expect("what is beyond a limit is compared with nothing anyway", "1", "0")
	m.release(0)
	expect("the shard is another's", "", "")
}

// A new owner shows what fires before the next window closes. An alert that becomes
// worse fires under one severity alone.
func TestWhatFiresIsShown(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry, 10, nil)
	names := []string{"kolmo_alerts_firing"}
	line := func(kind alerts.Kind, severity, value string) string {
		return `kolmo_alerts_firing{kind="` + string(kind) + `",model="fraud",severity="` + severity + `",version="3"} ` + value + "\n"
	}
	owned := func(states map[alerts.Kind]alerts.State) {
		progress := alerts.NewProgress(alerts.Version{Model: "fraud", Version: "3"})
		progress.Alerts = states
		m.owned(2, map[alerts.Version]*version{progress.Version: {progress: progress}})
	}
	owned(map[alerts.Kind]alerts.State{alerts.DataQuality: {}})
	expectMetrics(t, "nothing fires", registry, names, "")
	owned(map[alerts.Kind]alerts.State{alerts.FeatureDrift: fires("warning"), alerts.DataQuality: {}})
	expectMetrics(t, "taken over", registry, names, line(alerts.FeatureDrift, "warning", "1"))
	m.closed(2, closedWindow{verdict: window(1, nil), states: map[alerts.Kind]alerts.State{alerts.FeatureDrift: fires("critical"), alerts.Traffic: fires("info")}})
	expectMetrics(t, "worse", registry, names,
		line(alerts.FeatureDrift, "critical", "1")+line(alerts.FeatureDrift, "warning", "0")+line(alerts.Traffic, "info", "1"))
	m.closed(2, closedWindow{verdict: window(1, nil)})
	expectMetrics(t, "over", registry, names,
		line(alerts.FeatureDrift, "critical", "0")+line(alerts.FeatureDrift, "warning", "0")+line(alerts.Traffic, "info", "0"))
	m.release(2)
	expectMetrics(t, "another's", registry, names, "")
}

func TestAShardSaysWhenItWasUpToDate(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry, 10, nil)
	names := []string{"kolmo_closed_timestamp_seconds"}
	m.upToDate(7, time.Time{})
	expectMetrics(t, "nobody knows", registry, names, "")
	m.upToDate(7, time.UnixMilli(1500))
	expectMetrics(t, "known", registry, names, `kolmo_closed_timestamp_seconds{shard="7"} 1.5`+"\n")
	m.release(7) // it begins again after a failure
	expectMetrics(t, "failed", registry, names, `kolmo_closed_timestamp_seconds{shard="7"} 1.5`+"\n")
	m.given(7)
	expectMetrics(t, "another's", registry, names, "")
}
