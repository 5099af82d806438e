package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

const honestModel = `    window: {size: 1h, lateness: 1m}
    reference: {kind: fixed, file: honest.csv}
    drift: {numeric: ks, min_events: 10}
`

// A flood is a stream in which an honest model stands among names that somebody
// makes up, and what the honest one sent.
type flood struct {
	events int // in all
	honest []windowstest.Log
	start  time.Time
}

// sendFlood fills a topic: every hundredth event is the honest model's, the others
// are of made-up models, versions, features, categories, statuses and requests, each
// of which stands in the stream once, over three hours.
func (s *stack) sendFlood(t *testing.T, topic string, partitions int32, events int) flood {
	t.Helper()
	s.createTopic(t, topic, partitions)
	f := flood{events: events, start: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	client := s.client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(topic), kgo.MaxBufferedRecords(100_000),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	var mu sync.Mutex
	var honest []*kgo.Record
	for i := range events {
		at := f.start.Add(3 * time.Hour / time.Duration(events) * time.Duration(i))
		r := &kgo.Record{Partition: int32(rand.IntN(int(partitions))), Timestamp: at}
		mine := i%100 == 0
		switch {
		case mine:
			r.Value = fmt.Appendf(nil, `{"model":%q,"version":"1","ts":%d,"features":{"amount":%d},"prediction":%d,"status":"ok","latency_ms":%d}`,
				flights.Model, at.UnixMilli(), i%997, i%7, i%50)
		case i%2 == 0:
			r.Value = fmt.Appendf(nil, `{"model":"m%d","version":"v%d","ts":%d,"request_id":"r%d","features":{"f%d":%d},"prediction":"p%d","status":"s%d","latency_ms":1}`,
				i, i, at.UnixMilli(), i, i, i, i, i)
		default:
			r.Value = fmt.Appendf(nil, `{"model":"wide","version":"%d","ts":%d,"request_id":"r%d","features":{"f%d":%d,"g%d":"c%d","c":"c%d"},"prediction":"p%d","status":"s%d"}`,
				i%3*i, at.UnixMilli(), i, i, i, i, i, i, i, i)
		}
		client.Produce(t.Context(), r, func(r *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
			if mine {
				mu.Lock()
				honest = append(honest, r)
				mu.Unlock()
			}
		})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.honest = s.logsOf(t, topic, honest)
	return f
}

// logsOf puts records, in any order, into the logs of their partitions.
func (s *stack) logsOf(t *testing.T, topic string, records []*kgo.Record) []windowstest.Log {
	t.Helper()
	logs := s.emptyLogs(t, topic)
	decoder := event.NewDecoder(event.Limits{})
	for _, r := range records {
		o, ok := observed(decoder, r)
		if !ok {
			t.Fatalf("%s is no event", r.Value)
		}
		logs[r.Partition].Records = append(logs[r.Partition].Records, o)
	}
	for _, log := range logs {
		sortByOffset(log.Records)
	}
	return logs
}

// peak is the largest resident set an instance has had, in bytes.
func (i *instance) peak() int64 {
	i.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.cmd.Process.Pid))
	if err != nil {
		i.t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		i.t.Fatalf("no VmHWM in\n%s", status)
	}
	kilobytes, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		i.t.Fatal(err)
	}
	return kilobytes * 1024
}

// get reads a page of an instance.
func (i *instance) get(t *testing.T, path string) string {
	t.Helper()
	response, err := http.Get(i.address() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read only
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", path, response.Status, err, body)
	}
	return string(body)
}

// sumOf sums a metric over all its labels that hold a text.
func sumOf(series map[string]float64, metric, labels string) (sum float64) {
	for name, value := range series {
		if strings.HasPrefix(name, metric+"{") && strings.Contains(name, labels) {
			sum += value
		}
	}
	return sum
}

