package evidence

import (
	"fmt"
	"math"
	"strings"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// alertStrip draws how far alerts had come after each window: full for firing,
// half for pending, a line for silenced. nil where there is nothing to draw.
func alertStrip(columns []bundle, selected *window, link func(*window) string) *strip {
	s := newStrip(len(columns), stripHeight)
	var counts [firing + 1]int
	for i, b := range columns {
		worst := b[0]
		for _, w := range b {
			counts[w.alert]++
			if w.alert >= worst.alert {
				worst = w
			}
		}
		var height float64
		var class, words string
		switch worst.alert {
		case firing:
			height, class, words = stripHeight, "fires", "an alert fires"
		case pending:
			height, class, words = stripHeight/2, "pends", "an alert is pending"
		case silenced:
			height, class, words = 2, "untested", "silenced"
		default:
			continue
		}
		col := s.put(i, height, class, span(worst.start, worst.end)+": "+words)
		col.Selected, col.Link = b.has(selected), link(worst)
	}
	if len(s.Columns) == 0 {
		return nil
	}
	s.Alt = fmt.Sprintf("An alert fires after %s, is pending after %d and silenced after %d.",
		plural(counts[firing], "window", "windows"), counts[pending], counts[silenced])
	return &s
}

// A stageRow is where the alert of a kind stood after a window.
type stageRow struct {
	Kind, Class, State, Counts string
	Since, SinceMachine        string // "" where it counts nothing
}

func stageRows(v *drift.Verdict) []stageRow {
	var rows []stageRow
	for _, a := range v.Alerts {
		row := stageRow{
			Kind: visible(strings.ReplaceAll(a.Kind, "_", " ")), Class: "waiting", State: visible(a.State),
			Counts: fmt.Sprintf("%d of the last %d count; it fires at %d", a.Windows, a.Of, a.For),
		}
		if a.Severity != "" {
			row.Kind = visible(a.Severity) + " " + row.Kind
		}
		switch stageOf(a.State, a.Silenced) {
		case firing:
			row.Class, row.Counts = "firing", fmt.Sprintf("%d of the last %d count", a.Windows, a.Of)
		case pending:
			row.Class = "drifting"
		}
		if a.Silenced != "" {
			row.State += ", silenced: " + visible(a.Silenced)
		}
		if a.Since != nil {
			row.Since, row.SinceMachine = clock(*a.Since)+" UTC", machine(*a.Since)
		}
		rows = append(rows, row)
	}
	return rows
}

// usualTraffic says how many events are usual, and of what.
func usualTraffic(t *drift.Traffic) string {
	if t == nil {
		return ""
	}
	of := visible(t.Basis)
	switch t.Basis {
	case "slot":
		of = "at this time in earlier periods"
	case "hour":
		of = "at this hour of the day"
	case "all":
		of = "in all windows so far"
	}
	out := fmt.Sprintf("%s, usually %s %s", plural(int(min(t.Events, math.MaxInt)), "event", "events"), decimal(float64(t.Usual), 4), of)
	if t.Far {
		out += ": far from it"
	}
	return out
}

// An objectiveRow is an objective of the service and what a window shows of it.
type objectiveRow struct{ Name, Objective, Value, Bad, Adjusted, Result, Class string }

func objectiveRows(p *drift.Performance) []objectiveRow {
	if p == nil {
		return nil
	}
	var rows []objectiveRow
	for _, o := range p.Objectives {
		row := objectiveRow{
			Name: visible(strings.ReplaceAll(o.Name, "_", " ")), Objective: percent(float64(o.Objective), 1), Value: percent(float64(o.Value), 1),
			Bad: count(o.Bad) + " of " + count(o.Of), Adjusted: probability(o.Adjusted, nil), Result: "kept", Class: "quiet",
		}
		if strings.HasPrefix(o.Name, "latency") {
			row.Objective, row.Value = decimal(float64(o.Objective), 4)+" ms", decimal(float64(o.Value), 4)+" ms"
		}
		if o.Missed {
			row.Result, row.Class = "missed", "drifted"
		}
		rows = append(rows, row)
	}
	return rows
}
