package alertmanager

import (
	"fmt"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// endsAfter is for how many intervals of telling an alert fires in Alertmanager when
// nobody tells it again: as many as Prometheus gives it.
const endsAfter = 4

// payload is an alert of API v2's POST /api/v2/alerts.
type payload struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// summaryOf is the one sentence that is the same in all alerts of a kind.
func summaryOf(kind alerts.Kind) string {
	switch kind {
	case alerts.FeatureDrift:
		return "The features of a model's requests have drifted from their reference."
	case alerts.PredictionDrift:
		return "The predictions of a model have drifted from their reference."
	case alerts.DataQuality:
		return "The data that reaches a model is broken."
	case alerts.Performance:
		return "A model's service is slower, or fails more often, than its objective allows."
	case alerts.Traffic:
		return "Far more or far fewer requests reach a model than usual."
	}
	// A kind that is not known here still pages, under its own name.
	return "A model needs a look: " + string(kind) + "."
}

// identity are the labels that can differ between two alerts: what Alertmanager
// knows an alert by. A value that could change while an alert fires is none of them.
type identity struct {
	model, version, segment, severity string
	kind                              alerts.Kind
}

func identityOf(s *alerts.Standing) identity {
	return identity{model: s.Model, version: s.Version.Version, segment: s.Segment, severity: s.Incident.Severity(), kind: s.Kind}
}

// payloadOf is how an alert stood at a time. An alert that fires ends by itself
// when it is not told again.
func payloadOf(s *alerts.Standing, now time.Time, resend time.Duration) payload {
	id := identityOf(s)
	p := payload{
		Labels: map[string]string{"alertname": s.Kind.AlertName(), "model": id.model, "kind": string(id.kind), "severity": id.severity},
		Annotations: map[string]string{
			"summary": summaryOf(s.Kind), "incident": s.Incident.ID, "since": s.Incident.Since.UTC().Format(time.RFC3339),
		},
		StartsAt: s.Incident.Since.UTC(), EndsAt: now.Add(endsAfter * resend).UTC(),
	}
	if id.version != "" { // Alertmanager takes no label without a value
		p.Labels["model_version"] = id.version
	}
	if id.segment != "" {
		p.Labels["segment"] = id.segment
	}
	if told := s.Incident.Told; told != nil {
		if told.At != nil {
			p.StartsAt = told.At.UTC()
		}
		p.Annotations["description"] = told.Summary
		p.Annotations["window"] = told.Window.Start.UTC().Format(time.RFC3339) + "/" + told.Window.End.UTC().Format(time.RFC3339)
		if list := features(told); list != "" {
			p.Annotations["features"] = list
		}
		if told.EvidenceURL != "" {
			p.Annotations["evidence_url"], p.GeneratorURL = told.EvidenceURL, told.EvidenceURL
			p.Annotations["dashboard_url"] = told.EvidenceURL // as the templates of others call it
		}
		if told.PlotURL != "" {
			p.Annotations["plot_url"] = told.PlotURL
		}
		if told.RunbookURL != "" {
			p.Annotations["runbook_url"] = told.RunbookURL
		}
	}
	if !s.Ended.IsZero() {
		p.EndsAt = s.Ended.UTC()
	}
	// Event time may be ahead of the clock, and Alertmanager refuses an alert that
	// ends before it starts.
	if p.StartsAt.After(now) {
		p.StartsAt = now.UTC()
	}
	if p.EndsAt.Before(p.StartsAt) {
		p.StartsAt = p.EndsAt
	}
	return p
}

// features lists the culprits, the largest effect first.
func features(told *alerts.Told) string {
	var list []string
	for _, f := range told.Features {
		text := f.Name
		if f.Effect != nil {
			text += fmt.Sprintf(" (%s, effect %.3g)", f.Test, float64(*f.Effect))
		}
		list = append(list, text)
	}
	if told.FeaturesLeftOut > 0 {
		list = append(list, fmt.Sprintf("and %d more", told.FeaturesLeftOut))
	}
	return strings.Join(list, ", ")
}