// TestAFloodOfNames: a million made-up names leave an instance small, its metrics
// readable, and what it says of an honest model as it was.
func TestAFloodOfNames(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	rows := []string{"amount"}
	for i := range 2000 {
		rows = append(rows, strconv.Itoa(i%997))
	}
	if err := os.WriteFile(filepath.Join(s.folder, "honest.csv"), []byte(strings.Join(rows, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	const events = 1_010_000
	f := s.sendFlood(t, "flood", 4, events)
	config := s.write(t, setup{name: "flooded", inputs: "{predictions: [flood]}", model: honestModel})
	want := programVerdicts(t, config, f.honest)
	began := time.Now()
	i := s.run(t, config)
	got := make(map[string][]byte)
	var others, cut countedOthers
	for _, r := range s.records(t, "flooded.verdicts", 2*time.Minute, func(all []*kgo.Record) bool {
		n := 0
		for _, r := range all {
			if strings.HasPrefix(string(r.Key), "window/"+flights.Model+"/") {
				n++
			}
		}
		return n >= len(want)
	}) {
		if strings.HasPrefix(string(r.Key), "window/"+flights.Model+"/") {
			got[string(r.Key)] = r.Value
		}
		others.add(t, r.Value, func(v verdictOfOthers) bool { return v.Model == windows.Other })
		cut.add(t, r.Value, func(v verdictOfOthers) bool { return v.Model == "wide" && len(v.Features) > 0 && v.OverLimit > 0 })
	}
	t.Logf("%d events took %v", events, time.Since(began).Round(time.Millisecond))
	sameVerdicts(t, got, want)
	for name, c := range map[string]countedOthers{"__other__": others, "cut features": cut} {
		if c.verdicts == 0 || c.overLimit == 0 || c.warned != c.verdicts {
			t.Errorf("verdicts with %s: %+v", name, c)
		}
	}
	series := i.metrics(t)
	for deadline := time.Now().Add(30 * time.Second); sumOf(series, "kolmo_events_total", "") < events && time.Now().Before(deadline); series = i.metrics(t) {
		<-time.After(100 * time.Millisecond)
	}
	if n := sumOf(series, "kolmo_events_total", `result="accepted"`); n != events {
		t.Errorf("%v events were accepted, want %d", n, events)
	}
	for _, limit := range []string{"models", "versions", "features", "categories", "statuses"} {
		if sumOf(series, "kolmo_over_limit_total", `"`+limit+`"`) == 0 {
			t.Errorf("nothing is counted as beyond the limit on %s", limit)
		}
		if !strings.Contains(i.output.String(), "limit="+limit) {
			t.Errorf("no line of the log says that the limit on %s was exceeded", limit)
		}
	}
	if n := sumOf(series, "model_requests_total", `model="`+flights.Model+`"`); n != events/100 {
		t.Errorf("%v requests of the honest model are counted, want %d", n, events/100)
	}
	if n := sumOf(series, "model_requests_total", ""); n != events {
		t.Errorf("%v requests are counted, want %d", n, events)
	}
	page := i.get(t, "/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(page)); err != nil {
		t.Errorf("the metrics page cannot be parsed: %v", err)
	}
	peak := i.peak()
	t.Logf("at most %d MiB were resident, the metrics page has %d KiB", peak>>20, len(page)>>10)
	if peak >= 1e9 {
		t.Errorf("%d bytes were resident", peak)
	}
	if len(page) >= 10e6 {
		t.Errorf("the metrics page has %d bytes", len(page))
	}
	if lines := strings.Count(i.output.String(), "\n"); lines > 500 {
		t.Errorf("%d lines were logged", lines)
	}
	i.stop()
}

type verdictOfOthers struct {
	Model     string         `json:"model"`
	Events    uint64         `json:"events"`
	OverLimit uint64         `json:"over_limit"`
	Features  map[string]any `json:"features"`
	Warnings  []string       `json:"warnings"`
}

// countedOthers counts verdicts that a limit has touched.
type countedOthers struct {
	verdicts, warned int
	overLimit        uint64
}

func (c *countedOthers) add(t *testing.T, data []byte, of func(verdictOfOthers) bool) {
	t.Helper()
	v := decodeJSON[verdictOfOthers](t, data)
	if !of(v) {
		return
	}
	c.verdicts++
	c.overLimit += v.OverLimit
	for _, w := range v.Warnings {
		if strings.Contains(w, "order of arrival") {
			c.warned++
		}
	}
}
