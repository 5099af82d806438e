package alerts

import (
	"slices"
	"time"
)

// Pending is a retraining that some target has not taken.
type Pending struct {
	Record  RetrainingRecord `json:"record"`
	Targets []string         `json:"targets"` // those that have not answered; never empty
	At      time.Time        `json:"at"`      // when it was decided
}

// mostPending bounds what a version's progress keeps for targets that do not answer.
const mostPending = 8

// await adds what is to be asked. Of too many the oldest are forgotten: their
// targets have not answered for days.
func (r *Retrained) await(record *RetrainingRecord, now time.Time) {
	r.Pending = append(slices.Clone(r.Pending), Pending{Record: *record, Targets: slices.Clone(record.Targets), At: now.UTC()})
	if extra := len(r.Pending) - mostPending; extra > 0 {
		r.Pending = r.Pending[extra:]
	}
}

// An Answer is what a target makes of a retraining that was pending.
type Answer struct {
	Version  Version
	ID       string // of the retraining
	Target   string
	Delivery Delivery
}

// Answered is the progress after an answer, and the record of it; nil, nil when
// nobody waits for it. p stays as it is.
func (p *Progress) Answered(a Answer) (*Progress, *RetrainingRecord) {
	if p.Retraining == nil {
		return nil, nil
	}
	at := slices.IndexFunc(p.Retraining.Pending, func(w Pending) bool { return w.Record.ID == a.ID && slices.Contains(w.Targets, a.Target) })
	if at < 0 {
		return nil, nil
	}
	next, retrained := *p, *p.Retraining
	retrained.Pending = slices.Clone(retrained.Pending)
	next.Retraining = &retrained
	waiting := &retrained.Pending[at]
	record := waiting.Record
	waiting.Targets = slices.DeleteFunc(slices.Clone(waiting.Targets), func(target string) bool { return target == a.Target })
	if len(waiting.Targets) == 0 {
		retrained.Pending = slices.Delete(retrained.Pending, at, at+1)
	}
	record.Target, record.Delivery = a.Target, &a.Delivery
	if record.Status = Delivered; a.Delivery.Error != "" {
		record.Status = Failed
		record.Summary += "; not taken by " + printable(a.Target)
	} else {
		record.Summary += "; taken by " + printable(a.Target)
	}
	return &next, &record
}

// Outstanding is a pending retraining of a version.
type Outstanding struct {
	Version Version
	Pending Pending
	// Fresh: it has been published this very moment, and nobody can have asked for it.
	Fresh bool
}

// Outstanding lists what is pending, oldest first; fresh are the decisions that have
// just been published.
func (p *Progress) Outstanding(fresh []*RetrainingRecord) []Outstanding {
	if p.Retraining == nil {
		return nil
	}
	var all []Outstanding
	for _, pending := range p.Retraining.Pending {
		just := slices.ContainsFunc(fresh, func(r *RetrainingRecord) bool { return r.ID == pending.Record.ID && r.Status == Triggered })
		all = append(all, Outstanding{Version: p.Version, Pending: pending, Fresh: just})
	}
	return all
}
