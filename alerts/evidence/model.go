package evidence

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// modelPage is one model version: its windows over time, one of them in full,
// and its alerts.
type modelPage struct {
	Title     string
	ID        alerts.Version
	Link      string
	State     state
	Condition *conditionWords
	Firing    []alertRow
	History   []alertRow // newest first
	Windows   windowList
	Period    period
	// Timeline is the number of drifted features in each window.
	Timeline    strip
	Alerts      *strip // in which windows alerts fired, or were about to; nil: in none
	Strips      []stripRow
	HiddenStrip int // features without a strip
	Levels      []levelRow
	Window      *windowPage // nil where no window has closed yet
	Reading     string      // how far older verdicts have been read; "" where all are
}

// A stripRow is a feature over all windows.
type stripRow struct {
	Name, Link string
	Strip      strip
	Times      int
}

// A levelRow is a number of the service over all windows.
type levelRow struct {
	Name  string
	Strip strip
	Most  string // what the full height stands for
	Last  string // in the selected window
}

// windowPage is one window in full.
type windowPage struct {
	Span, Machine  string
	Newest         bool
	Previous, Next string // links; "" at the ends
	Unreadable     string // why there is no more than the digest; "" where there is
	Words          string
	Events, Late   string
	OverLimit      string // "" where none
	Incomplete     bool
	Error          string
	Shed           []string
	Reference      string // in words
	ReferenceID    string
	Alerts         []stageRow // where alerts stood after it
	Traffic        string     // what is usual; "" where that is not known
	Objectives     []objectiveRow
	Rows           []featureRow
	HiddenRows     int
	All            string // link that shows every row
	Beside         []besideLine
	Performance    *drift.Performance
	Requests       []requestRow
	ErrorRate      string
	Throughput     string
	Latency        []latencyRow
}

type latencyRow struct{ Label, Value string }

func (s *server) model(w http.ResponseWriter, r *http.Request) {
	v, selected, ok := s.find(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	everything := q.Get("show") == "all"
	page := modelPage{
		Title: v.title(), ID: v.id, Link: alerts.ModelPath(v.id, time.Time{}), State: stateOf(&v), Condition: conditionOf(&v).words(),
	}
	if unread := s.history.unread(); unread != nil {
		page.Reading = unread.words()
	}
	for _, i := range slices.Backward(v.incidents) {
		row := newAlertRow(i, v.id)
		page.History = append(page.History, row)
		if row.Firing {
			page.Firing = append(page.Firing, row)
		}
	}
	if selected != nil {
		link := page.Link
		if q.Has("window") {
			link = alerts.ModelPath(v.id, selected.start)
		}
		p := newPeriod(&v, selected, q.Get("days"), link)
		page.Period = p
		page.Timeline = driftStrip(p.columns, 2*stripHeight, selected, func(w *window) string { return p.model(&v, w) })
		page.Alerts = alertStrip(p.columns, selected, func(w *window) string { return p.model(&v, w) })
		page.Strips, page.HiddenStrip = strips(&v, &p, selected, everything)
		page.Levels = levels(&p, selected)
		page.Windows = newWindowList(&v, &p, selected, q.Get("list"), link)
		verdict, err := s.decoded(r.Context(), &v, selected)
		page.Window = newWindowPage(&v, &p, selected, verdict, everything)
		if err != nil {
			page.Window.Unreadable = s.unreadable(&v, selected, err)
		}
		page.Window.Beside = s.beside(&v, selected, nil, "")
	}
	s.render(w, r, http.StatusOK, "model.html", page)
}

// strips draws the features that drifted most often, then those with the
// largest effect in the selected window.
func strips(v *version, p *period, selected *window, everything bool) (rows []stripRow, hidden int) {
	type feature struct {
		name   string
		times  int
		effect float32
	}
	byName := make(map[string]*feature)
	for _, w := range p.windows {
		for i := range w.cells {
			c := w.cell(i)
			f := byName[c.name]
			if f == nil {
				f = &feature{name: c.name}
				byName[c.name] = f
			}
			if c.mark == drifted {
				f.times++
			}
			if w == selected {
				f.effect = c.effect
			}
		}
	}
	order := make([]*feature, 0, len(byName))
	for _, f := range byName {
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b *feature) int {
		return cmp.Or(cmp.Compare(b.times, a.times), cmp.Compare(b.effect, a.effect), strings.Compare(a.name, b.name))
	})
	if !everything && len(order) > stripsShown {
		hidden, order = len(order)-stripsShown, order[:stripsShown]
	}
	for _, f := range order {
		drawn := heatStrip(p.columns, f.name, selected, nil)
		rows = append(rows, stripRow{Name: f.name, Link: p.feature(v, selected, f.name), Strip: drawn, Times: f.times})
	}
	return rows, hidden
}

// newWindowPage shows a window; verdict is nil where it cannot be read.
func newWindowPage(v *version, p *period, w *window, verdict *drift.Verdict, everything bool) *windowPage {
	page := &windowPage{
		Span: span(w.start, w.end), Machine: machine(w.start), Newest: w == v.last(), Words: w.words(), Events: count(w.events), Incomplete: w.incomplete,
		All: p.model(v, w) + "&show=all",
	}
	if at, ok := v.at(w.start); ok {
		if at > 0 {
			page.Previous = p.model(v, v.windows[at-1])
		}
		if at+1 < len(v.windows) {
			page.Next = p.model(v, v.windows[at+1])
		}
	}
	if verdict == nil {
		return page
	}
	page.Late, page.Error, page.Shed, page.Rows = count(verdict.Late), verdict.Error, verdict.Shed, featureRows(v.id, verdict)
	if verdict.OverLimit > 0 {
		page.OverLimit = count(verdict.OverLimit)
	}
	if ref := verdict.Reference; ref != nil {
		page.Reference, page.ReferenceID = visible(ref.Kind)+", "+count(ref.Rows)+" rows", ref.ID
	}
	if !everything && len(page.Rows) > featuresShown {
		page.HiddenRows = len(page.Rows) - featuresShown
		page.Rows = page.Rows[:featuresShown]
	}
	for i := range page.Rows {
		page.Rows[i].Link += p.suffix
	}
	page.Alerts, page.Traffic, page.Objectives = stageRows(verdict), usualTraffic(verdict.Traffic), objectiveRows(verdict.Performance)
	page.perform(verdict.Performance)
	return page
}

// perform shows how the service did.
func (page *windowPage) perform(p *drift.Performance) {
	if p == nil {
		return
	}
	page.Performance, page.Requests = p, requestRows(p)
	if rate, ok := finite(p.ErrorRate); ok {
		page.ErrorRate = percent(rate, 1)
	}
	page.Throughput = decimal(float64(p.Throughput), 3)
	if l := p.Latency; l != nil {
		for _, q := range []struct {
			label string
			value drift.Number
		}{{"median", l.P50}, {"90 %", l.P90}, {"95 %", l.P95}, {"99 %", l.P99}, {"maximum", l.Max}} {
			page.Latency = append(page.Latency, latencyRow{q.label, decimal(float64(q.value), 4)})
		}
	}
}

// versionWord is a version as people write it: v3, but 2026-02 and main as
// they are.
func versionWord(version string) string {
	if number := strings.Trim(version, "0123456789."); number == "" && version != "" {
		return "v" + version
	}
	return visible(version)
}

// title names a model version in a line.
func (v *version) title() string {
	title := visible(v.id.Model)
	if v.id.Version != "" {
		title += " " + versionWord(v.id.Version)
	}
	if v.id.Segment != "" {
		title += ", " + visible(v.id.Segment)
	}
	return title
}
