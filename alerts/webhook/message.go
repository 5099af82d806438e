package webhook

import (
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A message is what a target is told of why a model is to be trained again. It has
// at most ten keys, which is what GitHub takes.
type message struct {
	ID      string       `json:"id"`    // of the retraining
	Cause   string       `json:"cause"` // id of the incident, or schedule
	Model   string       `json:"model"`
	Version string       `json:"version"`
	Segment string       `json:"segment"`
	Window  drift.Bounds `json:"window"` // in which it was decided
	// Alert is the incident; nil of what is scheduled.
	Alert       *incident `json:"alert,omitempty"`
	EvidenceURL string    `json:"evidence_url,omitempty"`
}

type incident struct {
	Kind            alerts.Kind      `json:"kind"`
	Severity        string           `json:"severity"`
	Since           time.Time        `json:"since"`
	Summary         string           `json:"summary"`
	Features        []alerts.Culprit `json:"features"` // the largest effect first
	FeaturesLeftOut int              `json:"features_left_out,omitempty"`
}

func messageOf(r *alerts.RetrainingRecord) *message {
	m := &message{
		ID: r.ID, Cause: r.Cause, Model: r.Model, Version: r.Version, Segment: r.Segment, Window: r.Window, EvidenceURL: r.EvidenceURL,
	}
	if r.CauseKind != "" {
		m.Alert = &incident{
			Kind: r.CauseKind, Severity: r.Severity, Since: r.Since, Summary: r.CauseSummary,
			Features: r.Features, FeaturesLeftOut: r.FeaturesLeftOut,
		}
		if m.Alert.Features == nil {
			m.Alert.Features = []alerts.Culprit{}
		}
	}
	return m
}

// runName is how a run is called that a retraining begins: the same each time.
func runName(id string) string { return "kolmo-" + id }

// An order is what a target is asked.
type order struct {
	*message
	note string    // one line for people
	at   time.Time // when it was decided
	// before: it may have been asked for already, by this instance or another.
	before bool
}

// taken is what a target says that has done what it was asked to.
type taken struct {
	run, url string // what it began; empty where it does not say
	known    bool   // it had begun it before
}
