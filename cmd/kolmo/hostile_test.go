package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// hostileNames try to become something else wherever a name is written: a path, a
// key, a label, an element of a page, a line of a log.
func hostileNames() []string {
	return []string{
		"../../etc/passwd", "{}", "{r/x}", "|", "a/b", "%2f", ".", " ", "{{.}}", "${HOME}", "'; DROP TABLE", `\`, `"`, "*",
		`"><script>alert(1)</script>`, "' onmouseover='alert(1)",
		"gnp.\u202eexe", "zero\u200bwidth", "line\u2028separator", "nul\x00", "\x1b[31mred\x1b[0m", "bell\x07",
		"a\nlevel=ERROR msg=forged", "tab\tcr\r", "del\x7f", "c1\u0085", "\ufeffbom", "𝒻𝓇𝒶𝓊𝒹", strings.Repeat("é", 128), "prediction", "__proto__",
	}
}

const hostileModels = `    window: {size: 1h, lateness: 1m}
    reference: {kind: fixed, file: honest.csv}
    drift: {numeric: ks, min_events: 10}
  - name: "*"
    window: {size: 1h, lateness: 1m}
    reference: {kind: fixed, file: honest.csv}
    drift: {numeric: ks, min_events: 10}
    alert: {for: 1, of: 1}
`

// bombs are batches that unpack to much more than they are, by codec.
func bombs() map[string]kgo.CompressionCodec {
	return map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
}

// hostileStream is what was sent, and what must come of it.
type hostileStream struct {
	honest  []*kgo.Record
	reasons map[string]event.Reason // by the key of the dead letter
	passed  int                     // records in refused batches
	sent    int
}

// sendHostile fills a topic of one partition: honest events of three hours, and
// between them bombs, names, times and records that somebody made up.
func (s *stack) sendHostile(t *testing.T, topic string) *hostileStream {
	t.Helper()
	s.createTopic(t, topic, 1)
	out := &hostileStream{reasons: make(map[string]event.Reason)}
	client := s.client(t, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(4<<20))
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	send := func(r *kgo.Record) *kgo.Record {
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		out.sent++
		return r
	}
	key := func(r *kgo.Record) string { return fmt.Sprintf("%s/%d/%d", topic, r.Partition, r.Offset) }
	quoted := func(name string) []byte {
		data, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for hour := range 3 {
		for n := range 20 {
			at := start.Add(time.Duration(hour)*time.Hour + time.Duration(n)*2*time.Minute)
			r := &kgo.Record{Timestamp: at, Value: fmt.Appendf(nil, `{"model":%q,"version":"1","ts":%d,"features":{"amount":%d},"status":"ok"}`, flights.Model, at.UnixMilli(), n*37%997)}
			if n == 3 { // honest, but with a key and headers of half a megabyte
				r.Key = bytes.Repeat([]byte{0xff}, 1<<18)
				for i := range 64 {
					r.Headers = append(r.Headers, kgo.RecordHeader{Key: strings.Repeat("\x00", 10), Value: bytes.Repeat([]byte{byte(i)}, 1<<12)})
				}
			}
			out.honest = append(out.honest, send(r))
			var batch []*kgo.Record
			for _, name := range hostileNames() {
				q := quoted(name)
				features := fmt.Sprintf(`"amount":%d`, 5000+n)
				if name != "prediction" {
					features += fmt.Sprintf(`,%s:%s`, q, q)
				}
				batch = append(batch, &kgo.Record{Timestamp: at, Value: fmt.Appendf(nil,
					`{"model":%s,"version":%s,"ts":%d,"request_id":%s,"features":{%s},"prediction":%s,"status":%s,"latency_ms":-0}`, q, q, at.UnixMilli(), q, features, q, q)})
			}
			if err := client.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			out.sent += len(batch)
		}
		at := start.Add(time.Duration(hour)*time.Hour + 50*time.Minute)
		for codec, compression := range bombs() {
			bomber := s.client(t, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(compression), kgo.ProducerBatchMaxBytes(64<<20),
				kgo.MaxBufferedBytes(256<<20), kgo.ProducerLinger(200*time.Millisecond))
			var batch []*kgo.Record
			for range 40 {
				batch = append(batch, &kgo.Record{Timestamp: at, Value: make([]byte, 1<<20-1024)})
			}
			if err := bomber.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
				t.Fatalf("a bomb of %s: %v", codec, err)
			}
			out.passed += len(batch)
			out.reasons[key(batch[0])] = event.ReasonBatchTooLarge
		}
		for text, reason := range map[string]event.Reason{
			`{"model":"m","ts":"0000-01-01T00:00:00Z"}`:                           event.ReasonInvalidTime,
			`{"model":"m","ts":99999999999999999999999999}`:                       event.ReasonInvalidTime,
			`{"model":"m","ts":-99999999999999}`:                                  event.ReasonInvalidTime,
			`{"model":"m","ts":"9999-12-31T23:59:59Z"}`:                           event.ReasonTooFarAhead,
			`{"model":"` + strings.Repeat("m", 900<<10) + `"}`:                    event.ReasonNameTooLong,
			`{"model":"m","features":{"` + strings.Repeat("f", 900<<10) + `":1}}`: event.ReasonNameTooLong,
			`{"model":"m","prediction":1e400}`:                                    event.ReasonNumberRange,
			`{"model":"m","features":{"x":NaN}}`:                                  event.ReasonInvalidJSON,
			strings.Repeat("[", 1<<19):                                            event.ReasonTooDeep,
		} {
			out.reasons[key(send(&kgo.Record{Timestamp: at, Value: []byte(text)}))] = reason
		}
		// Late, however long ago, and accepted, whatever it is called.
		send(&kgo.Record{Timestamp: at, Value: fmt.Appendf(nil, `{"model":"m","ts":"0001-01-01T00:00:00Z","features":{"x":"NaN","y":"-Infinity","z":-0}}`)})
		send(&kgo.Record{Timestamp: at, Value: fmt.Appendf(nil, `{"model":"m","ts":%d,"features":{"amount":1,"long":"%s"}}`, at.UnixMilli(), strings.Repeat("x", 900<<10))})
	}
	return out
}

