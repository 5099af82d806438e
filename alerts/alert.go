package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// Status is where an alert stands.
type Status string

// The statuses an alert's records carry.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)

// Schema is the version of the alert's JSON.
const Schema = 1

// An Alert is one transition of an incident: the record on the alerts topic.
type Alert struct {
	Schema   int    `json:"schema"`
	ID       string `json:"id"`
	Status   Status `json:"status"`
	Kind     Kind   `json:"kind"`
	Severity string `json:"severity"`
	// SeverityBefore is that of an incident that fired before, and became worse.
	SeverityBefore string       `json:"severity_before,omitempty"`
	Model          string       `json:"model"`
	Version        string       `json:"version"`
	Segment        string       `json:"segment"`
	Window         drift.Bounds `json:"window"`
	// Since is the start of the first drifted window of the incident.
	Since   time.Time `json:"since"`
	Summary string    `json:"summary"`
	// Features are the culprits, the largest effect first.
	Features []Culprit `json:"features"`
	// FeaturesLeftOut is how many more there are than the record has room for.
	FeaturesLeftOut int    `json:"features_left_out,omitempty"`
	EvidenceURL     string `json:"evidence_url"`
	PlotURL         string `json:"plot_url,omitempty"` // the first culprit as a picture
	RunbookURL      string `json:"runbook_url"`
}

// A Culprit is a feature that drifted, or whose data is broken. Of the latter
// the test is the check's name, the statistic its z, and the effect by how much its
// rate exceeds the reference's. Of performance it is an objective that is missed, of
// traffic the events: their values stand as the statistic, and the effect is how many
// times the objective that is, or which share of the traffic is gone or too many.
type Culprit struct {
	Name      string        `json:"name"`
	Test      string        `json:"test"`
	Statistic *drift.Number `json:"statistic"`
	Adjusted  *drift.Number `json:"p_adjusted"`
	Effect    *drift.Number `json:"effect"`
}

// mostAlertBytes bounds an alert's record: those who read it need not read a
// megabyte.
const mostAlertBytes = 256 << 10

// Encode writes the alert's JSON. Where it has more culprits than there is room
// for, those with the smallest effects are left out and counted.
func (a *Alert) Encode() ([]byte, error) {
	shorter := *a
	for {
		data, err := json.Append(nil, &shorter, json.SortMapKeys)
		if err != nil {
			return nil, fmt.Errorf("writing alert %s: %w", a.ID, err)
		}
		if len(data) <= mostAlertBytes || len(shorter.Features) == 0 {
			return data, nil
		}
		shorter.Features = shorter.Features[:len(shorter.Features)/2]
		shorter.FeaturesLeftOut = len(a.Features) - len(shorter.Features)
	}
}

// identity is the id of an incident: a hash of what it is about and the first
// window that drifted, so that the same incident has the same id wherever and
// however often it is found.
func identity(kind Kind, model, version, segment string, first time.Time) string {
	h := sha256.New()
	for _, part := range []string{string(kind), model, version, segment, first.UTC().Format(time.RFC3339Nano)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
