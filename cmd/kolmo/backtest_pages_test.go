package main

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
)

// A service fails more and more often, recovers, and falls silent, in hours of which
// one is a maintenance: a backtest shows the pages, each with the worst that it became.
func TestBacktestShowsEveryKindOfPage(t *testing.T) {
	b := newBench(t)
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	var events bytes.Buffer
	for hour := range 100 {
		count, failing := 300, 0
		switch {
		case hour >= 30 && hour < 34: // a maintenance
			failing = 2
		case hour >= 60 && hour < 63:
			failing = 15
		case hour >= 63 && hour < 66:
			failing = 3
		case hour >= 90:
			count = 0
		}
		at := monday.Add(time.Duration(hour) * time.Hour)
		for n := range count {
			status := "200"
			if failing > 0 && n%failing == 0 {
				status = "500"
			}
			fmt.Fprintf(&events, `{"model":%q,"version":"2","ts":%d,"prediction":%d,"status":%q}`+"\n", flights.Model, at.UnixMilli()+int64(n)*12_000, n%7, status)
		}
		fmt.Fprintf(&events, `{"model":"clock","ts":%d,"features":{"a":1}}`+"\n", at.UnixMilli())
	}
	file := b.file("service.ndjson", &events)
	config := b.config("pages", `    alert: {for: 2, of: 2, resolve_after: 2, severity: info}
    slo: {error_rate: 0.01, severity: {warning: 1, critical: 20}}
    traffic: {watch: true, period: 1d}
silences:
  - {model: "*", from: 2026-01-06T06:00:00Z, until: 2026-01-06T10:00:00Z, reason: maintenance}
`)
	report := b.backtest(exitDrifted, "--config", config, "--events", file)
	type page struct {
		kind             alerts.Kind
		severity         string
		fired, resolvedH int // hours; 0: it fires still
	}
	var got []page
	for _, v := range report.Candidates[0].Versions {
		for _, p := range v.Pages {
			found := page{p.Kind, p.Severity, int(p.Fired.Sub(monday).Hours()), 0}
			if p.Resolved != nil {
				found.resolvedH = int(p.Resolved.Sub(monday).Hours())
			}
			got = append(got, found)
		}
	}
	want := []page{{alerts.Performance, "critical", 62, 68}, {alerts.Traffic, "critical", 92, 0}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("pages %v, want %v", got, want)
	}
}
