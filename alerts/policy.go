package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A Policy says how many windows must drift before people are told.
type Policy struct {
	For          int // windows that must drift…
	Of           int // …of this many last ones; at least For
	ResolveAfter int // windows in a row without drift until it is over
	Severity     string
}

// forWindows and of are the policy's counts where they make sense.
func (p Policy) forWindows() int { return max(p.For, 1) }
func (p Policy) of() int         { return max(p.Of, p.forWindows()) }

// State is what the policy remembers of one kind of alert of one model
// version. It travels with each verdict's progress. The zero State has seen
// nothing.
type State struct {
	// Recent are the last Of tested windows, oldest first.
	Recent []Seen `json:"recent,omitempty"`
	// Incident is the one that fires; nil while none does.
	Incident *Incident `json:"incident,omitempty"`
	// Ended is the last incident, while it is still passed on that it is over; nil
	// when one fires. Close keeps it: the policy itself knows no clock.
	Ended *Ended `json:"ended,omitempty"`
}

// Seen is a window that the policy has judged.
type Seen struct {
	Start   time.Time `json:"start"`
	Drifted bool      `json:"drifted"`
}

// An Incident is an alert that fires.
type Incident struct {
	ID    string    `json:"id"`
	Since time.Time `json:"since"`
	Quiet int       `json:"quiet"` // windows in a row without drift
	// Told is what its first record said; nil of one that began before this was kept.
	Told *Told `json:"told,omitempty"`
}

// finding is what one verdict says about one kind of alert.
type finding struct {
	tested   bool // nothing was tested: the window says nothing either way
	culprits []Culprit
	total    int
	heldBack int    // features whose drift does not count
	most     string // of broken data: what the first culprit's check has found
}

// Step shows the policy one verdict after the other, in window order, and
// returns what has to be told: nothing, or one transition. The state is
// replaced, never changed in place.
func (p Policy) Step(kind Kind, state State, v *drift.Verdict) (State, *Alert) {
	return p.step(kind, state, v, findingOf(kind, v))
}

// step is Step with what the verdict says about the kind.
func (p Policy) step(kind Kind, state State, v *drift.Verdict, found finding) (State, *Alert) {
	if !found.tested {
		return state, nil
	}
	drifted := len(found.culprits) > 0
	next := State{Recent: append(slices.Clone(state.Recent), Seen{Start: v.Window.Start, Drifted: drifted})}
	if extra := len(next.Recent) - p.of(); extra > 0 {
		next.Recent = next.Recent[extra:]
	}
	if state.Incident != nil {
		incident := *state.Incident
		incident.Quiet++
		if drifted {
			incident.Quiet = 0
		}
		if incident.Quiet < max(p.ResolveAfter, 1) {
			next.Incident = &incident
			return next, nil
		}
		// The windows of a resolved incident do not count towards the next one.
		next.Recent = nil
		return next, p.alert(kind, Resolved, incident, v, found)
	}
	count, since := 0, v.Window.Start
	for i := len(next.Recent) - 1; i >= 0; i-- {
		if next.Recent[i].Drifted {
			count++
			since = next.Recent[i].Start
		}
	}
	if !drifted || count < p.forWindows() {
		return next, nil
	}
	incident := Incident{ID: identity(kind, v.Model, v.Version, v.Segment, since), Since: since}
	alert := p.alert(kind, Firing, incident, v, found)
	incident.Told = told(alert)
	next.Incident = &incident
	return next, alert
}

func (p Policy) alert(kind Kind, status Status, incident Incident, v *drift.Verdict, found finding) *Alert {
	a := &Alert{
		Schema: Schema, ID: incident.ID, Status: status, Kind: kind, Severity: p.Severity,
		Model: v.Model, Version: v.Version, Segment: v.Segment, Window: v.Window, Since: incident.Since,
		Features: found.culprits,
	}
	if a.Features == nil {
		a.Features = []Culprit{}
	}
	a.Summary = printable(summary(a, found))
	return a
}

// findingOf reads from a verdict what concerns a kind of alert.
func findingOf(kind Kind, v *drift.Verdict) finding {
	var f finding
	take := func(name string, feature *drift.Feature) {
		f.total++
		if feature.Test == "" {
			return
		}
		f.tested = true
		switch {
		case !feature.Drifted || feature.CausedBy != "":
		case feature.HeldBack != "":
			f.heldBack++
		default:
			f.culprits = append(f.culprits, Culprit{
				Name: name, Test: feature.Test, Statistic: feature.Statistic, Adjusted: feature.Adjusted, Effect: feature.Effect,
			})
		}
	}
	switch kind {
	case PredictionDrift:
		if v.Prediction != nil {
			take("prediction", v.Prediction)
		}
	case FeatureDrift:
		for name, feature := range v.Features {
			take(name, feature)
		}
	case DataQuality:
		f = qualityFinding(v)
	}
	slices.SortFunc(f.culprits, func(a, b Culprit) int {
		return cmp.Or(-cmp.Compare(*a.Effect, *b.Effect), strings.Compare(a.Name, b.Name))
	})
	return f
}

// summary is one line for people.
func summary(a *Alert, found finding) string {
	name := a.Model
	if a.Version != "" {
		name += " v" + a.Version
	}
	switch {
	case a.Kind == DataQuality:
		return fmt.Sprintf("%s: %s", name, qualitySummary(a, found))
	case a.Status == Resolved && a.Kind == PredictionDrift:
		return fmt.Sprintf("%s: its predictions are back to the reference", name)
	case a.Status == Resolved:
		return fmt.Sprintf("%s: its features are back to the reference", name)
	}
	most := found.culprits[0]
	measure := most.Test // a measure that is its own effect
	switch most.Test {
	case "ks":
		measure = "D"
	case "chi2":
		measure = "V"
	}
	if a.Kind == PredictionDrift {
		return fmt.Sprintf("%s: its predictions drifted (%s %.3g)", name, measure, float64(*most.Effect))
	}
	text := fmt.Sprintf("%s: %d of %d features drifted, %s most (%s %.3g)",
		name, len(found.culprits), found.total, most.Name, measure, float64(*most.Effect))
	if found.heldBack > 0 {
		text += fmt.Sprintf("; %d more held back", found.heldBack)
	}
	return text
}
