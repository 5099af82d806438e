package replay

import (
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A Retraining is a decision to train a version again, or not to.
type Retraining struct {
	At        time.Time     `json:"at"` // end of the window that decided
	Status    alerts.Status `json:"status"`
	Reason    string        `json:"reason,omitempty"` // of a refusal
	Cause     string        `json:"cause"`            // id of the page, or schedule
	CauseKind alerts.Kind   `json:"cause_kind,omitempty"`
	Targets   []string      `json:"targets"`
	DryRun    bool          `json:"dry_run,omitempty"`
}

func retrainings(records []*alerts.RetrainingRecord) []*Retraining {
	var list []*Retraining
	for _, r := range records {
		list = append(list, &Retraining{
			At: r.Window.End, Status: r.Status, Reason: r.Reason, Cause: r.Cause, CauseKind: r.CauseKind, Targets: r.Targets, DryRun: r.DryRun,
		})
	}
	return list
}

// words say what was decided.
func (r *Retraining) words() string {
	switch {
	case r.Reason != "":
		return "refused (" + r.Reason + ")"
	case r.DryRun:
		return "triggered (dry run)"
	}
	return "triggered"
}

// because names the cause.
func (r *Retraining) because() string {
	if r.CauseKind != "" {
		return string(r.CauseKind)
	}
	return r.Cause
}

func (t *textWriter) retraining(v *Version) {
	if len(v.Retraining) > 0 {
		t.line("  RETRAINING\tWHEN\tBECAUSE OF\n")
	}
	for _, r := range v.Retraining {
		t.line("  %s\t%s\t%s\n", r.words(), moment(r.At), r.because())
	}
}
