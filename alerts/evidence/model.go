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
	Title   string
	ID      alerts.Version
	Link    string
	State   state
	Firing  []alertRow
	History []alertRow // newest first
	Windows []windowRow
	// Timeline is the number of drifted features in each window; First and Last
	// are the ends of the time it covers.
	Timeline    strip
	First, Last string
	Short       bool // the columns do not fill the width
	Strips      []stripRow
	HiddenStrip int         // features without a strip
	Window      *windowPage // nil where no window has closed yet
}

// A stripRow is a feature over all windows.
type stripRow struct {
	Name, Link string
	Strip      strip
	Times      int
}

// A windowRow names a window in the list of all.
type windowRow struct {
	Span, Machine, Link, Events, Words string
	Selected                           bool
}

// windowPage is one window in full.
type windowPage struct {
	Span, Machine  string
	Newest         bool
	Previous, Next string // links; "" at the ends
	Words          string
	Events, Late   string
	OverLimit      string // "" where none
	Incomplete     bool
	Error          string
	Shed           []string
	Reference      string // in words
	ReferenceID    string
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
	everything := r.URL.Query().Get("show") == "all"
	page := modelPage{Title: v.title(), ID: v.id, Link: alerts.ModelPath(v.id, time.Time{}), State: stateOf(&v)}
	for _, i := range slices.Backward(v.incidents) {
		row := newAlertRow(i, v.id)
		page.History = append(page.History, row)
		if row.Firing {
			page.Firing = append(page.Firing, row)
		}
	}
	if selected != nil {
		page.Timeline = driftStrip(v.windows, 2*stripHeight, selected, func(w *window) string { return alerts.ModelPath(v.id, w.start) })
		page.First, page.Last, page.Short = clock(v.windows[0].start), clock(v.last().end), len(v.windows) < fewestColumns
		page.Strips, page.HiddenStrip = strips(&v, selected, everything)
		for _, w := range slices.Backward(v.windows) {
			page.Windows = append(page.Windows, windowRow{
				Span: span(w.start, w.end), Machine: machine(w.start), Link: alerts.ModelPath(v.id, w.start),
				Events: count(w.events), Words: w.words(), Selected: w == selected,
			})
		}
		var err error
		if page.Window, err = newWindowPage(&v, selected, everything); err != nil {
			s.fail(w, r, err)
			return
		}
		page.Window.Beside = s.beside(&v, selected, nil, "")
	}
	s.render(w, r, http.StatusOK, "model.html", page)
}

// strips draws the features that drifted most often, then those with the
// largest effect in the selected window.
func strips(v *version, selected *window, everything bool) (rows []stripRow, hidden int) {
	type feature struct {
		name   string
		times  int
		effect float32
	}
	byName := make(map[string]*feature)
	for _, w := range v.windows {
		for _, c := range w.cells {
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
		drawn := heatStrip(v.windows, f.name, selected)
		rows = append(rows, stripRow{Name: f.name, Link: alerts.FeaturePath(v.id, selected.start, f.name), Strip: drawn, Times: f.times})
	}
	return rows, hidden
}

func newWindowPage(v *version, w *window, everything bool) (*windowPage, error) {
	verdict, err := decodeVerdict(w.raw)
	if err != nil {
		return nil, err
	}
	page := &windowPage{
		Span: span(w.start, w.end), Machine: machine(w.start), Newest: w == v.last(), Words: w.words(),
		Events: count(verdict.Events), Late: count(verdict.Late), Incomplete: verdict.Incomplete, Error: verdict.Error, Shed: verdict.Shed,
		Rows: featureRows(v.id, verdict),
	}
	at := slices.Index(v.windows, w)
	if at > 0 {
		page.Previous = alerts.ModelPath(v.id, v.windows[at-1].start)
	}
	if at+1 < len(v.windows) {
		page.Next = alerts.ModelPath(v.id, v.windows[at+1].start)
	}
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
	page.All = alerts.ModelPath(v.id, w.start) + "&show=all"
	page.perform(verdict.Performance)
	return page, nil
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
