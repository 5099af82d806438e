package replay

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	t := &textWriter{table: tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)}
	t.line("%s\n", r.Source.words())
	for _, c := range r.Candidates {
		t.candidate(c)
	}
	t.weeks(r.Candidates)
	if t.failed != nil {
		return t.failed
	}
	return t.table.Flush()
}

type textWriter struct {
	table  *tabwriter.Writer
	failed error
}

func (t *textWriter) line(format string, args ...any) {
	if _, err := fmt.Fprintf(t.table, format, args...); t.failed == nil {
		t.failed = err
	}
}

// words say what was read.
func (s *Source) words() string {
	out := fmt.Sprintf("%d records of %s", s.Records, visible(s.Events))
	if s.Events == "" {
		out = fmt.Sprintf("%d records of %s, from %s", s.Records, visible(strings.Join(s.Topics, ", ")), moment(*s.From))
		if s.To != nil {
			out += " to " + moment(*s.To)
		} else {
			out += " to the end"
		}
	}
	var refused uint64
	for _, n := range s.Rejected {
		refused += n
	}
	if refused > 0 {
		out += fmt.Sprintf("; %d refused", refused)
	}
	return out
}

func (t *textWriter) candidate(c *Candidate) {
	t.line("\nCandidate %s\n", visible(c.Label))
	if e := c.Events; e.Late+e.TooFarAhead+e.OverLimit > 0 {
		t.line("%d events late, %d too far ahead of their records, %d over the limits\n", e.Late, e.TooFarAhead, e.OverLimit)
	}
	if len(c.Versions) == 0 {
		t.line("No window closed.\n")
	}
	for _, v := range c.Versions {
		t.line("%s: %s\n", v.name(), v.Totals.words())
		if len(v.Pages) > 0 {
			t.line("  PAGE\tFIRED\tRESOLVED\tLASTED\tBECAUSE OF\n")
		}
		for _, p := range v.Pages {
			t.line("  %s\t%s\t%s\t%s\t%s\n", p.Kind, moment(p.Fired), p.ending(), p.lasted(), culprits(p.Culprits))
		}
		t.retraining(v)
		t.budget(v)
	}
}

func (t *textWriter) budget(v *Version) {
	b := v.Budget
	if b == nil {
		return
	}
	t.line("  The budget: %s with it, %s without; in %s a drift did not count because of it\n",
		firing(v.Totals.Pages, v.Totals.FiringDays), firing(b.PagesWithout, b.FiringDaysWithout), plural(b.HeldBackWindows, "window"))
	if len(b.Detectable) > 0 {
		t.line("  FEATURE\tHELD BACK\tSMALLEST EFFECT THAT COUNTS\tWITHOUT THE BUDGET\n")
	}
	for _, name := range slices.Sorted(maps.Keys(b.Detectable)) {
		d := b.Detectable[name]
		t.line("  %s\t%d\t%s\t%s\n", visible(name), b.HeldBack[name], effect(d.With), effect(d.Without))
	}
}

// weeks puts the candidates side by side.
func (t *textWriter) weeks(candidates []*Candidate) {
	rows := weekRows(candidates)
	if len(rows) == 0 {
		return
	}
	t.line("\nWEEK\t")
	for _, c := range candidates {
		t.line("%s\t", visible(c.Label))
	}
	t.line("\n")
	for _, row := range rows {
		t.line("%s\t", row.Week)
		for _, cell := range row.Cells {
			t.line("%s\t", cell.words())
		}
		t.line("\n")
	}
	t.line("in all\t")
	for _, c := range candidates {
		t.line("%s\t", (&Week{Pages: c.Totals.Pages, Windows: c.Totals.Windows, Drifted: c.Totals.Drifted, Counted: c.Totals.Counted}).words())
	}
	t.line("\nin 30 days\t")
	for _, c := range candidates {
		if c.Totals.PagesPer30Days == nil {
			t.line("–\t")
			continue
		}
		t.line("%s pages\t", c.Totals.perMonth())
	}
	t.line("\n")
}

