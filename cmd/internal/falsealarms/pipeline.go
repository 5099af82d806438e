package main

import (
	"fmt"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// sampleSize is how many values a window keeps beside its bins. They are shown
// and decide nothing here, since windows are compared by their bins.
const sampleSize = 64

// referenceSize is enough for the reference to keep every value: every window is
// then compared with all of them.
const referenceSize = 1 << 20

// A pipeline closes the windows of a stream as the service does, by the same
// code, under one or several settings at once. All of them share the reference,
// which the first windows make.
type pipeline struct {
	definition *windows.Definition
	limits     windows.Limits
	rules      []*rule
	reference  *reference.Reference // nil while it grows
	grid       *windows.Grid        // of the reference
	gridFrom   windows.Timestamp
	index      int64
}

// A rule is one way to decide, and what has come of it.
type rule struct {
	name     string
	settings alerts.Settings
	progress *alerts.Progress
	draft    *reference.Draft
	pages    int
	// drifted counts windows in which something drifted.
	drifted int
}

// newPipeline makes one with hourly windows, and a reference of so many.
func newPipeline(referenceWindows int, rules []*rule) (*pipeline, error) {
	definition := &windows.Definition{Size: windows.DurationSpan(time.Hour), Origin: windows.Unset, Lateness: 2 * time.Minute}
	if err := definition.Validate(); err != nil {
		return nil, fmt.Errorf("defining hourly windows: %w", err)
	}
	p := &pipeline{definition: definition, limits: windows.Limits{Models: 1, Features: 1000, Categories: 10}, rules: rules}
	for _, r := range rules {
		r.settings.Definition, r.settings.SampleSize, r.settings.ReferenceSize = definition, sampleSize, referenceSize
		r.settings.MaxAhead, r.settings.ForgetAfter, r.settings.FirstWindows = time.Hour, 24*time.Hour, referenceWindows
		r.settings.Drift.Measures = []string{}
		r.progress = alerts.NewProgress(alerts.Version{Model: "m"})
	}
	return p, nil
}

// pane is an empty pane for the next window.
func (p *pipeline) pane() *windows.Pane {
	interval := p.definition.Pane(p.index)
	key := windows.PaneKey{Model: "m", Index: p.index}
	if p.reference == nil || interval.Start < p.gridFrom {
		return windows.NewPane(key, interval, nil, referenceSize, p.limits)
	}
	return windows.NewPane(key, interval, p.grid, sampleSize, p.limits)
}

// fork is a pipeline that goes on from here by itself.
func (p *pipeline) fork() *pipeline {
	forked := *p
	forked.rules = nil
	for _, r := range p.rules {
		copied := *r // progress is replaced, never changed in place
		forked.rules = append(forked.rules, &copied)
	}
	return &forked
}

// close closes the window of the pane under every rule, and tells which of them
// paged.
func (p *pipeline) close(pane *windows.Pane) (paged []bool) {
	due := windows.DueWindow{
		Interval: pane.Interval, FirstPane: p.index, EndPane: p.index + 1,
		After: windows.Emitted{Any: true, Next: p.index + 1, ActiveUntil: pane.Interval.End},
	}
	serving := p.reference
	for _, r := range p.rules {
		out := alerts.Close(&r.settings, alerts.Step{
			Progress: r.progress, Due: due, Parts: []windows.Part{{Pane: pane}}, Reference: serving, Draft: r.draft,
		})
		r.progress, r.draft = out.Progress, out.Draft
		if out.Reference != nil {
			p.reference, p.grid, p.gridFrom = out.Reference, out.Reference.Grid(), out.Progress.References[0].GridFrom
		}
		if out.Verdict.Drifted {
			r.drifted++
		}
		fired := false
		for _, a := range out.Alerts {
			if a.Status == alerts.Firing {
				r.pages++
				fired = true
			}
		}
		paged = append(paged, fired)
	}
	p.index++
	return paged
}
