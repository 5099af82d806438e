package simulation

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

// An answer is what must stand in the output topics.
type answer struct {
	verdicts map[string]string   // by key
	alerts   map[string][]string // the values of a key, in their order
}

// observe decodes a record; ok is false when it is no event.
func observe(decoder *event.Decoder, offset int64, r record) (o windows.Observation, ok bool) {
	var e event.Event
	if err := decoder.Decode(event.Predictions, bytes.Clone(r.value), &e); err != nil {
		return o, false
	}
	o = windows.Observation{
		Offset: offset, RecordTime: windows.TimestampOf(r.time), Time: windows.TimestampOf(r.time),
		Model: bytes.Clone(e.Model), Version: bytes.Clone(e.Version), HasFeatures: e.HasFeatures,
		IsPrediction: true, Prediction: own(e.Prediction), Status: bytes.Clone(e.Status), HasLatency: e.HasLatency, Latency: e.LatencyMillis,
	}
	if e.HasTime {
		o.Time = windows.Timestamp(e.Time)
	}
	for _, f := range e.Features {
		o.Features = append(o.Features, windows.Field{Name: bytes.Clone(f.Name), Value: own(f.Value)})
	}
	return o, true
}

func own(v windows.Value) windows.Value {
	v.Text = bytes.Clone(v.Text)
	return v
}

// A past is what a version's earlier windows left.
type past struct {
	progress  *alerts.Progress
	draft     *reference.Draft
	made      map[string]*reference.Reference
	summaries map[string]*reference.Reference
}

// work is the answer to a story by the reference program, from the records as
// they stand in the partitions.
func (s *story) work(logs []windowstest.Log) (answer, error) {
	a := answer{verdicts: make(map[string]string), alerts: make(map[string][]string)}
	configured := make(map[string]*reference.Reference)
	for name, m := range s.models {
		var err error
		if configured[name], err = m.configured(); err != nil {
			return a, err
		}
	}
	pasts := make(map[alerts.Version]*past)
	inputs := make([]alerts.Input, len(logs))
	for i, log := range logs {
		inputs[i] = alerts.Input{Topic: log.Topic, ID: log.ID}
	}
	program := windowstest.Program{
		Settings: func(name string) *windows.Settings { return &s.models[name].Settings.Settings },
		MaxAhead: maxAhead, Limits: limits,
		Grid: func(model, version string, start windows.Timestamp) *windows.Grid {
			if p := pasts[alerts.Version{Model: model, Version: version}]; p != nil {
				from := func(s *alerts.Serving) windows.Timestamp { return s.GridFrom }
				if serving := alerts.InForce(p.progress.References, from, start); serving != nil {
					return p.made[serving.ID].Grid()
				}
			}
			if r := configured[model]; r != nil {
				return r.Grid()
			}
			return nil
		},
	}
	// The program forgets after one time for all models.
	var failed error
	for _, name := range slices.Sorted(maps.Keys(s.models)) {
		m := s.models[name]
		program.ForgetAfter = m.ForgetAfter
		var all []windowstest.Closed
		program.Run(logs, func(c windowstest.Closed) {
			if c.Model != name {
				return
			}
			if m.Against != "" { // once all windows are known
				all = append(all, c)
			} else if err := s.close(&a, pasts, configured[name], inputs, c, nil); err != nil {
				failed = err
			}
		})
		for _, c := range all {
			if err := s.close(&a, pasts, configured[name], inputs, c, all); err != nil {
				failed = err
			}
		}
	}
	return a, failed
}

// close judges a window, and adds what is published of it to the answer.
func (s *story) close(a *answer, pasts map[alerts.Version]*past, configured *reference.Reference, inputs []alerts.Input, c windowstest.Closed, all []windowstest.Closed) error {
	v, settings := alerts.Version{Model: c.Model, Version: c.Version}, &s.models[c.Model].Settings
	p := pasts[v]
	if p == nil {
		p = &past{progress: alerts.NewProgress(v), made: make(map[string]*reference.Reference), summaries: make(map[string]*reference.Reference)}
		pasts[v] = p
	}
	step := alerts.Step{Progress: p.progress, Due: c.Window, Parts: c.Parts, Inputs: inputs, Draft: p.draft, Summaries: p.summaries, Reference: configured}
	if pinned := settings.Pinned(p.progress, c.Window.Interval.Start); pinned != nil {
		step.Reference = p.made[pinned.ID]
	}
	for _, other := range all {
		if other.Version == settings.Against && other.Version != c.Version {
			for _, part := range other.Parts {
				// A window of the other version may have grown otherwise, or lie elsewhere.
				if i := part.Pane.Key.Index; c.Window.FirstPane <= i && i < c.Window.EndPane && !slices.ContainsFunc(step.Against, func(p windows.Part) bool { return p.Partition == part.Partition && p.Pane.Key == part.Pane.Key }) {
					step.Against = append(step.Against, part)
				}
			}
		}
	}
	out := alerts.Close(settings, step)
	p.progress, p.draft = out.Progress, out.Draft
	if out.Reference != nil {
		p.made[out.Reference.ID] = out.Reference
	}
	if out.Summary != nil {
		p.summaries[out.Summary.ID] = out.Summary
	}
	value, err := out.Verdict.Encode(kafka.VerdictMaxBytes)
	if err != nil {
		return err
	}
	key := string(kafka.VerdictKey(v, out.Verdict.Window.Start))
	if _, twice := a.verdicts[key]; twice {
		return fmt.Errorf("the program closes window %s twice", key)
	}
	a.verdicts[key] = string(value)
	for _, alert := range out.Alerts {
		value, err := alert.Encode()
		if err != nil {
			return err
		}
		a.alerts[alert.ID] = append(a.alerts[alert.ID], string(value))
	}
	return a.retrain(p, out.Retraining)
}

// retrain adds what is decided about retraining, and the answer to it, which comes at
// once: there is nobody of the name that a story asks.
func (a *answer) retrain(p *past, decided []*alerts.RetrainingRecord) error {
	for _, record := range decided {
		value, err := record.Encode()
		if err != nil {
			return err
		}
		a.alerts[record.ID] = append(a.alerts[record.ID], string(value))
		if record.Status != alerts.Triggered {
			continue
		}
		progress, answered := p.progress.Answered(alerts.Answer{
			ID: record.ID, Target: absent, Delivery: alerts.Delivery{Error: "the configuration has no target of this name any more"},
		})
		p.progress = progress
		if value, err = answered.Encode(); err != nil {
			return err
		}
		a.alerts[record.ID] = append(a.alerts[record.ID], string(value))
	}
	return nil
}
