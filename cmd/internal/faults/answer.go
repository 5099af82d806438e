//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

// An answer is what must have been published, by the records' identities: a
// verdict's key, an alert's transition, a dead letter's key and value, since a topic
// that is created anew has its offsets again.
type answer struct {
	verdicts, alerts, letters map[string][]byte
	events                    int
	// flagged are the verdicts that say that they may lack events, and lacking those
	// of them that do.
	flagged, lacking int
	// unflagged are windows that lack events and do not say so.
	unflagged []string
}

// A history is all that the answer follows from.
type history struct {
	records   map[place][]*kgo.Record      // all that were acknowledged
	ended     map[place]bool               // nothing waits for these
	starts    map[place]int64              // up to where records were deleted
	decisions map[string]windows.Decisions // of partitions that have begun; nil: all have, and nothing was decided
	// idle: in the end every partition was idle, and so everything has closed.
	idle bool
}

// An answering computes an answer with the single-threaded reference program.
type answering struct {
	options service.Options
	config  *configs.Config
	history history

	gaps []gap
	lost []loss // what the gaps held

	configured *reference.Reference
	grid       *windows.Grid
	pattern    string // of the models that the configuration names a reference for
	inputs     []alerts.Input
	versions   map[alerts.Version]*answered
	beside     []windowstest.Closed
	answer     answer
}

// answered is how far a version has come.
type answered struct {
	progress  *alerts.Progress
	draft     *reference.Draft
	own       map[string]*reference.Reference
	grids     map[string]*windows.Grid
	summaries map[string]*reference.Reference
}

