package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A RetrainingPolicy says when a model version asks to be trained again, and whom.
// The zero RetrainingPolicy never asks. All its times are event time.
type RetrainingPolicy struct {
	// Targets are the names of those that are asked, all of them each time; none:
	// nobody ever is.
	Targets []string
	// On are the kinds of alerts that ask while they fire.
	On []Kind
	// MinSeverity: alerts of a lower severity do not ask. Empty: all do.
	MinSeverity string
	// Schedule has a boundary wherever the version asks although nothing fires; nil:
	// nowhere.
	Schedule *windows.Definition
	// Cooldown is how long after it has asked a version does not ask again.
	Cooldown time.Duration
	// PerDay is how often it asks in any 24 hours; 0: as often as it likes.
	PerDay int
	// ExpireAfter is how long after a window could close, on the clock, it is still
	// worth asking. Who begins to read a log that is months old does not train for all
	// that happened in it.
	ExpireAfter time.Duration
	// DryRun: what would be asked is published, and nobody is asked.
	DryRun bool
}

// Why a version does not ask although something fires.
const (
	// RefusedDataQuality: its data is broken, and so would be what is trained on it.
	// It asks when that is over, if there is still cause.
	RefusedDataQuality = "data_quality"
	// RefusedCooldown: it asked a moment ago. An incident that still fires when the
	// cooldown is over asks then.
	RefusedCooldown = "cooldown"
	// RefusedDailyCap: it asked too often in the last 24 hours; as for the cooldown.
	RefusedDailyCap = "daily_cap"
	// RefusedCovered: it asks in the same window for another cause, and the answer to
	// one is the answer to all.
	RefusedCovered = "covered"
)

// CauseSchedule is the cause of what no incident causes.
const CauseSchedule = "schedule"

// Retrained is what is remembered of a version's retraining. It travels with its
// progress, and is replaced, never changed in place.
type Retrained struct {
	// Triggered are the ends of the windows in which it asked, oldest first: the last
	// one, and those that the daily cap counts.
	Triggered []time.Time `json:"triggered,omitempty"`
	// Scheduled is the last boundary of the schedule that has been dealt with.
	Scheduled *time.Time `json:"scheduled,omitempty"`
	// Considered is what was last decided of the incident of each kind that fires,
	// and of the schedule under CauseSchedule.
	Considered map[Kind]Considered `json:"considered,omitempty"`
	// Pending are retrainings that some target has not taken yet, oldest first, at
	// most mostPending. Nothing that is decided depends on them.
	Pending []Pending `json:"pending,omitempty"`
}

// Considered is a decision.
type Considered struct {
	ID     string `json:"id"`               // of the decision
	Reason string `json:"reason,omitempty"` // of the refusal; empty: it was triggered
}

// settled reports whether nothing later changes the decision.
func (c Considered) settled() bool { return c.Reason == "" || c.Reason == RefusedCovered }

// A cause is what a version may ask for.
type cause struct {
	id       string // of the retraining
	cause    string
	kind     Kind // of the incident, or CauseSchedule
	severity string
	since    time.Time
	told     Told
}

// retrain decides what a window asks for: after is the version's progress after the
// window, whose alerts and transitions are known by now. What is decided is a pure
// function of the log; now is remembered for those who are asked, and no more.
func (s *Settings) retrain(before *Retrained, after *Progress, transitions []*Alert, v *drift.Verdict, now time.Time) (*Retrained, []*RetrainingRecord) {
	p := &s.Retraining
	var next Retrained
	if before != nil {
		next.Pending = before.Pending
	}
	if len(p.Targets) == 0 {
		if len(next.Pending) == 0 {
			return nil, nil
		}
		return &next, nil
	}
	next.Considered = make(map[Kind]Considered)
	if before != nil {
		next.Triggered, next.Scheduled = slices.Clone(before.Triggered), before.Scheduled
	}
	causes := p.firing(after, transitions)
	if c, due := p.scheduled(&next, v); due {
		causes = append(causes, c)
	}
	var records []*RetrainingRecord
	triggered := false
	for i := range causes {
		c := &causes[i]
		last, known := Considered{}, false
		if before != nil {
			last, known = before.Considered[c.kind]
		}
		if known = known && last.ID == c.id; known && last.settled() {
			next.Considered[c.kind] = last
			continue
		}
		decided := Considered{ID: c.id, Reason: p.refusal(&next, after, v.Window.End)}
		if triggered {
			decided.Reason = RefusedCovered
		}
		next.Considered[c.kind] = decided
		if c.kind == CauseSchedule && decided.Reason != RefusedDataQuality {
			// The boundary is past: it is not made up for after a cooldown.
			next.Scheduled = &c.since
			delete(next.Considered, c.kind)
		}
		if known && last.Reason == decided.Reason {
			continue // as was published
		}
		record := p.record(c, decided.Reason, v, s.Definition.Lateness)
		records = append(records, record)
		if decided.Reason != "" {
			continue
		}
		triggered = true
		next.remember(v.Window.End, p.PerDay)
		if !p.DryRun {
			next.await(record, now)
		}
	}
	return &next, records
}

