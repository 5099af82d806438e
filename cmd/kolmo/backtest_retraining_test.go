package main

import (
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/alerts"
)

// TestBacktestTellsWhatWouldBeTrained: every page of drift asks, and a second one of the
// same week is answered by the first.
func TestBacktestTellsWhatWouldBeTrained(t *testing.T) {
	b := newBench(t)
	config := b.config("flights", exactFlights+`    retraining: {targets: [nightly], every: 8w, cooldown: 0s, per_day: 0}
retraining: {targets: [{name: nightly, kubeflow: {url: "http://localhost:1", pipeline_id: flights}}]}
`)
	version := b.backtest(exitDrifted, "--config", config, "--events", b.events).Candidates[0].Versions[0]
	asked := make(map[string]bool)
	scheduled := 0
	for _, r := range version.Retraining {
		if r.Cause == alerts.CauseSchedule {
			scheduled++
			continue
		}
		asked[r.Cause] = true
		if r.Status == alerts.Refused && r.Reason != alerts.RefusedCovered {
			t.Errorf("refused because of %s", r.Reason)
		}
	}
	drifts := 0
	for _, p := range version.Pages {
		if p.Kind != alerts.FeatureDrift && p.Kind != alerts.PredictionDrift {
			continue
		}
		drifts++
		if !asked[p.ID] {
			t.Errorf("the page of %v asks nobody", p.Fired)
		}
	}
	// 22 weeks have two boundaries of eight weeks after the first week, or three.
	if drifts == 0 || len(asked) != drifts || scheduled < 2 || scheduled > 3 {
		t.Errorf("%d pages, %d asked, %d scheduled", drifts, len(asked), scheduled)
	}
	_, stdout, _ := command(t, "backtest", "--config", config, "--events", b.events)
	for _, want := range []string{"  RETRAINING", "  triggered", "  schedule\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the text has no %q:\n%s", want, stdout)
		}
	}
}
