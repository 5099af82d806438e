package alerts

import (
	"testing"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// An alert about performance says what was promised and what is so, the worst first.
func TestPerformanceInWords(t *testing.T) {
	number := func(x float64) *drift.Number { n := drift.Number(x); return &n }
	promise := func(name string, objective, value float64, missed bool) drift.Promise {
		return drift.Promise{
			Name: name, Objective: drift.Number(objective), Value: drift.Number(value), P: number(0), Adjusted: number(0),
			Effect: number(value / objective), Missed: missed,
		}
	}
	policy := Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "warning", Worse: []Grade{{"critical", 2}}, Pages: "https://kolmo.example.org/"}
	v := verdictOf(5, nil)
	v.Performance = &drift.Performance{Objectives: []drift.Promise{
		promise("error_rate", 0.01, 0.031, true), promise("latency_p50", 50, 20, false), promise("latency_p99", 200, 1234.5, true),
	}}
	state, alert := policy.Step(Performance, State{}, v)
	if alert == nil || alert.Summary != "fraud v3: p99 latency is 1230 ms (objective 200 ms); 3.1 % of requests fail (objective 1 %)" {
		t.Fatalf("%+v", alert)
	}
	if alert.Severity != "critical" || alert.Features[0].Name != "latency_p99" || len(alert.Features) != 2 {
		t.Errorf("%+v", alert)
	}
	if alert.EvidenceURL != "https://kolmo.example.org/model?name=fraud&version=3&window=2026-01-01T05%3A00%3A00Z" ||
		alert.RunbookURL != "https://kolmo.example.org/runbooks/ModelPerformance" || alert.PlotURL != "" {
		t.Errorf("addresses %q, %q, %q", alert.EvidenceURL, alert.RunbookURL, alert.PlotURL)
	}
	v = verdictOf(6, nil)
	v.Performance = &drift.Performance{Objectives: []drift.Promise{promise("error_rate", 0.01, 0.005, false)}}
	if _, alert = policy.Step(Performance, state, v); alert == nil || alert.Summary != "fraud v3: its service keeps its objectives again" {
		t.Errorf("%+v", alert)
	}
	// Without objectives, or requests, a window says nothing.
	if after, alert := policy.Step(Performance, state, verdictOf(7, nil)); alert != nil || after.Incident == nil {
		t.Errorf("%+v", alert)
	}
}

func TestTrafficInWords(t *testing.T) {
	number := func(x float64) *drift.Number { n := drift.Number(x); return &n }
	policy := Policy{For: 1, Of: 1, ResolveAfter: 1, Severity: "critical", Pages: "https://kolmo.example.org/"}
	for _, c := range []struct {
		traffic drift.Traffic
		summary string
	}{
		{drift.Traffic{Events: 0, Usual: 118_234, Basis: basisSlot}, "fraud v3: no events came, usually at this time 118000"},
		{drift.Traffic{Events: 12_000, Usual: 118_234, Basis: basisHour}, "fraud v3: 12000 events came, usually 118000"},
	} {
		v := verdictOf(5, nil)
		c.traffic.Far, c.traffic.P, c.traffic.Effect = true, number(0), number(1)
		v.Traffic = &c.traffic
		state, alert := policy.Step(Traffic, State{}, v)
		if alert == nil || alert.Summary != c.summary || alert.RunbookURL != "https://kolmo.example.org/runbooks/ModelTraffic" {
			t.Fatalf("%+v", alert)
		}
		v = verdictOf(6, nil)
		v.Traffic = &drift.Traffic{Events: 100_000, Usual: 118_234, Basis: basisSlot, P: number(1), Effect: number(0.1)}
		if _, alert = policy.Step(Traffic, state, v); alert == nil || alert.Summary != "fraud v3: its traffic is as usual again" {
			t.Errorf("%+v", alert)
		}
	}
}
