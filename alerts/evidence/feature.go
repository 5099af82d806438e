package evidence

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// featurePage is the evidence on one feature in one window.
type featurePage struct {
	Title          string
	ID             alerts.Version
	ModelLink      string // to the same window
	ModelTitle     string
	Name           string
	Prediction     bool
	Span, Machine  string
	Previous, Next string
	State          state
	Verdict        string
	Sentences      []string
	Requests       string // link to some of the window's; "" where there are none
	Beside         []besideLine
	Strip          strip
	Period         period
	Curves         *curves
	Histogram      *histogram
	Shifts         *shifts
	Missing        *trend // nil where no value was ever missing
	CurvesMissing  string // why there are none, for a numeric feature
	Quantiles      []quantileRow
	Categories     []categoryRow
	BarWidth       int
	OtherCount     int // categories not shown
	Numbers        []numberRow
	Quality        []qualityRow
}

// A numberRow is a number with its name.
type numberRow struct{ Label, Value string }

func (s *server) feature(w http.ResponseWriter, r *http.Request) {
	v, selected, verdict, f, ok := s.findFeature(w, r)
	if !ok {
		return
	}
	name, prediction := r.URL.Query().Get("feature"), f == verdict.Prediction
	p := newPeriod(&v, selected, r.URL.Query().Get("days"), alerts.FeaturePath(v.id, selected.start, name))
	page := featurePage{
		Title: visible(name) + " · " + v.title(), ID: v.id, ModelTitle: v.title(), ModelLink: p.model(&v, selected),
		Name: name, Prediction: prediction, Span: span(selected.start, selected.end), Machine: machine(selected.start),
		Verdict: verdictWords(f), Sentences: append(explainBreaks(f), explain(f)...), Quality: qualityRows(f), Period: p,
		Strip: heatStrip(p.columns, name, selected, func(w *window) string { return p.feature(&v, w, name) }), BarWidth: barWidth, Numbers: numberRows(f),
	}
	if noRequests(verdict, s.requests != nil) == "" {
		page.Requests = requestsPath(v.id, selected.start, name)
	}
	page.State = state{"waiting", page.Verdict}
	switch markOf(f) {
	case drifted:
		page.State.Class = "drifting"
	case quiet:
		page.State.Class = "quiet"
	}
	if f.Broken {
		page.State.Class = "drifting"
	}
	page.Beside = s.beside(&v, selected, verdict, name)
	page.Missing = missingTrend(&v, &p, name, selected)
	at := slices.Index(v.windows, selected)
	neighbour := func(i int) string {
		if i < 0 || i >= len(v.windows) {
			return ""
		}
		if _, ok := v.windows[i].find(name); !ok {
			return ""
		}
		return p.feature(&v, v.windows[i], name)
	}
	page.Previous, page.Next = neighbour(at-1), neighbour(at+1)
	if f.Type == windows.Numeric {
		page.Curves, page.Quantiles = newCurves(f), quantileRows(f.Quantiles)
		page.Histogram, page.Shifts = newHistogram(f), newShifts(f.Quantiles)
		if page.Curves == nil {
			page.CurvesMissing = "The verdict carries no quantiles of this feature to draw."
			if len(verdict.Shed) > 0 {
				page.CurvesMissing = "The verdict's record was too large with the quantiles of this feature, so they were left out."
			}
		}
	} else {
		page.Categories, page.OtherCount = categoryRows(f.Counts)
	}
	s.render(w, r, http.StatusOK, "feature.html", page)
}

// findFeature reads which feature a request is about, as find does; where it
// answers false, it has answered the request.
func (s *server) findFeature(w http.ResponseWriter, r *http.Request) (v version, selected *window, verdict *drift.Verdict, f *drift.Feature, ok bool) {
	if v, selected, ok = s.find(w, r); !ok {
		return v, nil, nil, nil, false
	}
	if selected == nil {
		s.missing(w, r, "This model version has no window yet, so there is no evidence on its features.")
		return v, nil, nil, nil, false
	}
	if verdict, ok = s.verdict(w, r, &v, selected); !ok {
		return v, nil, nil, nil, false
	}
	name := r.URL.Query().Get("feature")
	if f = verdict.Features[name]; name == predictionName && verdict.Prediction != nil {
		f = verdict.Prediction
	}
	if f == nil {
		s.missing(w, r, fmt.Sprintf("The verdict on %s for %s has no feature “%s”.", v.title(), span(selected.start, selected.end), visible(name)))
		return v, nil, nil, nil, false
	}
	return v, selected, verdict, f, true
}

// numberRows are all numbers of a comparison, those it has.
func numberRows(f *drift.Feature) []numberRow {
	rows := []numberRow{
		{"type", f.Type.String()},
		{"values", count(f.N)},
		{"missing", count(f.Missing) + " (" + percent(float64(f.Missing), float64(f.N)+float64(f.Missing)) + ")"},
	}
	add := func(label string, value string, when bool) {
		if when && value != dash {
			rows = append(rows, numberRow{label, value})
		}
	}
	number := func(n *drift.Number, digits int) string {
		if x, ok := finite(n); ok {
			return decimal(x, digits)
		}
		return dash
	}
	add("not finite", count(f.NonFinite), f.NonFinite > 0)
	add("of another type", count(f.TypeChanges), f.TypeChanges > 0)
	if f.Outliers != nil {
		add("outliers, beyond the reference's fences", count(*f.Outliers), true)
	}
	add("minimum", number(f.Min, 6), true)
	add("maximum", number(f.Max, 6), true)
	add("mean", number(f.Mean, 6), true)
	add("standard deviation", number(f.Std, 6), true)
	add("test", testName(f.Test), f.Test != "")
	add("method", visible(f.Method), f.Method != "")
	add("statistic", number(f.Statistic, 6), true)
	add("statistic's error", number(f.StatisticError, 3), f.StatisticError != nil && *f.StatisticError != 0)
	add("degrees of freedom", fmt.Sprint(f.DegreesOfFreedom), f.DegreesOfFreedom > 0)
	add("effect "+effectLetter(f.Test), number(f.Effect, 6), true)
	add("p-value", probability(f.P, f.LogP), true)
	add("p-value found by", visible(f.PMethod), f.PMethod != "")
	add("adjusted p-value", probability(f.Adjusted, nil), true)
	if m := f.Measures; m != nil {
		add("population stability index", number(m.PSI, 4), true)
		add("Wasserstein distance", number(m.Wasserstein, 4), true)
		add("Jensen–Shannon distance", number(m.JensenShannon, 4), true)
	}
	return rows
}

// windowOf reads the window a request names: the zero time where it names
// none.
func windowOf(r *http.Request) (time.Time, error) {
	text := r.URL.Query().Get("window")
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("window %q is not a time such as 2026-01-01T00:00:00Z", text)
	}
	return t, nil
}
