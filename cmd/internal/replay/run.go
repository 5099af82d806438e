package replay

import (
	"errors"
	"fmt"
	"io"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
)

// A Setting is one candidate: a label and the rules to run by.
type Setting struct {
	Label string
	Rules Rules
	// Verdicts gets every verdict as one line of JSON, the very bytes that the
	// service would publish; nil: nobody does.
	Verdicts io.Writer
}

// verdictMaxBytes is the size that the service keeps verdicts below.
const verdictMaxBytes = 960 << 10

// A run feeds the same records to the engines of all candidates, those without a
// budget of candidates that have one among them.
type run struct {
	runners []*runner
	source  Source
}

// A runner is one candidate.
type runner struct {
	engine    *Engine
	collected *collector
	twin      *runner // without the budget; nil when there is none
}

// newRun makes the engines.
func newRun(settings []Setting, partitions []alerts.Input) *run {
	r := &run{source: Source{Partitions: len(partitions)}}
	for _, s := range settings {
		c := newRunner(s, partitions)
		r.runners = append(r.runners, c)
		if s.Rules.Budgeted {
			twin := s
			twin.Label, twin.Verdicts = s.Label+" without its budget", nil
			twin.Rules.Model = withoutBudget(s.Rules.Model)
			c.twin = newRunner(twin, partitions)
			c.twin.collected.candidate.WithoutBudgetOf = s.Label
			r.runners = append(r.runners, c.twin)
		}
	}
	return r
}

func newRunner(s Setting, partitions []alerts.Input) *runner {
	c := &runner{collected: newCollector(s.Label, s.Rules.Model)}
	c.engine = NewEngine(s.Rules, partitions, func(closed *Closed) error {
		if s.Verdicts != nil {
			line, err := closed.Outcome.Verdict.Encode(verdictMaxBytes)
			if err != nil {
				return err
			}
			if _, err := s.Verdicts.Write(append(line, '\n')); err != nil {
				return fmt.Errorf("writing the verdicts of %s: %w", s.Label, err)
			}
		}
		c.collected.take(closed)
		return nil
	})
	return c
}

// withoutBudget are the same settings, each model's made once.
func withoutBudget(model func(string) *alerts.Settings) func(string) *alerts.Settings {
	known := make(map[*alerts.Settings]*alerts.Settings)
	return func(name string) *alerts.Settings {
		with := model(name)
		if known[with] == nil {
			without := *with
			without.Budget = alerts.Budget{}
			known[with] = &without
		}
		return known[with]
	}
}

// errHeld says that a record waits for those of other partitions.
var errHeld = errors.New("held")

// offer gives a record to those candidates that have not taken it: taken says who
// has, and is kept up to date. It is errHeld when one must wait.
func (r *run) offer(partition int, o *windows.Observation, taken []bool) error {
	held := false
	for i, c := range r.runners {
		if taken[i] {
			continue
		}
		result, err := c.engine.Offer(partition, o)
		if err != nil {
			return err
		}
		events := &c.collected.candidate.Events
		switch result {
		case windows.Held:
			held = true
			continue
		case windows.Accepted:
			events.Accepted++
		case windows.Late:
			events.Late++
		case windows.TooFarAhead:
			events.TooFarAhead++
		case windows.OverLimit:
			events.OverLimit++
		}
		taken[i] = true
	}
	if held {
		return errHeld
	}
	clear(taken)
	return nil
}

func (r *run) end(partition int) error {
	for _, c := range r.runners {
		if err := c.engine.End(partition); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) report() *Report {
	report := &Report{Schema: Schema, Source: r.source, Candidates: []*Candidate{}}
	for _, c := range r.runners {
		var without *collector
		if c.twin != nil {
			without = c.twin.collected
		}
		report.Candidates = append(report.Candidates, c.collected.finish(without))
	}
	return report
}
