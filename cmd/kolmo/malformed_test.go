package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// hourly has no reference yet when its first window closes: here it matters who
// is counted, not what is compared.
const hourly = `    window: {size: 1h, lateness: 1m}
    reference: {kind: first, windows: 1}
`

// malformed are records that are no events, and why.
func malformed(model string, at time.Time) []struct {
	name   string
	value  []byte
	reason event.Reason
} {
	text := func(format string, args ...any) []byte { return fmt.Appendf(nil, format, args...) }
	ts := at.Format(time.RFC3339Nano)
	return []struct {
		name   string
		value  []byte
		reason event.Reason
	}{
		{"a tombstone", nil, event.ReasonEmpty},
		{"no bytes", []byte{}, event.ReasonEmpty},
		{"broken JSON", text(`{"model":%q,"ts":%q,"features":{"x":1}`, model, ts), event.ReasonInvalidJSON},
		{"a comma too many", text(`{"model":%q,"ts":%q,"features":{"x":1},}`, model, ts), event.ReasonInvalidJSON},
		{"no JSON", []byte("amount=3"), event.ReasonInvalidJSON},
		{"two objects", text(`{"model":%q,"ts":%q}{"model":%q}`, model, ts, model), event.ReasonTrailingData},
		{"an array", text(`[{"model":%q,"ts":%q}]`, model, ts), event.ReasonWrongType},
		{"features that are a list", text(`{"model":%q,"ts":%q,"features":[1,2]}`, model, ts), event.ReasonWrongType},
		{"a feature that is a list", text(`{"model":%q,"ts":%q,"features":{"x":[1]}}`, model, ts), event.ReasonWrongType},
		{"a model that is a number", text(`{"model":7,"ts":%q}`, ts), event.ReasonWrongType},
		{"a negative latency", text(`{"model":%q,"ts":%q,"latency_ms":-1}`, model, ts), event.ReasonWrongType},
		{"no model", text(`{"ts":%q,"features":{"x":1}}`, ts), event.ReasonMissingModel},
		{"an empty model", text(`{"model":"","ts":%q,"features":{"x":1}}`, ts), event.ReasonMissingModel},
		{"two megabytes", text(`{"model":%q,"ts":%q,"features":{"x":"%s"}}`, model, ts, strings.Repeat("x", 2<<20)), event.ReasonTooLarge},
		{"nearly four megabytes of brackets", bytes.Repeat([]byte("["), 4<<20-4096), event.ReasonTooLarge},
		{"a thousand levels", text(`{"model":%q,"ts":%q,"features":%s1%s}`, model, ts, strings.Repeat(`{"x":`, 1000), strings.Repeat("}", 1000)), event.ReasonTooDeep},
		{"half a megabyte of brackets", bytes.Repeat([]byte("["), 1<<19), event.ReasonTooDeep},
		{"Latin-1", text(`{"model":%q,"ts":%q,"features":{"city":"K`+"\xf6"+`ln"}}`, model, ts), event.ReasonInvalidUTF8},
		{"half a surrogate", text(`{"model":%q,"ts":%q,"features":{"city":"\ud800"}}`, model, ts), event.ReasonInvalidUTF8},
		{"bytes of no kind", []byte{0, 0, 0, 0, 1, 0xff, 0xfe}, event.ReasonInvalidUTF8},
		{"a key twice", text(`{"model":%q,"ts":%q,"ts":%q}`, model, ts, ts), event.ReasonDuplicateKey},
		{"a feature twice", text(`{"model":%q,"ts":%q,"features":{"x":1,"x":1}}`, model, ts), event.ReasonDuplicateKey},
		{"a number beyond float64", text(`{"model":%q,"ts":%q,"features":{"x":1e400}}`, model, ts), event.ReasonNumberRange},
		{"a day that is not", text(`{"model":%q,"ts":"2026-02-30T00:00:00Z"}`, model), event.ReasonInvalidTime},
		{"a long name", text(`{"model":%q,"ts":%q,"features":{"%s":1}}`, model, ts, strings.Repeat("x", 257)), event.ReasonNameTooLong},
		{"a reserved name", text(`{"model":%q,"ts":%q,"features":{"prediction":1}}`, model, ts), event.ReasonReservedName},
		{"two hours ahead of its record", text(`{"model":%q,"ts":%q,"features":{"x":1}}`, model, at.Add(2*time.Hour).Format(time.RFC3339Nano)), event.ReasonTooFarAhead},
	}
}

// produced is a topic with records of both kinds and what is to come of them.
type produced struct {
	topic   string
	letters map[string]*kgo.Record // by the key of the dead letter
	reasons map[string]event.Reason
	events  uint64
	sum     float64
	start   time.Time
}

