package alerts

import (
	"cmp"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// Told is what people were told when an incident began. What is passed on later
// says the same, whoever passes it on and however the configuration has changed.
type Told struct {
	Severity string       `json:"severity"`
	Window   drift.Bounds `json:"window"`
	Summary  string       `json:"summary"`
	// Features are the first few culprits; FeaturesLeftOut is how many more there were.
	Features        []Culprit `json:"features,omitempty"`
	FeaturesLeftOut int       `json:"features_left_out,omitempty"`
	EvidenceURL     string    `json:"evidence_url,omitempty"`
	RunbookURL      string    `json:"runbook_url,omitempty"`
	PlotURL         string    `json:"plot_url,omitempty"`
	// At is when that was published; nil where nobody kept it. It is no event's time.
	At *time.Time `json:"at,omitempty"`
}

// mostTold bounds the culprits that progress keeps while an alert fires.
const mostTold = 5

func told(a *Alert) *Told {
	shown := a.Features[:min(len(a.Features), mostTold)]
	return &Told{
		Severity: a.Severity, Window: a.Window, Summary: a.Summary,
		Features: slices.Clone(shown), FeaturesLeftOut: a.FeaturesLeftOut + len(a.Features) - len(shown),
		EvidenceURL: a.EvidenceURL, RunbookURL: a.RunbookURL, PlotURL: a.PlotURL,
	}
}

// RememberEnded is how long it is passed on that an alert has ended: as long as
// Prometheus does.
const RememberEnded = 15 * time.Minute

// Ended is an incident that is over.
type Ended struct {
	Incident
	At time.Time `json:"at"` // when its last window was closed
}

// endedAfter is what is remembered once a window has made after out of s. What
// fires again has not ended, unless with another severity.
func (s State) endedAfter(after State, now time.Time) *Ended {
	switch {
	case now.IsZero():
		return nil
	case s.Incident != nil && (after.Incident == nil || after.Incident.Severity() != s.Incident.Severity()):
		return &Ended{Incident: *s.Incident, At: now}
	case s.Ended == nil || now.Sub(s.Ended.At) >= RememberEnded:
		return nil
	case after.Incident != nil && after.Incident.Severity() == s.Ended.Severity():
		return nil
	}
	return s.Ended
}

// A Standing is an alert of a version that fires, or did a moment ago.
type Standing struct {
	Version
	Kind     Kind
	Incident Incident
	Ended    time.Time // zero: it fires
}

// Standing lists what people should know of at a time, by the alerts' kinds, and of
// each kind what has ended first.
func (p *Progress) Standing(now time.Time) []Standing {
	var all []Standing
	for kind, state := range p.Alerts {
		if ended := state.Ended; ended != nil && now.Sub(ended.At) < RememberEnded {
			all = append(all, Standing{Version: p.Version, Kind: kind, Incident: ended.Incident, Ended: ended.At})
		}
		if state.Incident != nil {
			all = append(all, Standing{Version: p.Version, Kind: kind, Incident: *state.Incident})
		}
	}
	slices.SortStableFunc(all, func(a, b Standing) int { return cmp.Compare(a.Kind, b.Kind) })
	return all
}
