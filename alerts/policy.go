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
	// Severity is critical, warning or info. Worse are those that it becomes with
	// larger effects; none: it is the same for all.
	Severity string
	Worse    []Grade
	// Pages is the address of the pages of evidence, with a slash at its end; empty:
	// nobody has said.
	Pages string
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
	// Ended is what has ended, while that is still passed on: the last incident, or
	// the one that fires as it was before it became more severe. Close keeps it: the
	// policy itself knows no clock.
	Ended *Ended `json:"ended,omitempty"`
}

// Seen is a window that the policy has judged.
type Seen struct {
	Start   time.Time `json:"start"`
	Drifted bool      `json:"drifted"`
	Effect  float64   `json:"effect,omitempty"` // the largest of what drifted
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
	most     string // of other kinds than drift: what was found, in words
	silenced string // why what was found does not count; empty where it does
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
	seen := Seen{Start: v.Window.Start, Drifted: drifted}
	if drifted {
		seen.Effect = float64(*found.culprits[0].Effect)
	}
	next := State{Recent: append(slices.Clone(state.Recent), seen)}
	if extra := len(next.Recent) - p.of(); extra > 0 {
		next.Recent = next.Recent[extra:]
	}
	if state.Incident != nil {
		return p.goOn(kind, *state.Incident, next, v, found)
	}
	count, since := next.drifted(v.Window.Start)
	if !drifted || count < p.forWindows() {
		return next, nil
	}
	incident := Incident{ID: identity(kind, v.Model, v.Version, v.Segment, since), Since: since}
	alert := p.alert(kind, Firing, incident, p.severity(next.Recent), v, found)
	incident.Told = told(alert)
	next.Incident = &incident
	return next, alert
}

// goOn is a window of an incident that fires. next is the state without it.
func (p Policy) goOn(kind Kind, incident Incident, next State, v *drift.Verdict, found finding) (State, *Alert) {
	if len(found.culprits) == 0 {
		if incident.Quiet++; incident.Quiet >= max(p.ResolveAfter, 1) {
			// The windows of a resolved incident do not count towards the next one.
			next.Recent = nil
			return next, p.alert(kind, Resolved, incident, incident.Severity(), v, found)
		}
		next.Incident = &incident
		return next, nil
	}
	incident.Quiet = 0
	next.Incident = &incident
	severity, before := p.severity(next.Recent), incident.Severity()
	if !worse(severity, before) {
		return next, nil
	}
	alert := p.alert(kind, Firing, incident, severity, v, found)
	alert.SeverityBefore = before
	incident.Told = told(alert)
	return next, alert
}

// retire resolves what fires of a version that is no longer watched.
func (p Policy) retire(kind Kind, state State, v *drift.Verdict) (State, *Alert) {
	if state.Incident == nil {
		return State{}, nil
	}
	a := p.alert(kind, Resolved, *state.Incident, state.Incident.Severity(), v, finding{})
	a.Summary = printable(title(v.Model, v.Version) + ": it has sent nothing for so long that it is no longer watched")
	return State{}, a
}

// drifted counts the last windows that drifted; since is the start of the first,
// or what is given where there is none.
func (s State) drifted(since time.Time) (count int, first time.Time) {
	for i := len(s.Recent) - 1; i >= 0; i-- {
		if s.Recent[i].Drifted {
			count++
			since = s.Recent[i].Start
		}
	}
	return count, since
}

// unknownSeverity is of incidents that began before their severity was kept.
const unknownSeverity = "critical"

// Severity is what people were told.
func (i *Incident) Severity() string {
	if i.Told == nil || i.Told.Severity == "" {
		return unknownSeverity
	}
	return i.Told.Severity
}

func (p Policy) alert(kind Kind, status Status, incident Incident, severity string, v *drift.Verdict, found finding) *Alert {
	a := &Alert{
		Schema: Schema, ID: incident.ID, Status: status, Kind: kind, Severity: severity,
		Model: v.Model, Version: v.Version, Segment: v.Segment, Window: v.Window, Since: incident.Since,
		Features: found.culprits,
	}
	if a.Features == nil {
		a.Features = []Culprit{}
	}
	a.Summary = printable(summary(a, found))
	if p.Pages != "" {
		about := Version{Model: v.Model, Version: v.Version, Segment: v.Segment}
		a.EvidenceURL, a.RunbookURL = p.Pages+ModelPath(about, v.Window.Start), p.Pages+RunbookPath(kind.AlertName())
		if len(a.Features) > 0 && (kind == FeatureDrift || kind == PredictionDrift) {
			a.PlotURL = p.Pages + PlotPath(about, v.Window.Start, a.Features[0].Name)
		}
	}
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
	case Performance:
		f = performanceFinding(v)
	case Traffic:
		f = trafficFinding(v)
	}
	slices.SortFunc(f.culprits, func(a, b Culprit) int {
		return cmp.Or(-cmp.Compare(*a.Effect, *b.Effect), strings.Compare(a.Name, b.Name))
	})
	return f
}

// title names a model version.
func title(model, version string) string {
	if version != "" {
		model += " v" + version
	}
	return model
}

// summary is one line for people.
func summary(a *Alert, found finding) string {
	name := title(a.Model, a.Version)
	switch {
	case a.Status == Resolved && found.silenced != "":
		return fmt.Sprintf("%s: what goes on is silenced (%s)", name, found.silenced)
	case a.Kind == DataQuality:
		return fmt.Sprintf("%s: %s", name, qualitySummary(a, found))
	case a.Status == Resolved:
		return fmt.Sprintf("%s: %s", name, overWords(a.Kind))
	case a.Kind == Performance || a.Kind == Traffic:
		return fmt.Sprintf("%s: %s", name, found.most)
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

// overWords say what it is that has ended.
func overWords(kind Kind) string {
	switch kind {
	case PredictionDrift:
		return "its predictions are back to the reference"
	case Performance:
		return "its service keeps its objectives again"
	case Traffic:
		return "its traffic is as usual again"
	}
	return "its features are back to the reference"
}