// A weekRow is one week of all candidates.
type weekRow struct {
	Week  string
	Cells []Week
}

func weekRows(candidates []*Candidate) []weekRow {
	byWeek := make(map[string]*weekRow)
	for i, c := range candidates {
		for _, w := range c.Weeks {
			row := byWeek[w.Week]
			if row == nil {
				row = &weekRow{Week: w.Week, Cells: make([]Week, len(candidates))}
				byWeek[w.Week] = row
			}
			row.Cells[i] = w
		}
	}
	rows := make([]weekRow, 0, len(byWeek))
	for _, name := range slices.Sorted(maps.Keys(byWeek)) {
		rows = append(rows, *byWeek[name])
	}
	return rows
}

// words are the pages and the windows of a week.
func (w *Week) words() string {
	if w.Windows == 0 && w.Pages == 0 {
		return "–"
	}
	return fmt.Sprintf("%s; %d of %d drifted, %d count", plural(w.Pages, "page"), w.Drifted, w.Windows, w.Counted)
}

func (v *Version) name() string {
	if v.Version == "" {
		return visible(v.Model)
	}
	return visible(v.Model) + " v" + visible(v.Version)
}

func (t *Totals) words() string {
	out := fmt.Sprintf("%s, %d tested, %d drifted, %d of which count towards a page; %s",
		plural(t.Windows, "window"), t.Tested, t.Drifted, t.Counted, plural(t.Pages, "page"))
	if t.FiringDays > 0 {
		out += ", firing for " + days(t.FiringDays)
	}
	return out
}

func (t *Totals) perMonth() string {
	if t.PagesPer30Days == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", float64(*t.PagesPer30Days))
}

// firing writes how many pages there are and how long they fire.
func firing(pages int, fired float64) string {
	if pages == 0 {
		return "no page"
	}
	return fmt.Sprintf("%s (firing for %s)", plural(pages, "page"), days(fired))
}

// days writes a length of time.
func days(d float64) string {
	switch {
	case d == 0:
		return "–"
	case d < 1:
		return fmt.Sprintf("%.1f hours", 24*d)
	}
	return fmt.Sprintf("%.1f days", d)
}

func (p *Page) ending() string {
	if p.Resolved == nil {
		return "still fires"
	}
	return moment(*p.Resolved)
}

// lasted is how long the page took, in the two largest units.
func (p *Page) lasted() string {
	if p.Resolved == nil {
		return ""
	}
	d := p.Resolved.Sub(p.Fired)
	days, hours := int(d.Hours())/24, int(d.Hours())%24
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case days > 0:
		return fmt.Sprintf("%d d", days)
	}
	return d.Round(time.Second).String()
}

// mostCulprits is how many are named in a line.
const mostCulprits = 4

func culprits(list []alerts.Culprit) string {
	var parts []string
	for _, c := range list[:min(len(list), mostCulprits)] {
		parts = append(parts, fmt.Sprintf("%s %s %s", visible(c.Name), effectName(c.Test), effect(*cmp.Or(c.Effect, new(drift.Number)))))
	}
	if more := len(list) - mostCulprits; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// effectName is the letter or name of a test's effect.
func effectName(test string) string {
	switch test {
	case "ks":
		return "D"
	case "chi2":
		return "V"
	}
	return visible(test)
}

func effect(n drift.Number) string {
	if x := float64(n); math.IsInf(x, 0) || math.IsNaN(x) {
		return "none"
	}
	return fmt.Sprintf("%.3f", float64(n))
}

func moment(t time.Time) string {
	t = t.UTC()
	if t.Truncate(time.Minute).Equal(t) {
		return t.Format("2006-01-02 15:04")
	}
	return t.Format(time.RFC3339Nano)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// visible keeps from a terminal and a reader what does not print.
func visible(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
}
