package replay

import (
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// Rules are the settings that an engine runs by.
type Rules struct {
	Model func(name string) *alerts.Settings
	// Configured is the reference that the configuration names for a model, in
	// force from the beginning; nil when it names none.
	Configured func(model string) *Served
	Limits     windows.Limits
	MaxAhead   time.Duration
	// Budgeted says that some model has a budget of false pages.
	Budgeted bool
}

// Served is a reference with its grid.
type Served struct {
	Reference *reference.Reference
	Grid      *windows.Grid
}

// Serve prepares a reference.
func Serve(r *reference.Reference) *Served { return &Served{Reference: r, Grid: r.Grid()} }

// An Engine is the service without Kafka and Redis: partitions that are aligned
// by what has been closed, and one closer for all versions. It belongs to one
// goroutine. Its memory is that of the windows that are open, whatever the length
// of the log.
type Engine struct {
	rules      Rules
	partitions []*windows.Partition
	inputs     []alerts.Input // nil: not those of topics
	ended      []bool
	versions   map[alerts.Version]*version
	through    windows.Timestamp
	emit       func(*Closed) error
	failed     error
}

// A version is a model version's progress, the references that it made of its own
// windows, and the summaries of those that later ones may be compared with, each by
// its id.
type version struct {
	progress  *alerts.Progress
	draft     *reference.Draft
	own       map[string]*Served
	summaries map[string]*reference.Reference
}

// Closed is a window that closed, and what came of it.
type Closed struct {
	Version alerts.Version
	Outcome alerts.Outcome
}

// NewEngine makes an engine over partitions, in the order of their topic's name
// and number. Verdicts name events of topics; without a topic's name they name none. emit is called for every window as it closes: by when it is due,
// then by name.
func NewEngine(rules Rules, partitions []alerts.Input, emit func(*Closed) error) *Engine {
	e := &Engine{
		rules: rules, ended: make([]bool, len(partitions)), versions: make(map[alerts.Version]*version),
		through: windows.Unset, emit: emit,
	}
	partitionRules := windows.Rules{
		Settings: func(model string) *windows.Settings { return &rules.Model(model).Settings },
		Grid:     e.grid, Shards: 1, MaxAhead: rules.MaxAhead, Limits: rules.Limits,
	}
	for _, in := range partitions {
		e.partitions = append(e.partitions, windows.NewPartition(in.ID, partitionRules, 0))
	}
	if !slices.ContainsFunc(partitions, func(in alerts.Input) bool { return in.Topic == "" }) {
		e.inputs = partitions
	}
	return e
}

// Offer gives a partition its next record. A record that is held has to be
// offered again, after records of other partitions: the partition is further
// ahead of them than its windows allow.
func (e *Engine) Offer(partition int, o *windows.Observation) (windows.Result, error) {
	p := e.partitions[partition]
	result := p.Offer(o)
	if result == windows.Held && e.advance() {
		result = p.Offer(o)
	}
	if p.CloseDue() {
		e.advance()
	}
	return result, e.failed
}

// End says that a partition has no more records. It then holds back nobody; once
// all have ended, every window that holds an event closes.
func (e *Engine) End(partition int) error {
	e.ended[partition] = true
	e.advance()
	return e.failed
}

// lowest is the watermark that windows close at: the lowest of the partitions
// that go on, or when none does the end of the last window that holds an event.
func (e *Engine) lowest() windows.Timestamp {
	lowest := windows.Forever
	for i, p := range e.partitions {
		if !e.ended[i] {
			lowest = min(lowest, p.Watermark())
		}
	}
	if lowest < windows.Forever {
		return lowest
	}
	last := windows.Unset
	for _, p := range e.partitions {
		last = max(last, p.LastEnd())
	}
	return last
}

// advance closes what is due, and reports whether anything moved.
func (e *Engine) advance() bool {
	watermark := e.lowest()
	if watermark <= e.through || e.failed != nil {
		return false
	}
	if e.failed = e.closeDue(watermark); e.failed != nil {
		return false
	}
	e.through = watermark
	for _, p := range e.partitions {
		p.ClosedThrough(0, watermark)
		p.Checkpointed(p.Snapshot()) // nothing else would make it forget what was dropped
	}
	return true
}

// dueWindow is a window of a version.
type dueWindow struct {
	version alerts.Version
	window  windows.DueWindow
	closes  windows.Timestamp
}

func (e *Engine) closeDue(watermark windows.Timestamp) error {
	parts := make(map[alerts.Version][]windows.Part)
	for number, p := range e.partitions {
		for _, pane := range p.HeldPanes() {
			key := alerts.Version{Model: pane.Key.Model, Version: pane.Key.Version}
			parts[key] = append(parts[key], windows.Part{Partition: number, Pane: pane})
			if e.versions[key] == nil {
				e.versions[key] = &version{
					progress: alerts.NewProgress(key), own: make(map[string]*Served), summaries: make(map[string]*reference.Reference),
				}
			}
		}
	}
	var due []dueWindow
	for key, v := range e.versions {
		settings := e.rules.Model(key.Model)
		for _, w := range alerts.Due(settings, v.progress, counts(parts[key]), watermark) {
			due = append(due, dueWindow{version: key, window: w, closes: w.Interval.End.Add(settings.Definition.Lateness)})
		}
	}
	alerts.SortDue(due, func(d dueWindow) (windows.Timestamp, alerts.Version) { return d.closes, d.version })
	for _, d := range due {
		if err := e.close(d, parts); err != nil {
			return err
		}
	}
	return nil
}

func counts(parts []windows.Part) []windows.PaneCount {
	list := make([]windows.PaneCount, len(parts))
	for i, part := range parts {
		list[i] = windows.PaneCount{Index: part.Pane.Key.Index, Events: part.Pane.Events, Late: part.Pane.Late}
	}
	return list
}

// close closes one window. panes are those of all versions.
func (e *Engine) close(d dueWindow, panes map[alerts.Version][]windows.Part) error {
	v, settings := e.versions[d.version], e.rules.Model(d.version.Model)
	out := alerts.Close(settings, e.step(settings, v, d, panes))
	v.progress, v.draft = out.Progress, out.Draft
	if out.Reference != nil {
		v.own[out.Reference.ID] = Serve(out.Reference)
	}
	if out.Summary != nil {
		v.summaries[out.Summary.ID] = out.Summary
	}
	for _, dropped := range out.Dropped {
		delete(v.summaries, dropped.ID)
	}
	for _, retired := range out.Retired {
		delete(v.own, retired.ID)
	}
	return e.emit(&Closed{Version: d.version, Outcome: out})
}

// step gathers what closing a window needs.
func (e *Engine) step(settings *alerts.Settings, v *version, d dueWindow, panes map[alerts.Version][]windows.Part) alerts.Step {
	step := alerts.Step{
		Progress: v.progress, Due: d.window, Draft: v.draft, Summaries: v.summaries, Parts: within(d.window, panes[d.version]), Inputs: e.inputs,
	}
	if own := settings.Pinned(v.progress, d.window.Interval.Start); own != nil {
		step.Reference = v.own[own.ID].Reference
	} else if configured := e.rules.Configured(d.version.Model); configured != nil {
		step.Reference = configured.Reference
	}
	if settings.Against != "" && settings.Against != d.version.Version {
		step.Against = within(d.window, panes[alerts.Version{Model: d.version.Model, Version: settings.Against}])
	}
	if settings.Traffic != nil {
		for other, parts := range panes {
			if other.Model == d.version.Model && other != d.version {
				var events uint64
				for _, part := range within(d.window, parts) {
					events += part.Pane.Events
				}
				step.Beside.Add(events)
			}
		}
	}
	return step
}

// within are the panes of a window.
func within(w windows.DueWindow, parts []windows.Part) []windows.Part {
	var found []windows.Part
	for _, part := range parts {
		if index := part.Pane.Key.Index; w.FirstPane <= index && index < w.EndPane {
			found = append(found, part)
		}
	}
	return found
}

// grid is the windows.GridFinder of every partition: the grid that a version made,
// or the one that the configuration names. What has been closed is known at once,
// so no grid is ever waited for.
func (e *Engine) grid(model, name string, start windows.Timestamp) (*windows.Grid, bool) {
	if v := e.versions[alerts.Version{Model: model, Version: name}]; v != nil {
		gridFrom := func(s *alerts.Serving) windows.Timestamp { return s.GridFrom }
		if own := alerts.InForce(v.progress.References, gridFrom, start); own != nil {
			return v.own[own.ID].Grid, true
		}
	}
	if configured := e.rules.Configured(model); configured != nil {
		return configured.Grid, true
	}
	return nil, true
}