// firing are the incidents that ask, in the order of the policy's kinds.
func (p *RetrainingPolicy) firing(after *Progress, transitions []*Alert) []cause {
	var causes []cause
	for _, kind := range p.On {
		incident := after.Alerts[kind].Incident
		if incident == nil {
			continue
		}
		c := cause{id: retrainingID(incident.ID), cause: incident.ID, kind: kind, since: incident.Since}
		if incident.Told != nil {
			c.told = *incident.Told
		}
		for _, a := range transitions { // it has just begun, or become worse, and says more
			if a.ID == incident.ID && a.Status == Firing {
				c.told = *toldAtLength(a)
			}
		}
		if c.severity = incident.Severity(); !worse(p.MinSeverity, c.severity) {
			causes = append(causes, c)
		}
	}
	return causes
}

// scheduled is what the schedule asks for. It is due with the first window that
// holds events and ends at a boundary or later: a version without requests is not
// trained. The schedule begins with the first window that knows of it.
func (p *RetrainingPolicy) scheduled(next *Retrained, v *drift.Verdict) (c cause, due bool) {
	if p.Schedule == nil {
		next.Scheduled = nil
		return cause{}, false
	}
	last := lastBoundary(p.Schedule, v.Window.End)
	if next.Scheduled == nil || last.Before(*next.Scheduled) { // new, or another schedule
		next.Scheduled = &last
		return cause{}, false
	}
	if !last.After(*next.Scheduled) || v.Events == 0 {
		return cause{}, false
	}
	return cause{
		id:    retrainingID(CauseSchedule, v.Model, v.Version, v.Segment, last.Format(time.RFC3339Nano)),
		cause: CauseSchedule, kind: CauseSchedule, severity: "info", since: last, told: Told{Window: v.Window},
	}, true
}

// lastBoundary is the last start of a window of the definition at or before t.
func lastBoundary(d *windows.Definition, t time.Time) time.Time {
	from := windows.TimestampOf(t).Add(time.Millisecond)
	interval, _, _ := d.Window(d.FirstFrom(from) - 1)
	return interval.Start.Time().UTC()
}

// refusal is why the version does not ask now; empty: it does.
func (p *RetrainingPolicy) refusal(r *Retrained, after *Progress, end time.Time) string {
	if after.Alerts[DataQuality].Incident != nil {
		return RefusedDataQuality
	}
	if n := len(r.Triggered); n > 0 && end.Sub(r.Triggered[n-1]) < p.Cooldown {
		return RefusedCooldown
	}
	within := 0
	for _, at := range r.Triggered {
		if end.Sub(at) < day {
			within++
		}
	}
	if p.PerDay > 0 && within >= p.PerDay {
		return RefusedDailyCap
	}
	return ""
}

const day = 24 * time.Hour

// remember adds the end of a window in which it asked, and forgets what neither
// cooldown nor cap needs.
func (r *Retrained) remember(end time.Time, perDay int) {
	r.Triggered = append(r.Triggered, end)
	if extra := len(r.Triggered) - max(perDay, 1); extra > 0 {
		r.Triggered = r.Triggered[extra:]
	}
}

// retrainingID is the id of a retraining: a hash of what causes it, so that the
// same cause asks for the same thing wherever and however often it is found.
func retrainingID(of ...string) string {
	h := sha256.New()
	for _, part := range append([]string{string(RetrainingKind)}, of...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