// compute finds the answer to a history.
func compute(ctx context.Context, configFile string, h history) (*answer, error) {
	config, err := configs.Load(configFile, os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	options, err := service.Configured(config, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("taking the configuration: %w", err)
	}
	if err := options.Redis.Close(); err != nil { // nothing asks it
		return nil, err
	}
	a := &answering{
		options: options, config: config, history: h, versions: make(map[alerts.Version]*answered),
		answer: answer{verdicts: make(map[string][]byte), alerts: make(map[string][]byte), letters: make(map[string][]byte)},
	}
	for _, c := range options.Configured { // one, by the configuration that the harness writes
		if a.configured, err = c.Load(ctx); err != nil {
			return nil, fmt.Errorf("reading the reference file: %w", err)
		}
		a.pattern, a.grid = c.Pattern, a.configured.Grid()
	}
	logs, through, err := a.decode()
	if err != nil {
		return nil, err
	}
	program := windowstest.Program{
		Settings: func(model string) *windows.Settings { return &a.settings(model).Settings },
		MaxAhead: options.MaxAhead, ForgetAfter: config.Limits.ForgetAfter, Limits: options.Limits, Grid: a.gridAt,
	}
	var failed error
	program.Run(logs, func(c windowstest.Closed) {
		// The program closes as if all partitions were idle in the end; where they are
		// not, each stands at its last event.
		s := a.settings(c.Model)
		if c.Window.Interval.End.Add(s.Definition.Lateness) > through || failed != nil {
			return
		}
		if s.Against != "" { // once all windows are known
			a.beside = append(a.beside, c)
			return
		}
		failed = a.close(c)
	})
	for _, c := range a.beside {
		if failed == nil {
			failed = a.close(c)
		}
	}
	if failed != nil {
		return nil, failed
	}
	return &a.answer, nil
}

func (a *answering) settings(model string) *alerts.Settings {
	s := a.options.Models(model).Settings
	return &s
}

// decode reads the records of all partitions as events, and finds the lowest
// watermark. Rejected records are expected in the dead letters.
func (a *answering) decode() (logs []windowstest.Log, through windows.Timestamp, err error) {
	decoder := event.NewDecoder(a.options.Event)
	through = windows.Forever
	for _, p := range slices.SortedFunc(maps.Keys(a.history.records), place.compare) {
		id := windows.PartitionID{Topic: p.topic, Partition: p.partition}
		decided, begun := a.history.decisions[id.String()]
		begun = begun || a.history.decisions == nil
		log := windowstest.Log{ID: id, Topic: p.name}
		role := event.Predictions
		if p.name == features {
			role = event.Features
		}
		// What the watermarks are, and what they had been if nothing was lost.
		watermark, undisturbed := windows.Unset, windows.Unset
		for _, r := range a.history.records[p] {
			a.answer.events++
			var e event.Event
			err := decoder.Decode(role, r.Value, &e)
			o := observation(&e, r, role)
			accepted := err == nil && o.Time <= o.RecordTime.Add(a.options.MaxAhead)
			switch {
			case inGap(decided.Gaps, r.Offset):
				if accepted {
					a.lose(o, undisturbed)
					undisturbed = max(undisturbed, min(o.Time, o.RecordTime))
				}
			case accepted && !begun:
				// It came when the last window had closed: whether its events are late is not
				// decided, and they are in none.
			case accepted:
				// A late event's time is below the watermark, so it moves nothing here either.
				watermark = max(watermark, min(o.Time, o.RecordTime))
				undisturbed = max(undisturbed, watermark)
				log.Records = append(log.Records, o)
			default:
				a.answer.letters[letterOf(fmt.Sprintf("%s/%d/%d", p.name, p.partition, r.Offset), r.Value)] = r.Value
			}
		}
		if err := a.takeGaps(p, &log, decided); err != nil {
			return nil, 0, err
		}
		if begun && !a.history.ended[p] && !a.history.idle {
			through = min(through, watermark)
		}
		logs = append(logs, log)
		a.inputs = append(a.inputs, alerts.Input{Topic: log.Topic, ID: log.ID})
	}
	return logs, through, nil
}

func observation(e *event.Event, r *kgo.Record, role event.Role) windows.Observation {
	own := func(v windows.Value) windows.Value {
		v.Text = bytes.Clone(v.Text)
		return v
	}
	o := windows.Observation{
		Offset: r.Offset, RecordTime: windows.TimestampOf(r.Timestamp), Time: windows.TimestampOf(r.Timestamp),
		Model: bytes.Clone(e.Model), Version: bytes.Clone(e.Version), HasFeatures: e.HasFeatures,
		IsPrediction: role == event.Predictions, Prediction: own(e.Prediction), Status: bytes.Clone(e.Status),
		HasLatency: e.HasLatency, Latency: e.LatencyMillis,
	}
	if e.HasTime {
		o.Time = windows.Timestamp(e.Time)
	}
	for _, f := range e.Features {
		o.Features = append(o.Features, windows.Field{Name: bytes.Clone(f.Name), Value: own(f.Value)})
	}
	return o
}

// gridAt is the grid in force for a pane: the version's own, or the configuration's.
func (a *answering) gridAt(model, version string, start windows.Timestamp) *windows.Grid {
	if v := a.versions[alerts.Version{Model: model, Version: version}]; v != nil {
		from := func(s *alerts.Serving) windows.Timestamp { return s.GridFrom }
		if own := alerts.InForce(v.progress.References, from, start); own != nil {
			return v.grids[own.ID]
		}
	}
	if a.configures(model) {
		return a.grid
	}
	return nil
}

func (a *answering) configures(model string) bool {
	return a.pattern != "" && a.options.Models(model).Pattern == a.pattern
}

// close judges one closed window, as the service does, and adds what it publishes.
func (a *answering) close(c windowstest.Closed) error {
	key := alerts.Version{Model: c.Model, Version: c.Version}
	v := a.versions[key]
	if v == nil {
		v = &answered{
			progress: alerts.NewProgress(key), own: make(map[string]*reference.Reference),
			grids: make(map[string]*windows.Grid), summaries: make(map[string]*reference.Reference),
		}
		a.versions[key] = v
	}
	s := a.settings(c.Model)
	step := alerts.Step{Progress: v.progress, Due: c.Window, Parts: c.Parts, Inputs: a.inputs, Draft: v.draft, Summaries: v.summaries, Gaps: a.gapsOf(c.Window.Interval, s.Definition.Lateness)}
	if own := s.Pinned(v.progress, c.Window.Interval.Start); own != nil {
		step.Reference = v.own[own.ID]
	} else if a.configures(c.Model) {
		step.Reference = a.configured
	}
	if s.Against != "" && s.Against != c.Version {
		for _, other := range a.beside {
			if other.Model == c.Model && other.Version == s.Against && other.Window.Interval == c.Window.Interval {
				step.Against = other.Parts
			}
		}
	}
	out := alerts.Close(s, step)
	v.progress, v.draft = out.Progress, out.Draft
	if out.Reference != nil {
		v.own[out.Reference.ID], v.grids[out.Reference.ID] = out.Reference, out.Reference.Grid()
	}
	if out.Summary != nil {
		v.summaries[out.Summary.ID] = out.Summary
	}
	return a.expect(key, c.Window.Interval, &out)
}

func (a *answering) expect(key alerts.Version, w windows.Interval, out *alerts.Outcome) error {
	if out.Verdict.Incomplete {
		a.answer.flagged++
	}
	if a.lacks(key, w, out.Verdict.Incomplete) {
		a.answer.lacking++
	}
	value, err := out.Verdict.Encode(kafka.VerdictMaxBytes)
	if err != nil {
		return fmt.Errorf("writing an expected verdict: %w", err)
	}
	a.answer.verdicts[string(kafka.VerdictKey(key, out.Verdict.Window.Start))] = value
	for _, alert := range out.Alerts {
		value, err := alert.Encode()
		if err != nil {
			return fmt.Errorf("writing an expected alert: %w", err)
		}
		transition, err := transitionOf(value)
		if err != nil {
			return err
		}
		if a.answer.alerts[transition] != nil {
			return errors.New("the reference program itself says twice " + transition)
		}
		a.answer.alerts[transition] = value
	}
	return nil
}

// letterOf identifies a dead letter.
func letterOf(key string, value []byte) string {
	if value == nil {
		return key + " (a tombstone)"
	}
	return fmt.Sprintf("%s %q", key, value)
}

// transitionOf identifies an alert's record.
func transitionOf(value []byte) (string, error) {
	var t struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Window struct {
			End time.Time `json:"end"`
		} `json:"window"`
	}
	if err := json.Unmarshal(value, &t); err != nil {
		return "", fmt.Errorf("reading an alert: %w", err)
	}
	return fmt.Sprintf("%s %s in the window until %s", t.ID, t.Status, t.Window.End.Format(time.RFC3339)), nil
}
