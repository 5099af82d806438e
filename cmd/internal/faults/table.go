//go:build unix

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A row is what became of one fault.
type row struct {
	fault                    string
	repeats                  int
	lost, duplicated, wrong  int
	verdicts, alerts, events int // that were expected, and fed
	recoveries               []time.Duration
	notes                    []string // what the row counted beside
	problems                 []string // each fails the row
	details                  []string // what exactly was lost, duplicated or wrong; the first few
}

func (r *row) failed() bool { return r.lost+r.duplicated+r.wrong+len(r.problems) > 0 }

// add adds what became of the same fault on another stack.
func (r *row) add(o *row) {
	r.repeats += o.repeats
	r.lost, r.duplicated, r.wrong = r.lost+o.lost, r.duplicated+o.duplicated, r.wrong+o.wrong
	r.verdicts, r.alerts, r.events = r.verdicts+o.verdicts, r.alerts+o.alerts, r.events+o.events
	r.recoveries = append(r.recoveries, o.recoveries...)
	r.notes, r.problems, r.details = append(r.notes, o.notes...), append(r.problems, o.problems...), append(r.details, o.details...)
}

// recovery is the median and the maximum; zero when nothing was measured.
func (r *row) recovery() (median, longest time.Duration) {
	if len(r.recoveries) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(r.recoveries))
	return sorted[len(sorted)/2], sorted[len(sorted)-1]
}

// line is a row of the Markdown table.
func (r *row) line() string {
	recovery := "–"
	if len(r.recoveries) > 0 {
		median, longest := r.recovery()
		recovery = fmt.Sprintf("%.1f s, %.1f s", median.Seconds(), longest.Seconds())
	}
	notes := fmt.Sprintf("%d verdicts, %d alerts of %d events", r.verdicts, r.alerts, r.events)
	for _, p := range r.problems {
		notes += "; **" + p + "**"
	}
	for _, n := range r.notes {
		notes += "; " + n
	}
	notes = strings.ReplaceAll(strings.ReplaceAll(notes, "|", "/"), "\n", " ")
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %s | %s |", r.fault, r.repeats, r.lost, r.duplicated, r.wrong, recovery, notes)
}

func printTable(w io.Writer, rows []row) {
	_, _ = fmt.Fprintln(w, "\n| fault | repeats | lost | duplicated | wrong | recovery (median, max) | what was seen |")
	_, _ = fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, r := range rows {
		_, _ = fmt.Fprintln(w, r.line())
	}
}
