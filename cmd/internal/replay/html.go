package replay

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
)

//go:embed page.html page.css
var page embed.FS

// WriteHTML writes the report as one page that needs nothing else: no script, no
// file, no network.
func (r *Report) WriteHTML(w io.Writer) error {
	style, err := evidence.StyleSheet()
	if err != nil {
		return err
	}
	own, err := page.ReadFile("page.css")
	if err != nil {
		return err
	}
	t, err := template.New("page.html").Funcs(template.FuncMap{
		"plural": plural, "visible": visible, "moment": moment, "effect": effect, "culprits": culprits, "days": days, "firing": firing,
	}).ParseFS(page, "page.html")
	if err != nil {
		return err
	}
	if err := t.Execute(w, r.view(template.CSS(style+string(own)))); err != nil { //nolint:gosec // both are files of ours
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// A view is what the page shows.
type view struct {
	Style      template.CSS
	Source     string
	Refused    []refusal
	Candidates []candidateView
	Weeks      []weekView
}

type refusal struct {
	Reason string
	Count  uint64
}

type candidateView struct {
	*Candidate
	Anchor   string
	Versions []versionView
}

type versionView struct {
	*Version
	Name     string
	Strips   []featureStrip
	Firing   strip
	PerDraw  int // windows in a column
	LeftOut  int // features that are not drawn
	From, To string
	Costs    []cost
}

// A cost is what the budget does to one feature.
type cost struct {
	Name          string
	HeldBack      int
	With, Without string
}

type weekView struct {
	weekRow
	Bars []bar
}

// A bar is a week of a candidate: shares of the widest in the table.
type bar struct {
	Drifted, Counted float64
}

const barWidth = 90

func (r *Report) view(style template.CSS) view {
	v := view{Style: style, Source: r.Source.words()}
	for _, reason := range sortedKeys(r.Source.Rejected) {
		v.Refused = append(v.Refused, refusal{reason, r.Source.Rejected[reason]})
	}
	for i, c := range r.Candidates {
		shown := candidateView{Candidate: c, Anchor: fmt.Sprintf("candidate-%d", i+1)}
		for _, version := range c.Versions {
			shown.Versions = append(shown.Versions, versionOf(version))
		}
		v.Candidates = append(v.Candidates, shown)
	}
	most := 1
	rows := weekRows(r.Candidates)
	for _, row := range rows {
		for _, cell := range row.Cells {
			most = max(most, cell.Windows)
		}
	}
	for _, row := range rows {
		shown := weekView{weekRow: row}
		for _, cell := range row.Cells {
			shown.Bars = append(shown.Bars, bar{
				Drifted: barWidth * float64(cell.Drifted) / float64(most), Counted: barWidth * float64(cell.Counted) / float64(most),
			})
		}
		v.Weeks = append(v.Weeks, shown)
	}
	return v
}

func versionOf(version *Version) versionView {
	v := versionView{
		Version: version, Name: version.name(),
		From: moment(version.Windows[0].Start), To: moment(version.Windows[len(version.Windows)-1].End),
	}
	v.PerDraw = (len(version.Windows) + mostColumns - 1) / mostColumns
	v.Firing = firingStrip(version, v.PerDraw)
	v.Strips, v.LeftOut = featureStrips(version, v.PerDraw)
	if b := version.Budget; b != nil {
		for _, name := range sortedKeys(b.Detectable) {
			d := b.Detectable[name]
			v.Costs = append(v.Costs, cost{Name: name, HeldBack: b.HeldBack[name], With: effect(d.With), Without: effect(d.Without)})
		}
	}
	return v
}

// Lasted and Ending are a page's, for the template.
func (p *Page) Lasted() string { return p.lasted() }

// Ending is when a page was resolved, in words.
func (p *Page) Ending() string { return p.ending() }

// PerMonth is the number of pages in 30 days, in words.
func (t *Totals) PerMonth() string { return t.perMonth() }

// KindWords names what a page is about.
func (p *Page) KindWords() string { return strings.ReplaceAll(string(p.Kind), "_", " ") }
