package alerts

import (
	"time"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// describe says in a verdict where the alert of a kind stands after its window; it
// reports false where there is nothing to say.
func (p Policy) describe(kind Kind, state State, silenced string) (drift.AlertState, bool) {
	count, since := state.drifted(time.Time{})
	d := drift.AlertState{Kind: string(kind), State: "inactive", Windows: count, For: p.forWindows(), Of: p.of(), Silenced: silenced}
	switch {
	case state.Incident != nil:
		d.State, d.ID, d.Severity, since = "firing", state.Incident.ID, state.Incident.Severity(), state.Incident.Since
	case count > 0:
		d.State = "pending"
	case silenced == "":
		return d, false
	}
	if !since.IsZero() {
		d.Since = &since
	}
	return d, true
}
