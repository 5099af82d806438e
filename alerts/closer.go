package alerts

import (
	"cmp"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// Settings are what closing a model's windows needs to know about it.
type Settings struct {
	windows.Settings
	MaxAhead    time.Duration
	ForgetAfter time.Duration
	// Limits are those of a pane: a window has no more names either.
	Limits windows.Limits
	// FirstWindows is how many windows make the reference of a version that has
	// none; 0: references come from elsewhere.
	FirstWindows int
	// History says which earlier windows one is compared with; zero: none, or it
	// is no matter of time.
	History History
	// Against is the version whose windows those of every other version are
	// compared with; empty: none.
	Against string
	Drift   drift.Settings
	Policy  Policy
	// PerformanceSeverity and Worse take the place of the policy's severities for
	// missed objectives: their effects are multiples.
	PerformanceSeverity string
	PerformanceWorse    []Grade
	// Traffic says which numbers of events are far from usual; nil: none is.
	Traffic *TrafficRule
	// Silences are those that may be of this model.
	Silences []Silence
	Budget   Budget
	// Retraining says when a version asks to be trained again.
	Retraining RetrainingPolicy
}

// policy is the one for a kind of alert.
func (s *Settings) policy(kind Kind) Policy {
	p := s.Policy
	switch {
	case kind == Performance && s.PerformanceSeverity != "":
		p.Severity, p.Worse = s.PerformanceSeverity, s.PerformanceWorse
	case kind == Traffic && s.Traffic != nil:
		p.Severity, p.Worse = s.Traffic.Severity, s.Traffic.Worse
	}
	return p
}

// A Step is one window of one version, about to close.
type Step struct {
	Progress *Progress // before; not changed
	Due      windows.DueWindow
	// Parts are the panes of the window, of all partitions.
	Parts []windows.Part
	// Inputs are the partitions by the numbers that parts have, for the events that
	// the verdict names; without them it names none.
	Inputs []Input
	// Reference serves the window; nil when there is none yet.
	Reference *reference.Reference
	// Draft is the reference that grows, if Progress.Draft says that one does;
	// Close takes it over.
	Draft *reference.Draft
	// Summaries hold, by their ids, at least those that Recall lists.
	Summaries map[string]*reference.Reference
	// Against are the panes that Settings.Against has in the window, of all
	// partitions; not needed for that version itself.
	Against []windows.Part
	// Beside is what the model's other versions have in the window; needed where
	// Settings.Traffic is.
	Beside Beside
	// Gaps are those that the window may lack events by.
	Gaps []drift.Gap
	// Now is the time on the clock, for how long it is remembered that an alert has
	// ended. Nothing that is published depends on it; zero: nothing is remembered.
	Now time.Time
}

// An Outcome is what closing a window gives. Everything in it is published in
// one transaction or not at all.
type Outcome struct {
	Verdict *drift.Verdict
	Alerts  []*Alert
	// Retraining are decisions about it, published as alerts are.
	Retraining []*RetrainingRecord
	Progress   *Progress // after
	// Reference was made of the first windows; nil unless this one completed it.
	// Where there is a history it serves for its grid alone.
	Reference *reference.Reference
	// Summary is of this window, to be kept for later ones; nil where none is
	// kept. Dropped are those that no later window needs.
	Summary *reference.Reference
	Dropped []Summary
	// Retired are the version's own grids that nothing is counted on any more.
	Retired []Serving
	// Draft is the growing reference after this window; nil when none grows.
	Draft *reference.Draft
}

// Due lists the windows of a version that close at a watermark.
func Due(settings *Settings, progress *Progress, panes []windows.PaneCount, watermark windows.Timestamp) []windows.DueWindow {
	return settings.Definition.Due(progress.emitted(), panes, watermark, settings.ForgetAfter)
}

// NewProgress is the progress of a version that has no verdict yet.
func NewProgress(v Version) *Progress {
	return &Progress{Schema: Schema, Version: v, ActiveUntil: windows.Unset}
}

// Close closes one window. It is a pure function of its arguments.
func Close(settings *Settings, step Step) Outcome {
	merged := windows.Merge(step.Due.Interval, step.Parts)
	merged.Bound(settings.Limits)
	after := *step.Progress
	bounds := drift.BoundsOf(step.Due.Interval)
	after.Window, after.Next, after.ActiveUntil = &bounds, step.Due.After.Next, step.Due.After.ActiveUntil
	after.Numbering = settings.Definition.Numbering()

	serving, without := step.Reference, ""
	if windows.IsOther(after.Model, after.Version.Version) {
		settings, serving = settings.ofOthers(), nil
	}
	switch {
	case serving != nil:
	case settings.Against != "":
		serving, without = settings.beside(step)
	default:
		serving, without = settings.recalled(step)
	}
	verdict := drift.Compare(drift.Case{
		Model: after.Model, Version: after.Version.Version, Segment: after.Segment,
		Window: merged, Reference: serving, Without: without, Budget: settings.Budget.level(after.Saved, settings.Policy), Gaps: step.Gaps,
	}, settings.Drift)
	verdict.Sample = step.sample()
	out := Outcome{Verdict: verdict, Progress: &after}

	out.watch(settings, step, merged.Events)
	out.alert(settings, step, merged.Events == 0 && settings.forgets(step.Due))
	after.Retraining, out.Retraining = settings.retrain(step.Progress.Retraining, &after, out.Alerts, verdict, step.Now)
	if settings.FirstWindows > 0 && len(after.References) == 0 && serving == nil {
		out.growReference(settings, step, merged)
	}
	out.remember(settings, step, merged, serving)
	return out
}

// watch holds the window's traffic against what is usual, and remembers it.
func (out *Outcome) watch(settings *Settings, step Step, events uint64) {
	rule := settings.Traffic
	if rule == nil {
		out.Progress.Volume, out.Progress.Moved = nil, false
		return
	}
	if events > 0 || step.Beside.Largest > 0 {
		out.Progress.Moved = step.Beside.Largest > events
	}
	if out.Progress.Moved {
		return // to another version, which judges, and remembers
	}
	out.Verdict.Traffic = rule.judge(step.Progress.Volume, step.Due.Interval, events, step.Beside)
	out.Progress.Volume = rule.remember(step.Progress.Volume, step.Due.Interval, events+step.Beside.Events)
}

// alert shows the policy the verdict, and says in the verdict how its alerts stand
// now. forgotten: no later window of the version follows this one.
func (out *Outcome) alert(settings *Settings, step Step, forgotten bool) {
	after, verdict := out.Progress, out.Verdict
	after.Alerts = make(map[Kind]State, len(step.Progress.Alerts))
	couldPage := false
	for _, kind := range Kinds() {
		policy := settings.policy(kind)
		before, found := step.Progress.Alerts[kind], findingOf(kind, verdict)
		if kind == FeatureDrift || kind == PredictionDrift || kind == DataQuality { // what the budget is of
			couldPage = couldPage || before.Incident == nil && found.tested
		}
		if kind == Traffic && after.Moved {
			found = finding{tested: true} // this version's is over: another one serves
		}
		found = settings.silence(kind, after.Version, step.Due.Interval, verdict, found)
		var state State
		var alert *Alert
		if forgotten {
			state, alert = policy.retire(kind, before, verdict)
		} else {
			state, alert = policy.step(kind, before, verdict, found)
		}
		state.Ended = before.endedAfter(state, step.Now)
		if alert != nil && alert.Status == Firing && !step.Now.IsZero() {
			state.Incident.Told.At = &step.Now // Told is of this step alone
		}
		if state.Incident != nil || state.Recent != nil || state.Ended != nil {
			after.Alerts[kind] = state
		}
		if alert != nil {
			out.Alerts = append(out.Alerts, alert)
		}
		if described, worth := policy.describe(kind, state, found.silenced); worth {
			verdict.Alerts = append(verdict.Alerts, described)
		}
	}
	after.Saved = settings.Budget.after(after.Saved, couldPage)
}

// forgets reports whether the window after has no verdict, unless events come:
// nothing was sent for long.
func (s *Settings) forgets(due windows.DueWindow) bool {
	next, _, _ := s.Definition.Window(due.After.Next)
	return due.After.ActiveUntil <= next.Start.Add(-s.ForgetAfter)
}

// ofOthers are the settings of a bucket for others, which has counts alone: nothing
// that is compared, and nothing to compare it with.
func (s *Settings) ofOthers() *Settings {
	others := *s
	others.FirstWindows, others.History, others.Against, others.Traffic = 0, History{}, "", nil
	others.Retraining = RetrainingPolicy{}
	return &others
}

// growReference adds the window to the reference that grows out of the first
// windows with events. Windows that overlap share slices, and each slice counts
// once.
func (out *Outcome) growReference(settings *Settings, step Step, merged *windows.Window) {
	draft := Draft{EndPane: step.Due.FirstPane}
	if step.Progress.Draft != nil {
		draft = *step.Progress.Draft
	}
	fresh := merged
	if draft.EndPane > step.Due.FirstPane {
		parts := slices.DeleteFunc(slices.Clone(step.Parts), func(p windows.Part) bool { return p.Pane.Key.Index < draft.EndPane })
		fresh = windows.Merge(step.Due.Interval, parts)
	}
	grown := step.Draft
	if grown == nil {
		grown = new(reference.Draft)
	}
	grown.Append(fresh)
	grown.Bound(settings.Limits)
	draft.EndPane = step.Due.EndPane
	if fresh.Events > 0 {
		draft.Windows++
	}
	if draft.Windows < settings.FirstWindows {
		out.Progress.Draft, out.Draft = &draft, grown
		return
	}
	made := grown.Reference(reference.First, max(settings.ReferenceSize, 1))
	next, _, _ := settings.Definition.Window(step.Due.After.Next)
	out.Reference, out.Progress.Draft = made, nil
	out.Progress.References = []Serving{{
		ID: made.ID, Kind: made.Kind, Rows: made.Rows, GridFrom: settings.gridFrom(step.Due.Interval), ServesFrom: next.Start,
	}}
}

// gridFrom is from when on panes are counted on a grid that a window's close
// makes: no partition has begun them.
func (s *Settings) gridFrom(window windows.Interval) windows.Timestamp {
	horizon := s.Definition.Horizon(s.MaxAhead)
	return s.Definition.Boundary(window.End.Add(s.Definition.Lateness).Add(horizon))
}

// SortDue orders the windows of several versions as they close: by when they
// are due, then by name.
func SortDue[T any](due []T, key func(T) (closes windows.Timestamp, v Version)) {
	slices.SortStableFunc(due, func(a, b T) int {
		ta, va := key(a)
		tb, vb := key(b)
		return cmp.Or(cmp.Compare(ta, tb), cmp.Compare(va.Model, vb.Model), cmp.Compare(va.Version, vb.Version), cmp.Compare(va.Segment, vb.Segment))
	})
}
