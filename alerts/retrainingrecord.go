package alerts

import (
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// RetrainingKind is the kind of the records of retraining on the alerts topic. No
// window is judged by it.
const RetrainingKind Kind = "retraining"

// The statuses of a retraining. The first two are decisions, a pure function of the
// log; the others say what came of a triggered one, of each target.
const (
	Triggered Status = "triggered"
	Refused   Status = "refused"   // for Reason
	Delivered Status = "delivered" // Target has taken it
	Failed    Status = "failed"    // Target never will
)

// A RetrainingRecord is a decision about retraining, or what came of it: a record
// on the alerts topic. Its id is the same for all records of one cause.
type RetrainingRecord struct {
	Alert
	// Cause is the id of the incident, or CauseSchedule. CauseKind is the incident's
	// kind, and CauseSummary what was said when it began.
	Cause        string `json:"cause"`
	CauseKind    Kind   `json:"cause_kind,omitempty"`
	CauseSummary string `json:"cause_summary,omitempty"`
	Reason       string `json:"reason,omitempty"` // of a refusal
	DryRun       bool   `json:"dry_run,omitempty"`
	// Targets are those that are asked; Target is the one that Delivery is of.
	Targets  []string  `json:"targets,omitempty"`
	Target   string    `json:"target,omitempty"`
	Delivery *Delivery `json:"delivery,omitempty"`
	// Expires is when it is not asked for any more.
	Expires time.Time `json:"expires"`
}

// Delivery is what came of asking a target.
type Delivery struct {
	Attempts int `json:"attempts"` // of the instance that had the answer
	// Run is how the target calls what it began, where it says so; RunURL is its page.
	Run    string `json:"run,omitempty"`
	RunURL string `json:"run_url,omitempty"`
	// Known: the target had been asked before, by whoever did not live to hear the answer.
	Known bool   `json:"known,omitempty"`
	Error string `json:"error,omitempty"` // of a failure
}

// mostPassedOn bounds the culprits that a target is told.
const mostPassedOn = 20

// toldAtLength is told with as many culprits as a target is told.
func toldAtLength(a *Alert) *Told {
	t := told(a)
	shown := a.Features[:min(len(a.Features), mostPassedOn)]
	t.Features, t.FeaturesLeftOut = slices.Clone(shown), a.FeaturesLeftOut+len(a.Features)-len(shown)
	return t
}

// record is that of a decision about a cause; reason is empty when it is to ask.
func (p *RetrainingPolicy) record(c *cause, reason string, v *drift.Verdict, lateness time.Duration) *RetrainingRecord {
	r := &RetrainingRecord{
		Alert: Alert{
			Schema: Schema, ID: c.id, Status: Triggered, Kind: RetrainingKind, Severity: c.severity,
			Model: v.Model, Version: v.Version, Segment: v.Segment, Window: v.Window, Since: c.since,
			Features: c.told.Features, FeaturesLeftOut: c.told.FeaturesLeftOut,
			EvidenceURL: c.told.EvidenceURL, RunbookURL: c.told.RunbookURL,
		},
		Cause: c.cause, CauseSummary: c.told.Summary, Reason: reason, DryRun: p.DryRun, Targets: slices.Clone(p.Targets),
		Expires: v.Window.End.Add(lateness + p.ExpireAfter).UTC(),
	}
	if c.kind != CauseSchedule {
		r.CauseKind = c.kind
	}
	if r.Features == nil {
		r.Features = []Culprit{}
	}
	if reason != "" {
		r.Status = Refused
	}
	r.Summary = printable(r.words())
	return r
}

// words are one line for people.
func (r *RetrainingRecord) words() string {
	name := r.Model
	if r.Version != "" {
		name += " v" + r.Version
	}
	cause := "as scheduled"
	if r.CauseKind != "" {
		cause = "because of " + string(r.CauseKind)
	}
	switch r.Reason {
	case RefusedDataQuality:
		return fmt.Sprintf("%s: not trained again %s while its data is broken", name, cause)
	case RefusedCooldown:
		return fmt.Sprintf("%s: not trained again %s so soon after the last time", name, cause)
	case RefusedDailyCap:
		return fmt.Sprintf("%s: not trained again %s more often in a day", name, cause)
	case RefusedCovered:
		return fmt.Sprintf("%s: not trained a second time %s", name, cause)
	}
	if r.DryRun {
		return fmt.Sprintf("%s: would be trained again %s", name, cause)
	}
	return fmt.Sprintf("%s: to be trained again %s", name, cause)
}

// Encode writes the record's JSON.
func (r *RetrainingRecord) Encode() ([]byte, error) {
	data, err := json.Append(nil, r, json.SortMapKeys)
	if err != nil {
		return nil, fmt.Errorf("writing retraining %s: %w", r.ID, err)
	}
	return data, nil
}
