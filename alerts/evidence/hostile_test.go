package evidence

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// Names are what events say they are. These try to become something else.
var hostileNames = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	"</title></svg></style><svg onload=alert(1)>",
	"javascript:alert(1)",
	"../../etc/passwd?a=b&c=d#e%2f%00",
	"null\x00 bell\x07 escape\x1b[31m line\nbreak\ttab\r",
	"right-to-left \u202egnp.exe zero\u200bwidth",
	"{{.Title}} ${x} <!-- --> ]]>",
	strings.Repeat("é漢🙂", 22), // 198 bytes
	strings.Repeat("long", 1000),
	"a+b c;d=e",
	".", "..", "/", " ",
}

// get asks for a page and checks what holds for all answers.
func get(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/"+path, nil))
	header := answer.Header()
	if got := header.Get("Content-Security-Policy"); got != policy {
		t.Errorf("/%s: the Content-Security-Policy is %q", path, got)
	}
	if got := header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("/%s: X-Content-Type-Options is %q", path, got)
	}
	if got := header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("/%s: Referrer-Policy is %q", path, got)
	}
	return answer
}

// A page as a reader of its markup sees it.
type parsed struct {
	links []string
	text  string
}

// The elements and attributes that our templates write. Whatever a name slips
// in beside them fails the test.
var (
	knownElements   = strings.Fields("html head meta title link body a header span main nav h1 h2 h3 p strong section figure figcaption div table caption thead tbody tr th td svg rect line path polyline polygon circle text time details summary dl dt dd bdi br code ul li footer")
	knownAttributes = strings.Fields("lang charset name content rel type href class id role aria-label aria-hidden aria-current tabindex scope title datetime width height viewBox preserveAspectRatio x y x1 x2 y1 y2 cx cy r dx dy d text-anchor points colspan open")
)

// parse reads a page as XML, which its templates are, so that nothing is
// forgiven.
func parse(t *testing.T, page string) parsed {
	t.Helper()
	var p parsed
	var text strings.Builder
	decoder := xml.NewDecoder(strings.NewReader(page))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			p.text = text.String()
			return p
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v\n%s", err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if !slices.Contains(knownElements, token.Name.Local) {
				t.Errorf("the page has an element %q", token.Name.Local)
			}
			for _, a := range token.Attr {
				if !slices.Contains(knownAttributes, a.Name.Local) {
					t.Errorf("the page has an attribute %q on %q", a.Name.Local, token.Name.Local)
				}
				if a.Name.Local == "href" {
					p.links = append(p.links, a.Value)
				}
			}
			if token.Name.Local == "svg" && !slices.ContainsFunc(token.Attr, func(a xml.Attr) bool { return a.Name.Local == "aria-label" || a.Name.Local == "aria-hidden" }) {
				t.Error("a picture has neither a text in its place nor is it hidden from those who read with their ears")
			}
		case xml.CharData:
			text.Write(token)
		case xml.Comment:
			t.Errorf("the page has a comment: %s", token)
		}
	}
}

