package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
)

// TestTrafficOfAModel: a version serves for three days, another takes over, which
// nobody is paged for although the first has fallen silent; then nothing comes any
// more, and one page says so.
func TestTrafficOfAModel(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.createTopic(t, "predictions", 2)
	config := s.write(t, setup{name: "traffic", inputs: "{predictions: [predictions]}", model: `    window: {size: 1h, lateness: 1m}
    alert: {for: 2, of: 3, resolve_after: 1, severity: warning}
    traffic: {watch: true, period: 1d, severity: {warning: 0, critical: 0.9}}
`})
	client := s.client(t)
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	send := func(at time.Time, model, version string, count int) {
		for n := range count {
			ts := at.Add(time.Duration(n) * time.Hour / time.Duration(count))
			records = append(records, &kgo.Record{Topic: "predictions", Timestamp: ts, Value: fmt.Appendf(nil,
				`{"model":%q,"version":%q,"ts":%q,"features":{"feature":%d}}`, model, version, ts.Format(time.RFC3339Nano), n)})
		}
	}
	for hour := range 86 {
		at := monday.Add(time.Duration(hour) * time.Hour)
		switch {
		case hour < 72:
			send(at, flights.Model, "2", 60)
		case hour < 74:
			send(at, flights.Model, "2", 40)
			send(at, flights.Model, "3", 20)
		case hour < 82:
			send(at, flights.Model, "3", 60)
		}
		send(at, "clock", "", 4)
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.run(t, config)
	type alert struct {
		Kind, Status, Severity, Version, Summary string
		Window                                   struct{ Start time.Time }
	}
	told := s.records(t, "traffic.alerts", 2*time.Minute, func(all []*kgo.Record) bool { return len(all) >= 1 })
	var a alert
	if err := json.Unmarshal(told[0].Value, &a); err != nil || len(told) != 1 {
		t.Fatalf("%v: %s, of %d", err, told[0].Value, len(told))
	}
	if a.Kind != "traffic" || a.Status != "firing" || a.Severity != "critical" || a.Version != "3" || !a.Window.Start.Equal(monday.Add(83*time.Hour)) ||
		!strings.HasSuffix(a.Summary, " v3: no events came, usually 60") {
		t.Errorf("%s", told[0].Value)
	}
}
