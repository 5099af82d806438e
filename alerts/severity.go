package alerts

import "slices"

// A Grade is a severity that an alert has from an effect on.
type Grade struct {
	Severity string
	From     float64
}

// severities are from the least to the worst.
var severities = [...]string{"info", "warning", "critical"}

// worse reports whether a severity is worse than another.
func worse(a, b string) bool {
	return slices.Index(severities[:], a) > slices.Index(severities[:], b)
}

// severity is what the last windows amount to: the grade of the effect that as many
// of them have reached as it takes to fire. So one window far out makes a page no
// more severe than it makes a page.
func (p Policy) severity(recent []Seen) string {
	var effects []float64
	for _, seen := range recent {
		if seen.Drifted {
			effects = append(effects, seen.Effect)
		}
	}
	severity := p.Severity
	if len(effects) < p.forWindows() {
		return severity
	}
	slices.Sort(effects)
	reached := effects[len(effects)-p.forWindows()]
	for _, grade := range p.Worse {
		if reached >= grade.From && worse(grade.Severity, severity) {
			severity = grade.Severity
		}
	}
	return severity
}
