package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A Request is one event as it stands in the log, read for people. What it holds
// comes from the event and may be anything.
type Request struct {
	// Absent says why there is no event to show, as a sentence; the other fields are
	// empty then.
	Absent         string
	Model, Version string
	ID             string
	Time           time.Time // of the event; the record's where it has none
	Prediction     string
	Status         string
	Latency        string
	Fields         []RequestField // the features, in the order they were sent
}

// A RequestField is a feature and its value, which is written so that it is never
// empty.
type RequestField struct{ Name, Value string }

// ReadRequests reads events by their places, one Request for each. It is called
// when somebody asks to see them, and bounds what it reads and how long it takes.
// An error is of the whole: nothing could be read.
type ReadRequests func(ctx context.Context, places []drift.Place) ([]Request, error)

// ErrBusy says that requests are being read for somebody else at the moment.
var ErrBusy = errors.New("requests are read for somebody else at the moment; try again")

// WithRequests lets the pages show the events that verdicts name.
func WithRequests(read ReadRequests) Option { return func(s *server) { s.requests = read } }

// requestsPath is where the sampled events of a window are shown. feature is what
// stands first; it may be empty.
func requestsPath(v alerts.Version, window time.Time, feature string) string {
	_, query, _ := strings.Cut(alerts.FeaturePath(v, window, feature), "?")
	return "requests?" + query
}

// requestsPage shows a window's sampled events beside each other.
type requestsPage struct {
	Title       string
	ID          alerts.Version
	ModelLink   string
	ModelTitle  string
	FeatureLink string
	Feature     string // "" : none stands first
	Span        string
	Machine     string
	None        string // why there are none to show
	Requests    []shownRequest
	Rows        []requestsRow // time, id, prediction, status, latency
	Features    []requestsRow
	Hidden      int // features not shown
	Absent      []absentRequest
}

// A shownRequest heads a column.
type shownRequest struct{ Number, Place string }

// An absentRequest is an event that is not there to be shown.
type absentRequest struct{ Place, Why string }

// A requestsRow is one field of all shown events.
type requestsRow struct {
	Name   string
	Of     bool // it is the feature that the page is about
	Values []string
}

// What a page of requests shows at most.
const (
	mostRequests      = 8
	requestFieldsMost = 100
)

func (s *server) requestsOf(w http.ResponseWriter, r *http.Request) {
	v, selected, ok := s.find(w, r)
	if !ok {
		return
	}
	if selected == nil {
		s.missing(w, r, "This model version has no window yet, so there are no requests of it.")
		return
	}
	verdict, ok := s.verdict(w, r, &v, selected)
	if !ok {
		return
	}
	feature := r.URL.Query().Get("feature")
	page := requestsPage{
		Title: "Requests · " + v.title(), ID: v.id, ModelTitle: v.title(), ModelLink: alerts.ModelPath(v.id, selected.start),
		Feature: feature, Span: span(selected.start, selected.end), Machine: machine(selected.start),
	}
	if feature != "" {
		page.FeatureLink = alerts.FeaturePath(v.id, selected.start, feature)
	}
	places := verdict.Sample[:min(len(verdict.Sample), mostRequests)]
	page.None = noRequests(verdict, s.requests != nil)
	code := http.StatusOK
	if page.None == "" {
		read, err := s.requests(r.Context(), places)
		switch {
		case errors.Is(err, ErrBusy):
			code, page.None = http.StatusServiceUnavailable, "Requests are being read for somebody else at the moment. Load the page again."
			w.Header().Set("Retry-After", "2")
		case err != nil || len(read) != len(places):
			s.log.Warn("requests of a window cannot be read", "model", v.id.Model, "version", v.id.Version, "window", selected.start, "error", err)
			code, page.None = http.StatusServiceUnavailable, "The requests could not be read from Kafka; kolmo's log says why."
		default:
			page.fill(v.id, verdict, places, read, feature)
		}
	}
	s.render(w, r, code, "requests.html", page)
}

// noRequests says why a verdict's events are not shown; "" where they are.
func noRequests(v *drift.Verdict, readable bool) string {
	switch {
	case slices.Contains(v.Shed, "the sample of events"):
		return "The verdict's record was too large to name requests of this window."
	case len(v.Sample) == 0 && v.Events == 0:
		return "This window has no events."
	case len(v.Sample) == 0:
		return "The verdict names no requests of this window: no event of it carried a number, or an earlier kolmo wrote it."
	case !readable:
		return "Requests cannot be read here: this page is shown without Kafka."
	}
	return ""
}

// fill lays the events out, one a column.
func (page *requestsPage) fill(id alerts.Version, v *drift.Verdict, places []drift.Place, read []Request, feature string) {
	var shown []Request
	for i, request := range read {
		place := fmt.Sprintf("%s/%d, offset %s", visible(places[i].Topic), places[i].Partition, count(uint64(max(places[i].Offset, 0))))
		if request.Absent == "" && (request.Model != id.Model || request.Version != id.Version) {
			request.Absent = "Another record stands there now: the topic was made anew, or written over."
		}
		if request.Absent != "" {
			page.Absent = append(page.Absent, absentRequest{place, visible(request.Absent)})
			continue
		}
		shown = append(shown, request)
		page.Requests = append(page.Requests, shownRequest{fmt.Sprint(len(shown)), place})
	}
	if len(shown) == 0 {
		return
	}
	row := func(name string, of func(Request) string) {
		r := requestsRow{Name: name}
		for _, request := range shown {
			value := visible(of(request))
			if value == "" {
				value = dash
			}
			r.Values = append(r.Values, value)
		}
		page.Rows = append(page.Rows, r)
	}
	row("time, UTC", func(r Request) string { return clock(r.Time) })
	row("request id", func(r Request) string { return r.ID })
	row("prediction", func(r Request) string { return r.Prediction })
	row("status", func(r Request) string { return r.Status })
	row("latency, ms", func(r Request) string { return r.Latency })
	page.features(v, shown, feature)
}

// features are rows of their own: that which the page is about, then those that
// drifted, then the others, each in name order.
func (page *requestsPage) features(v *drift.Verdict, shown []Request, feature string) {
	values := make(map[string][]string)
	for i, request := range shown {
		for _, f := range request.Fields {
			if values[f.Name] == nil {
				values[f.Name] = make([]string, len(shown))
			}
			values[f.Name][i] = visible(f.Value)
		}
	}
	rank := func(name string) int {
		switch f := v.Features[name]; {
		case name == feature:
			return 0
		case f != nil && (f.Drifted || f.Broken):
			return 1
		}
		return 2
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
	page.Hidden = max(len(names)-requestFieldsMost, 0)
	for _, name := range names[:len(names)-page.Hidden] {
		for i, value := range values[name] {
			if value == "" {
				values[name][i] = "absent"
			}
		}
		page.Features = append(page.Features, requestsRow{Name: name, Of: name == feature, Values: values[name]})
	}
}
