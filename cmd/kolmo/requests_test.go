package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// TestRequestsOfAWindow: the events that a verdict names are read from a real Kafka
// when the page is asked for them, and are of its window; when they have been
// deleted, the page says so.
func TestRequestsOfAWindow(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.emitFlights(t, "predictions", 4)
	i := s.run(t, s.write(t, setup{name: "requests", inputs: "{predictions: [predictions]}", model: defaultFlights}))
	verdicts := s.verdicts(t, "requests", len(expectations(t)))
	var v drift.Verdict
	if err := json.Unmarshal(verdicts[slices.Sorted(maps.Keys(verdicts))[3]], &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Sample) != 5 {
		t.Fatalf("the verdict names %d events", len(v.Sample))
	}
	path := "/requests?" + url.Values{"name": {flights.Model}, "version": {v.Version}, "window": {v.Window.Start.Format(time.RFC3339)}}.Encode()
	page := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && !strings.Contains(page, "Request 5"); page = i.page(t, path) {
		// The page reads the verdicts after they have been published.
	}
	if !strings.Contains(page, "Request 5") || strings.Contains(page, "Not there any more") {
		t.Fatalf("not all five requests are shown:\n%s", page)
	}
	times := regexp.MustCompile(`<bdi>(\d{4}-\d\d-\d\d \d\d:\d\d)`).FindAllStringSubmatch(page, -1)
	for _, m := range times {
		at, err := time.Parse("2006-01-02 15:04", m[1])
		if err != nil || at.Before(v.Window.Start.Truncate(time.Minute)) || !at.Before(v.Window.End) {
			t.Errorf("an event of %s is none of the window from %v to %v (%v)", m[1], v.Window.Start, v.Window.End, err)
		}
	}
	if len(times) != 5 {
		t.Errorf("%d events have a time", len(times))
	}
	admin := kadm.NewClient(s.client(t))
	ends, err := admin.ListEndOffsets(t.Context(), "predictions")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteRecords(t.Context(), ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	if page = i.page(t, path); strings.Count(page, "no longer holds it") != 5 || strings.Contains(page, "Request 1") {
		t.Errorf("of events that have been deleted it says:\n%s", page)
	}
	i.stop()
}

// page asks an instance for a page, whatever the answer's code.
func (i *instance) page(t *testing.T, path string) string {
	t.Helper()
	response, err := http.Get(i.address() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(fmt.Errorf("reading %s: %w", path, err))
	}
	return string(body)
}