// TestHostileRecords: whoever may write to an input topic gets no further than
// being counted.
func TestHostileRecords(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	rows := []string{"amount"}
	for i := range 1000 {
		rows = append(rows, strconv.Itoa(i%997))
	}
	if err := os.WriteFile(filepath.Join(s.folder, "honest.csv"), []byte(strings.Join(rows, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	sent := s.sendHostile(t, "hostile")
	config := s.write(t, setup{name: "attacked", inputs: "{predictions: [hostile]}", model: hostileModels})
	want := programVerdicts(t, config, s.logsOf(t, "hostile", sent.honest))
	i := s.run(t, config)
	got := make(map[string][]byte)
	s.records(t, "attacked.verdicts", time.Minute, func(all []*kgo.Record) bool {
		clear(got)
		for _, r := range all {
			if strings.HasPrefix(string(r.Key), "window/"+flights.Model+"/") {
				got[string(r.Key)] = r.Value
			}
		}
		return len(got) >= len(want)
	})
	sameVerdicts(t, got, want)
	names := make(map[string]bool)
	for _, name := range hostileNames() {
		names[name] = true
	}

	t.Run("dead letters", func(t *testing.T) {
		letters := s.records(t, "attacked.dead-letters", time.Minute, func(all []*kgo.Record) bool { return len(all) >= len(sent.reasons) })
		for _, letter := range letters {
			headers := make(map[string]string)
			for _, h := range letter.Headers {
				headers[h.Key] = string(h.Value)
			}
			if reason := sent.reasons[string(letter.Key)]; headers["kolmo-reason"] != string(reason) {
				t.Errorf("letter %s has the reason %q (%s), want %q", letter.Key, headers["kolmo-reason"], headers["kolmo-detail"], reason)
			}
			if len(headers["kolmo-detail"]) > 1000 {
				t.Errorf("letter %s says %d bytes: %.100s", letter.Key, len(headers["kolmo-detail"]), headers["kolmo-detail"])
			}
			delete(sent.reasons, string(letter.Key))
		}
		for key, reason := range sent.reasons {
			t.Errorf("record %s (%s) is in no dead letter", key, reason)
		}
	})

	t.Run("alerts", func(t *testing.T) {
		fired := make(map[string]bool)
		for _, r := range s.records(t, "attacked.alerts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= len(names) }) {
			a := decodeJSON[struct{ Model, Version, Summary, Status string }](t, r.Value)
			if !names[a.Model] || a.Version != a.Model && a.Model != "*" {
				t.Errorf("an alert of model %q version %q", a.Model, a.Version)
			}
			if strings.ContainsFunc(a.Summary, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
				t.Errorf("the summary has characters that nobody sees: %q", a.Summary)
			}
			fired[a.Model] = true
		}
		for name := range names {
			if !fired[name] {
				t.Errorf("no alert of model %q", name)
			}
		}
	})

	t.Run("metrics", func(t *testing.T) {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(i.get(t, "/metrics")))
		if err != nil {
			t.Fatalf("the metrics page cannot be parsed: %v", err)
		}
		seen := make(map[string]bool)
		for _, m := range families["model_requests_total"].GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "model" {
					seen[l.GetValue()] = true
				}
			}
		}
		for name := range names {
			if !seen[name] {
				t.Errorf("model %q has no label", name)
			}
		}
		for name := range seen {
			if !names[name] && name != flights.Model && name != "m" {
				t.Errorf("nobody sent model %q", name)
			}
		}
		series := i.metrics(t)
		if n := sumOf(series, "kolmo_dead_letters_total", `reason="batch_too_large"`); n != 12 {
			t.Errorf("%v bombs are counted, want 12", n)
		}
		if n := sumOf(series, "kolmo_events_total", ""); int(n) != sent.sent+sent.passed {
			t.Errorf("%v records are counted, want %d", n, sent.sent+sent.passed)
		}
	})

	t.Run("pages", func(t *testing.T) {
		start := i.get(t, "/")
		checkPage(t, "/", start)
		links := regexp.MustCompile(`href="(/?model[^"]*)"`).FindAllStringSubmatch(start, -1)
		if len(links) < len(names) {
			t.Errorf("%d links on the start page", len(links))
		}
		for _, link := range links[:min(len(links), 40)] {
			path := "/" + strings.TrimPrefix(html.UnescapeString(link[1]), "/")
			checkPage(t, path, i.get(t, path))
		}
	})

	t.Run("keys in Redis", func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{Addr: s.redis})
		defer func() { _ = rdb.Close() }() // read only
		plain := regexp.MustCompile(`^attacked:\{[0-9a-zA-Z:/_-]+\}(:[a-z0-9:.]+)?$`)
		keys := 0
		for scan := rdb.Scan(t.Context(), 0, "*", 1000).Iterator(); scan.Next(context.Background()); keys++ {
			if !plain.MatchString(scan.Val()) {
				t.Errorf("a key is called %q", scan.Val())
			}
		}
		if keys == 0 {
			t.Error("there are no keys")
		}
	})

	if peak := i.peak(); peak >= 1e9 {
		t.Errorf("%d bytes were resident", peak)
	}
	i.stop()
	line := regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=`)
	for _, text := range strings.Split(strings.TrimSuffix(i.output.String(), "\n"), "\n") {
		if !line.MatchString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 4000 {
			t.Errorf("a line of the log: %.300q", text)
		}
	}
}

// checkPage looks for what a name must not become.
func checkPage(t *testing.T, path, page string) {
	t.Helper()
	for _, text := range []string{"<script>alert", "<img src=x", "onmouseover='", "\u202e", "\x00", "\x1b", "\x07", "\u200b", "\x7f"} {
		if strings.Contains(page, text) {
			t.Errorf("page %q contains %q", path, text)
		}
	}
}
