package main

import (
	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// slowAlerts say where the alerts of a version stand after each of its windows.
type slowAlerts struct {
	policy alerts.Policy
	states map[alerts.Kind]alerts.State
}

// after is what a verdict says of the alerts. It is asked of every window, in order.
func (a *slowAlerts) after(v *drift.Verdict) []drift.AlertState {
	var stand []drift.AlertState
	for _, kind := range alerts.Kinds() {
		a.states[kind], _ = a.policy.Step(kind, a.states[kind], v)
		state := a.states[kind]
		d := drift.AlertState{Kind: string(kind), For: a.policy.For, Of: a.policy.Of}
		for _, seen := range state.Recent {
			if seen.Drifted {
				d.Windows++
				if d.Since == nil {
					d.Since = &seen.Start
				}
			}
		}
		switch incident := state.Incident; {
		case incident != nil:
			d.State, d.ID, d.Severity, d.Since = "firing", incident.ID, incident.Severity(), &incident.Since
		case d.Windows > 0:
			d.State = "pending"
		default:
			continue
		}
		stand = append(stand, d)
	}
	return stand
}
