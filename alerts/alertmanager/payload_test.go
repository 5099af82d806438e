package alertmanager

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

func TestPayloadIdentifiesByLabelsAndExplainsByAnnotations(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	effect, told := drift.Number(0.137), now.Add(-time.Minute)
	s := alerts.Standing{
		Version: alerts.Version{Model: "fraud", Version: "3"}, Kind: alerts.FeatureDrift,
		Incident: alerts.Incident{ID: "abc", Since: now.Add(-3 * time.Hour), Told: &alerts.Told{
			Severity: "warning", Summary: "fraud v3: 7 of 20 features drifted, amount most (D 0.137)",
			Window:   drift.Bounds{Start: now.Add(-2 * time.Hour), End: now.Add(-time.Hour)},
			Features: []alerts.Culprit{{Name: "amount", Test: "ks", Effect: &effect}}, FeaturesLeftOut: 6,
			EvidenceURL: "https://kolmo.example.org/fraud", At: &told,
		}},
	}
	got, err := json.MarshalIndent(payloadOf(&s, now, time.Minute), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "labels": {
  "alertname": "ModelFeatureDrift",
  "kind": "feature_drift",
  "model": "fraud",
  "model_version": "3",
  "severity": "warning"
 },
 "annotations": {
  "dashboard_url": "https://kolmo.example.org/fraud",
  "description": "fraud v3: 7 of 20 features drifted, amount most (D 0.137)",
  "evidence_url": "https://kolmo.example.org/fraud",
  "features": "amount (ks, effect 0.137), and 6 more",
  "incident": "abc",
  "since": "2026-01-02T09:00:00Z",
  "summary": "The features of a model's requests have drifted from their reference.",
  "window": "2026-01-02T10:00:00Z/2026-01-02T11:00:00Z"
 },
 "startsAt": "2026-01-02T11:59:00Z",
 "endsAt": "2026-01-02T12:04:00Z",
 "generatorURL": "https://kolmo.example.org/fraud"
}`
	if string(got) != want {
		t.Errorf("%s", got)
	}
}

// Alertmanager refuses an alert that ends before it starts, and takes one that
// starts in the future for one that has not begun.
func TestAnAlertNeverStartsAheadOfTheClockOrAfterItsEnd(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name         string
		since, ended time.Duration // from now; 0: it has not ended
		start, end   time.Duration
	}{
		{"fires", -time.Hour, 0, -time.Hour, 4 * time.Minute},
		{"of events ahead of the clock", time.Hour, 0, 0, 4 * time.Minute},
		{"ended", -time.Hour, -time.Minute, -time.Hour, -time.Minute},
		{"ended, of events ahead of the clock", time.Hour, -time.Minute, -time.Minute, -time.Minute},
	} {
		s := alerts.Standing{Kind: alerts.DataQuality, Incident: alerts.Incident{Since: now.Add(test.since)}}
		if test.ended != 0 {
			s.Ended = now.Add(test.ended)
		}
		p := payloadOf(&s, now, time.Minute)
		if p.StartsAt.Sub(now) != test.start || p.EndsAt.Sub(now) != test.end {
			t.Errorf("%s: from %v to %v", test.name, p.StartsAt.Sub(now), p.EndsAt.Sub(now))
		}
		if p.Labels["severity"] == "" || p.Annotations["summary"] == "" {
			t.Errorf("%s: %+v", test.name, p)
		}
	}
}