func TestHostileNames(t *testing.T) {
	for _, name := range hostileNames {
		t.Run(name[:min(len(name), 20)], func(t *testing.T) {
			h := NewHistory(Limits{})
			numeric, categorical := numericFeature(0.2, true), categoricalFeature(0.3, true)
			numeric.Method, numeric.PMethod = name, name
			categorical.Counts.Categories[0], categorical.NewCategories = name, []string{name}
			v := storyVerdict(name, name, 0, map[string]*drift.Feature{
				name: numeric, "other " + name: categorical, "failed": {Error: name}, "untested": {Untested: name}, "unknown": {Test: name},
			})
			v.Sample[0].Topic = name
			v.Segment, v.Error, v.Shed = name, name, []string{name}
			v.Reference.ID, v.Reference.Kind = name, name
			v.Performance.Requests[name] = 3
			add(t, h, v, func() *drift.Verdict {
				next := *v
				next.Window.Start, next.Window.End = v.Window.End, v.Window.End.Add(time.Hour)
				return &next
			}())
			a := storyAlert(name, name, name, alerts.Firing, 0)
			a.Segment, a.Severity, a.Summary, a.RunbookURL, a.EvidenceURL, a.Kind = name, name, name, name, name, alerts.Kind(name)
			a.Features[0].Name, a.Features[0].Test = name, name
			gone := *a
			gone.ID, gone.Status, gone.RunbookURL = "2", alerts.Status(name), `https://example.org/"><script>`
			addAlert(t, h, a, &gone)

			handler := NewHandler(h, discard(), nil, WithRequests(func(_ context.Context, places []drift.Place) ([]Request, error) {
				requests := []Request{{Absent: name}, {Model: "another"}}
				for range places[len(requests):] {
					requests = append(requests, Request{
						Model: name, Version: name, ID: name, Prediction: name, Status: name, Latency: name,
						Fields: []RequestField{{name, name}, {"other " + name, name}},
					})
				}
				return requests, nil
			}))
			id := alerts.Version{Model: name, Version: name, Segment: name}
			seen := map[string]bool{}
			todo := []string{"./", alerts.ModelPath(id, time.Time{}), alerts.FeaturePath(id, time.Time{}, "other "+name)}
			for len(todo) > 0 {
				link := todo[0]
				todo = todo[1:]
				if seen[link] || strings.HasPrefix(link, "#") || strings.HasPrefix(link, "https://example.org/") || strings.HasPrefix(link, "runbooks/") {
					continue
				}
				seen[link] = true
				answer := get(t, handler, strings.TrimPrefix(link, "./"))
				if answer.Code != http.StatusOK {
					t.Errorf("%q answers %d", link, answer.Code)
					continue
				}
				if !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
					continue
				}
				page := parse(t, answer.Body.String())
				if !strings.Contains(page.text, visible(name)[:min(len(visible(name)), 12)]) {
					t.Errorf("%q does not show the name", link)
				}
				todo = append(todo, page.links...)
			}
			// Every page was reached by links: overview, model, the windows, and
			// each of the features in each of them.
			if len(seen) < 15 {
				t.Errorf("only %d pages were reached: %v", len(seen), seen)
			}
			for _, path := range []string{"model?" + url.Values{"name": {"unknown " + name}}.Encode(), "model?" + url.Values{"name": {name}, "window": {name}}.Encode(), alerts.FeaturePath(id, storyStart, "no "+name)} {
				answer := get(t, handler, path)
				if answer.Code != http.StatusNotFound && answer.Code != http.StatusBadRequest {
					t.Errorf("%q answers %d", path, answer.Code)
				}
				parse(t, answer.Body.String())
			}
		})
	}
}

// TestHostileNumbers draws what no comparison would give: the page is whole,
// and no coordinate is without a number.
func TestHostileNumbers(t *testing.T) {
	for name, q := range map[string]*drift.Quantiles{
		"as wide as float64": {P: []float64{0, 0.5, 1}, Reference: []float64{-1.7e308, 0, 1.7e308}, Current: []float64{-1e-300, 0, 1e300}},
		"one value":          {P: []float64{0, 0.5, 1}, Reference: []float64{7, 7, 7}, Current: []float64{7, 7, 7}},
		"one huge value":     {P: []float64{0, 1}, Reference: []float64{1.7e308, 1.7e308}, Current: []float64{1.7e308, 1.7e308}},
		"neighbours":         {P: []float64{0, 1}, Reference: []float64{1, 1.0000000000000002}, Current: []float64{1, 1}},
		"smallest":           {P: []float64{0, 1}, Reference: []float64{0, 5e-324}, Current: []float64{0, 0}},
		"lengths differ":     {P: []float64{0, 1}, Reference: []float64{1}, Current: []float64{1, 2, 3}},
		"out of order":       {P: []float64{0, 1}, Reference: []float64{2, 1}, Current: []float64{1, 2}},
		"none":               {},
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory(Limits{})
			f := numericFeature(0.2, true)
			f.Quantiles = q
			for i, location := range []*drift.Number{ptr(38.5), ptr(-1.7e308), nil} {
				f.Location = location
				add(t, h, storyVerdict("m", "", i, map[string]*drift.Feature{"x": f, "bare": {Test: "ks"}, "bare2": {Test: "chi2", Drifted: true}}))
			}
			handler := NewHandler(h, discard(), nil)
			for i := range 3 {
				for _, feature := range []string{"x", "bare", "bare2"} {
					answer := get(t, handler, alerts.FeaturePath(alerts.Version{Model: "m"}, storyStart.Add(time.Duration(i)*time.Hour), feature))
					body := answer.Body.String()
					parse(t, body)
					if answer.Code != http.StatusOK || strings.Contains(body, "NaN") || strings.Contains(body, "Inf") {
						t.Errorf("%s in window %d answers %d:\n%s", feature, i, answer.Code, body)
					}
				}
			}
		})
	}
}