// produceMalformed fills a topic: an hour of events with every malformed record
// in between, again and again.
func (s *stack) produceMalformed(t *testing.T, topic string, rounds int) produced {
	t.Helper()
	client := s.client(t, kgo.ProducerBatchMaxBytes(4<<20), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	p := produced{
		topic:   topic,
		letters: make(map[string]*kgo.Record), reasons: make(map[string]event.Reason),
		start: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
	at := p.start
	send := func(value []byte, partition int32) *kgo.Record {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: value, Timestamp: at}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	good := func(features string) {
		send(fmt.Appendf(nil, `{"model":%q,"ts":%q,"features":%s}`, flights.Model, at.Format(time.RFC3339Nano), features), int32(p.events%2))
		p.events++
	}
	kinds := len(malformed(flights.Model, at))
	step := time.Hour / time.Duration(rounds*kinds+1)
	for round := range rounds {
		for i := range kinds {
			at = at.Add(step)
			bad := malformed(flights.Model, at)[i]
			x := float64(round*100 + i)
			p.sum += x
			good(fmt.Sprintf(`{"x":%v,"tiny":1e-400}`, x))
			r := send(bad.value, int32(i%2))
			key := fmt.Sprintf("%s/%d/%d", topic, r.Partition, r.Offset)
			p.letters[key], p.reasons[key] = r, bad.reason
		}
	}
	return p
}

// produceAfter lets both partitions pass the end of the hour.
func (s *stack) produceAfter(t *testing.T, p produced) {
	t.Helper()
	client := s.client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	at := p.start.Add(2 * time.Hour)
	for partition := range int32(2) {
		r := &kgo.Record{Topic: p.topic, Partition: partition, Timestamp: at,
			Value: fmt.Appendf(nil, `{"model":%q,"ts":%q,"features":{"x":0}}`, flights.Model, at.Format(time.RFC3339Nano))}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// countedVerdict is what these tests look at.
type countedVerdict struct {
	Window struct {
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	} `json:"window"`
	Events   uint64 `json:"events"`
	Late     uint64 `json:"late"`
	Features map[string]struct {
		Type      string   `json:"type"`
		N         uint64   `json:"n"`
		Missing   uint64   `json:"missing"`
		NonFinite uint64   `json:"non_finite"`
		Min       *float64 `json:"min"`
		Max       *float64 `json:"max"`
		Mean      *float64 `json:"mean"`
	} `json:"features"`
}

// TestMalformedRecords: whatever a topic holds, what is an event is counted and
// what is none is found in the dead letters, unchanged.
func TestMalformedRecords(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	const rounds = 3

	var undisturbed map[string][]byte
	t.Run("counted", func(t *testing.T) {
		s.createTopic(t, "mixed", 2)
		want := s.produceMalformed(t, "mixed", rounds)
		s.produceAfter(t, want)
		i := s.run(t, s.write(t, setup{name: "counted", inputs: "{predictions: [mixed]}", model: hourly}))
		undisturbed = s.verdicts(t, "counted", 1)
		want.checkVerdict(t, undisturbed)
		letters := s.records(t, "counted.dead-letters", time.Minute, func(all []*kgo.Record) bool { return len(all) >= len(want.letters) })
		want.checkLetters(t, letters)
		if len(letters) != len(want.letters) {
			t.Errorf("%d dead letters, want %d", len(letters), len(want.letters))
		}
		want.checkMetrics(t, i)
		i.stop()
	})

	// An instance that is killed after it has sent letters, and before a
	// checkpoint holds them, leaves them to the next one, which sends them again
	// and counts nothing twice.
	t.Run("killed", func(t *testing.T) {
		s.createTopic(t, "resent", 2)
		want := s.produceMalformed(t, "resent", rounds)
		config := s.write(t, setup{name: "killed", inputs: "{predictions: [resent]}", model: hourly})
		i := s.run(t, editConfig(t, config, "checkpoint_every: 300ms\nlimits: {idle_after: 1s}", "checkpoint_every: 10m\nlimits: {idle_after: 10m}"))
		first := s.records(t, "killed.dead-letters", time.Minute, func(all []*kgo.Record) bool { return len(all) > 0 })
		i.kill()
		s.produceAfter(t, want)
		i = s.run(t, config)
		sameVerdicts(t, withoutSamples(s.verdicts(t, "killed", 1)), withoutSamples(undisturbed))
		letters := s.records(t, "killed.dead-letters", time.Minute, func(all []*kgo.Record) bool {
			return len(all) >= len(first)+len(want.letters)
		})
		want.checkLetters(t, letters)
		want.checkMetrics(t, i)
		i.stop()
	})
}

// withoutSamples leaves out of verdicts which events were sampled: that depends on the
// topic that they are in.
func withoutSamples(verdicts map[string][]byte) map[string][]byte {
	without := make(map[string][]byte, len(verdicts))
	for key, value := range verdicts {
		without[key] = regexp.MustCompile(`,"sample":\[[^\]]*\]`).ReplaceAll(value, nil)
	}
	return without
}

// editConfig writes a configuration with a text in another's place beside it.
func editConfig(t *testing.T, config, text, instead string) string {
	t.Helper()
	data, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(text)) {
		t.Fatalf("%q is not in\n%s", text, data)
	}
	edited := strings.TrimSuffix(config, ".yaml") + "-edited.yaml"
	if err := os.WriteFile(edited, bytes.ReplaceAll(data, []byte(text), []byte(instead)), 0o600); err != nil {
		t.Fatal(err)
	}
	return edited
}

func (p *produced) checkVerdict(t *testing.T, verdicts map[string][]byte) {
	t.Helper()
	for _, data := range verdicts {
		v := decodeJSON[countedVerdict](t, data)
		if !v.Window.Start.Equal(p.start) || !v.Window.End.Equal(p.start.Add(time.Hour)) {
			t.Errorf("the window is %v to %v", v.Window.Start, v.Window.End)
		}
		if v.Events != p.events || v.Late != 0 {
			t.Errorf("%d events and %d late, want %d and none", v.Events, v.Late, p.events)
		}
		if names := slices.Sorted(maps.Keys(v.Features)); !slices.Equal(names, []string{"tiny", "x"}) {
			t.Fatalf("features %q, want tiny and x", names)
		}
		x, tiny := v.Features["x"], v.Features["tiny"]
		if x.Type != "numeric" || x.N != p.events || x.Missing != 0 || x.NonFinite != 0 || !near(*x.Mean, p.sum/float64(p.events), 1e-12) {
			t.Errorf("x is %+v with a mean of %v, want %d values with a mean of %v", x, *x.Mean, p.events, p.sum/float64(p.events))
		}
		if tiny.N != p.events || tiny.NonFinite != 0 || *tiny.Min != 0 || *tiny.Max != 0 {
			t.Errorf("1e-400 is not 0: %+v, from %v to %v", tiny, *tiny.Min, *tiny.Max)
		}
	}
}

// checkLetters wants every malformed record at least once, and nothing else.
func (p *produced) checkLetters(t *testing.T, letters []*kgo.Record) {
	t.Helper()
	seen := make(map[string]bool)
	for _, letter := range letters {
		key := string(letter.Key)
		sent := p.letters[key]
		if sent == nil {
			t.Errorf("letter %s: no malformed record has this place", key)
			continue
		}
		seen[key] = true
		if !bytes.Equal(letter.Value, sent.Value) || (letter.Value == nil) != (sent.Value == nil) {
			t.Errorf("letter %s (%s): %d bytes, not the %d that were sent (nil: %v and %v)", key, p.reasons[key], len(letter.Value), len(sent.Value), letter.Value == nil, sent.Value == nil)
		}
		headers := make(map[string]string)
		for _, h := range letter.Headers {
			headers[h.Key] = string(h.Value)
		}
		for header, want := range map[string]string{
			"kolmo-reason": string(p.reasons[key]), "kolmo-topic": sent.Topic,
			"kolmo-partition": strconv.Itoa(int(sent.Partition)), "kolmo-offset": strconv.FormatInt(sent.Offset, 10),
		} {
			if headers[header] != want {
				t.Errorf("letter %s: header %s is %q, want %q (%s)", key, header, headers[header], want, headers["kolmo-detail"])
			}
		}
	}
	for key, reason := range p.reasons {
		if !seen[key] {
			t.Errorf("record %s (%s) is in no dead letter", key, reason)
		}
	}
}

// checkMetrics waits until the last checkpoint is counted.
func (p *produced) checkMetrics(t *testing.T, i *instance) {
	t.Helper()
	events := func(result string) string {
		return fmt.Sprintf(`kolmo_events_total{result=%q,topic=%q}`, result, p.topic)
	}
	accepted := float64(p.events + 2) // and the two that closed the hour
	var got map[string]float64
	deadline := time.Now().Add(20 * time.Second)
	for got = i.metrics(t); got[events("accepted")] < accepted && time.Now().Before(deadline); got = i.metrics(t) {
		<-time.After(50 * time.Millisecond)
	}
	want := map[string]float64{
		events("accepted"): accepted,
		events("rejected"): float64(len(p.letters)),
	}
	for _, reason := range p.reasons {
		want[fmt.Sprintf(`kolmo_dead_letters_total{reason=%q,topic=%q}`, reason, p.topic)]++
	}
	for series, value := range got {
		if strings.HasPrefix(series, "kolmo_events_total") || strings.HasPrefix(series, "kolmo_dead_letters_total") {
			if value != want[series] {
				t.Errorf("%s is %v, want %v", series, value, want[series])
			}
			delete(want, series)
		}
	}
	for series, value := range want {
		t.Errorf("%s is missing, want %v", series, value)
	}
}

var runsAt = regexp.MustCompile(`msg="kolmo runs".* address=(http://\S+)`)

// address is where an instance that has been started listens.
func (i *instance) address() string {
	i.t.Helper()
	i.waitFor("kolmo runs")
	found := runsAt.FindStringSubmatch(i.output.String())
	if found == nil {
		i.t.Fatalf("no address in\n%s", i.output)
	}
	return found[1]
}

// metrics reads every series of an instance.
func (i *instance) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	response, err := http.Get(i.address() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read only
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("/metrics: %s: %s", response.Status, body)
	}
	series := make(map[string]float64)
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, found := strings.Cut(lines.Text(), "} ")
		if strings.HasPrefix(name, "#") || !found {
			continue
		}
		if series[name+"}"], err = strconv.ParseFloat(value, 64); err != nil {
			t.Fatalf("%v in %q", err, lines.Text())
		}
	}
	return series
}

func decodeJSON[T any](t *testing.T, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}
