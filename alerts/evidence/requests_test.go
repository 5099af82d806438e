package evidence

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// storyRequests are what the places of the story's verdicts hold.
func storyRequests(_ context.Context, places []drift.Place) ([]Request, error) {
	requests := make([]Request, len(places))
	for i, p := range places {
		n := p.Offset - 100_000
		requests[i] = Request{
			Model: "fraud", Version: "3", ID: fmt.Sprintf("order-%d", 40_000+n), Time: storyStart.Add(time.Duration(n) * time.Second),
			Prediction: fmt.Sprintf("0.%d", 17+i), Status: "success", Latency: "4.2",
			Fields: []RequestField{
				{"basket_size", fmt.Sprint(3 + i)}, {"amount", fmt.Sprintf("%d.9", 20*(i+1))}, {"country", "DE"}, {"velocity_24h", fmt.Sprint(i)},
			},
		}
	}
	requests[1].Fields = requests[1].Fields[:3]
	requests[2] = Request{Absent: "The topic no longer holds it: it was deleted by the topic's retention."}
	return requests, nil
}

// Whole requests stand beside each other, the feature in question first, then what
// drifted; what the topic no longer holds is said.
func TestRequestsOfAWindow(t *testing.T) {
	handler := NewHandler(story(t), discard(), nil, WithRequests(storyRequests))
	fraud, evening := alerts.Version{Model: "fraud", Version: "3"}, storyStart.Add(22*time.Hour)
	feature := get(t, handler, alerts.FeaturePath(fraud, evening, "basket_size"))
	path := requestsPath(fraud, evening, "basket_size")
	if !slices.Contains(parse(t, feature.Body.String()).links, path) {
		t.Fatalf("the feature's page does not lead to %s", path)
	}
	answer := get(t, handler, path)
	body := answer.Body.String()
	page := parse(t, body)
	if answer.Code != http.StatusOK {
		t.Fatalf("it answers %d", answer.Code)
	}
	for _, want := range []string{"order-62000", "order-62001", "predictions/0, offset 122\u202f000", "2026-03-02 06:06:40", "absent", "Not there any more", "The topic no longer holds it"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "order-62002") || strings.Count(body, `class="chosen"`) != 1 {
		t.Error("what is gone is shown, or not exactly one feature is marked")
	}
	last := 0
	for _, name := range []string{"basket_size", "amount", "country", "velocity_24h"} { // the second and third drifted; the last name is the last
		at := strings.Index(body, ">"+name+"<")
		if name == "basket_size" {
			at = strings.LastIndex(body, ">"+name+"<") // the first names the page
		}
		if at < last {
			t.Errorf("%s stands too early", name)
		}
		last = at
	}
}

// What a page says when there is nothing to show.
func TestRequestsThatCannotBeShown(t *testing.T) {
	of := func(edit func(*drift.Verdict)) *History {
		v := storyVerdict("m", "", 0, map[string]*drift.Feature{"x": numericFeature(0.2, true)})
		edit(v)
		h := NewHistory(Limits{})
		add(t, h, v)
		return h
	}
	unchanged := func(*drift.Verdict) {}
	fails := func(err error) ReadRequests {
		return func(context.Context, []drift.Place) ([]Request, error) { return nil, err }
	}
	for name, c := range map[string]struct {
		history *History
		read    ReadRequests
		code    int
		says    string
		linked  bool
	}{
		"none named":    {of(func(v *drift.Verdict) { v.Sample = nil }), fails(nil), 200, "names no requests of this window", false},
		"no events":     {of(func(v *drift.Verdict) { v.Sample, v.Events = nil, 0 }), fails(nil), 200, "This window has no events.", false},
		"shed":          {of(func(v *drift.Verdict) { v.Sample, v.Shed = nil, []string{"the sample of events"} }), fails(nil), 200, "too large to name", false},
		"no Kafka":      {of(unchanged), nil, 200, "shown without Kafka", false},
		"busy":          {of(unchanged), fails(fmt.Errorf("waiting: %w", ErrBusy)), 503, "for somebody else", true},
		"out of reach":  {of(unchanged), fails(errors.New("no broker")), 503, "kolmo's log says why", true},
		"fewer than it": {of(unchanged), fails(nil), 503, "kolmo's log says why", true},
		"another model": {of(unchanged), func(_ context.Context, places []drift.Place) ([]Request, error) {
			return slices.Repeat([]Request{{Model: "other"}}, len(places)), nil
		}, 200, "Another record stands there now", true},
	} {
		var options []Option
		if c.read != nil {
			options = append(options, WithRequests(c.read))
		}
		handler, id := NewHandler(c.history, discard(), nil, options...), alerts.Version{Model: "m"}
		answer := get(t, handler, requestsPath(id, storyStart, "x"))
		if answer.Code != c.code || !strings.Contains(parse(t, answer.Body.String()).text, c.says) {
			t.Errorf("%s: it answers %d:\n%s", name, answer.Code, answer.Body.String())
		}
		feature := get(t, handler, alerts.FeaturePath(id, storyStart, "x")).Body.String()
		if strings.Contains(feature, "Sample requests") != c.linked {
			t.Errorf("%s: the feature's page leads there: %t", name, !c.linked)
		}
	}
}

// Thousands of features make a page of a bounded size.
func TestRequestsAreBounded(t *testing.T) {
	v := storyVerdict("m", "", 0, map[string]*drift.Feature{"x": numericFeature(0.2, true)})
	v.Sample = slices.Repeat(v.Sample, 50)
	h := NewHistory(Limits{})
	add(t, h, v)
	asked := 0
	handler := NewHandler(h, discard(), nil, WithRequests(func(_ context.Context, places []drift.Place) ([]Request, error) {
		asked = len(places)
		one := Request{Model: "m", ID: strings.Repeat("é", 1<<16)}
		for i := range 4000 {
			one.Fields = append(one.Fields, RequestField{fmt.Sprintf("feature %d", i), strings.Repeat("v", 1<<10)})
		}
		return slices.Repeat([]Request{one}, len(places)), nil
	}))
	body := get(t, handler, requestsPath(alerts.Version{Model: "m"}, storyStart, "x")).Body.String()
	if asked != mostRequests || len(body) > 1<<20 || !strings.Contains(body, "3\u202f900 features are not shown") {
		t.Errorf("%d events were asked for, the page has %d bytes", asked, len(body))
	}
}
