package evidence

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A fleet is what large users have: many models, hourly windows, as many days as
// verdicts are kept, twenty features each. Its records are shorter than real ones,
// which carry quantiles as well; what is kept of them is the same. It is an archive
// of whole ones.
type fleet struct{ models, windows int }

func (f fleet) id(model int) alerts.Version {
	return alerts.Version{Model: fmt.Sprintf("model-%03d", model), Version: "1"}
}

// Read implements Archive: a partition is a model, an offset the hour.
func (f fleet) Read(_ context.Context, place Place) ([]byte, error) {
	if int(place.Partition) >= f.models || int(place.Offset) >= f.windows {
		return nil, ErrGone
	}
	return f.record(int(place.Partition), int(place.Offset)), nil
}

// record is a verdict in which now and then one of the features drifts, and in
// which days differ from nights.
func (f fleet) record(model, hour int) []byte {
	start := storyStart.Add(time.Duration(hour) * time.Hour)
	id := f.id(model)
	day := math.Sin(float64(hour) * math.Pi / 12)
	out := fmt.Appendf(make([]byte, 0, 4096), `{"schema":1,"kind":"window","model":%q,"version":%q,"segment":"","window":{"start":%q,"end":%q},"events":%d,"late":0,"incomplete":false,"reference":{"id":"sha256:6f1c","kind":"fixed","rows":50000},"drifted":false,"features":{`,
		id.Model, id.Version, start.Format(time.RFC3339), start.Add(time.Hour).Format(time.RFC3339), 10000+int(4000*day))
	for i := range 20 {
		if i > 0 {
			out = append(out, ',')
		}
		effect := 0.02 + 0.001*float64((hour*7+i*13+model)%50)
		drifted := (hour/5+i*31+model*17)%97 == 0
		if drifted {
			effect += 0.12
		}
		out = fmt.Appendf(out, `"feature_%02d":{"type":"numeric","n":10000,"missing":%d,"non_finite":0,"test":"ks","method":"binned","statistic":%g,"p_value":0.2,"p_adjusted":0.4,"effect":%g,"drifted":%t}`,
			i, (hour+i)%40, effect, effect, drifted)
	}
	return fmt.Appendf(out, `},"performance":{"requests":{"success":9990,"error":10},"error_rate":%g,"throughput":2.8,"latency_ms":{"p50":4.1,"p90":9,"p95":12.5,"p99":%g,"max":180}}}`,
		0.001+0.0005*day, 20+5*day)
}

// fill reads it all as an instance does that starts: the last day first.
func (f fleet) fill(tb testing.TB) *History {
	tb.Helper()
	h := NewHistory(Limits{})
	to := f.windows
	for _, from := range []int{f.windows - 24, f.windows - 7*24, f.windows - 30*24, 0} {
		from = max(from, 0)
		for hour := from; hour < to; hour++ {
			for model := range f.models {
				if err := h.AddVerdictAt(Place{Partition: int32(model), Offset: int64(hour)}, storyStart.Add(time.Duration(hour+1)*time.Hour), f.record(model, hour)); err != nil {
					tb.Fatal(err)
				}
			}
		}
		to = from
	}
	return h
}

// pages are the paths that on-call people open.
func (f fleet) pages() map[string]string {
	id := f.id(f.models / 2)
	old := storyStart.Add(time.Duration(f.windows/3) * time.Hour)
	return map[string]string{
		"overview":         "",
		"model":            alerts.ModelPath(id, time.Time{}),
		"model, all days":  alerts.ModelPath(id, time.Time{}) + "&days=all",
		"model, long ago":  alerts.ModelPath(id, old) + "&days=30",
		"model, listed":    alerts.ModelPath(id, time.Time{}) + "&days=all&list=3",
		"feature":          alerts.FeaturePath(id, time.Time{}, "feature_07"),
		"feature, all":     alerts.FeaturePath(id, old, "feature_07") + "&days=all",
		"models as JSON":   "api/v1/models",
		"verdicts as JSON": "api/v1/verdicts?name=x&model=" + id.Model + "&version=" + id.Version,
	}
}

// What a browser has to read and lay out is bounded however long the history is:
// that, and not a stopwatch, is what keeps the first paint early.
func TestPagesStayLight(t *testing.T) {
	const windows = 90 * 24
	light := func(handler http.Handler, name, path string, mostBytes, mostElements int) {
		t.Helper()
		answer := get(t, handler, path)
		if answer.Code != http.StatusOK {
			t.Fatalf("%s answers %d", name, answer.Code)
		}
		body := answer.Body.String()
		parse(t, body)
		if n := elements(t, body); len(body) > mostBytes || n > mostElements {
			t.Errorf("%s has %d bytes and %d elements; at most %d and %d are meant", name, len(body), n, mostBytes, mostElements)
		}
	}
	one := fleet{models: 1, windows: windows}
	handler := NewHandler(one.fill(t), discard(), nil, WithArchive(one))
	for name, path := range one.pages() {
		if !strings.HasSuffix(name, "JSON") {
			light(handler, name, path, 300<<10, 2500)
		}
	}
	many := fleet{models: 200, windows: 30}
	light(NewHandler(many.fill(t), discard(), nil, WithArchive(many)), "overview of many", "", 500<<10, 6000)
}

// elements counts what the browser makes of a page.
func elements(t *testing.T, page string) (n int) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(page))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := token.(xml.StartElement); ok {
			n++
		}
	}
}

// What the history counts is what it takes.
func TestBytesAreWhatTheyCount(t *testing.T) {
	f := fleet{models: 20, windows: 500}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	h := f.fill(t)
	runtime.GC()
	runtime.ReadMemStats(&after)
	counted, taken := float64(h.Stats().Bytes), float64(after.HeapAlloc)-float64(before.HeapAlloc)
	if ratio := taken / counted; ratio < 0.5 || ratio > 1.25 {
		t.Errorf("the history counts %.0f bytes and takes %.0f", counted, taken)
	}
	recount(t, h)
}

// What the limits say that there is room for, there is.
func TestTheLimitsHaveRoom(t *testing.T) {
	const windows = 200 * 90 * 24
	for features, most := range map[int]int64{20: 320, 50: 450} {
		b := &brief{}
		for range features {
			b.features = append(b.features, briefFeature{})
		}
		w := newWindow(b, Place{}, time.Time{}, nil, func(int, func(int) string) *nameList { return nil })
		if w.size > most {
			t.Errorf("a window with %d features takes %d bytes", features, w.size)
		}
		if l := DefaultLimits(); windows*w.size > l.Bytes-l.Records {
			t.Errorf("%d windows with %d features take %d bytes", windows, features, windows*w.size)
		}
	}
}

// The fleet that the project promises to be fast for, whole.
var promised = fleet{models: 200, windows: 90 * 24}

func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		h := promised.fill(b)
		b.ReportMetric(float64(h.Stats().Bytes)/(1<<20), "MiB")
		b.ReportMetric(float64(h.Stats().Windows), "windows")
		b.ReportMetric(float64(h.Stats().EvictedWindows), "evicted")
	}
}

func BenchmarkPages(b *testing.B) {
	handler := NewHandler(promised.fill(b), discard(), nil, WithArchive(promised))
	for name, path := range promised.pages() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/"+path, nil))
				if answer.Code != http.StatusOK {
					b.Fatalf("%s answers %d", path, answer.Code)
				}
				b.ReportMetric(float64(answer.Body.Len())/1024, "KiB/page")
			}
		})
	}
}

// BenchmarkFirstPaint asks Chromium when it has painted the first content, by its
// own clock from the moment it began to navigate: from another page, as by a link,
// so that its own start does not count. For that a script is put into the pages,
// which their policy would not let run. "nothing" is a page of one sentence, which
// tells what is the browser's own.
func BenchmarkFirstPaint(b *testing.B) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		b.Fatal(err)
	}
	handler := NewHandler(promised.fill(b), discard(), nil, WithArchive(promised))
	paths := promised.pages()
	paths["nothing"] = "model?name=unknown"
	for name, path := range paths {
		if strings.HasSuffix(name, "JSON") {
			continue
		}
		b.Run(name, func(b *testing.B) {
			sum := 0.0
			for b.Loop() {
				sum += firstPaint(b, chromium, handler, path)
			}
			b.ReportMetric(sum/float64(b.N), "ms-to-first-paint")
			b.ReportMetric(0, "ns/op") // mostly the browser's start
		})
	}
}

const paintScript = `<script>new PerformanceObserver(list => { for (const e of list.getEntriesByName("first-contentful-paint")) fetch("/painted?ms=" + e.startTime) }).observe({type: "paint", buffered: true})</script></body>`

func firstPaint(b *testing.B, chromium string, handler http.Handler, path string) float64 {
	b.Helper()
	painted := make(chan float64, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/painted" {
			ms, err := strconv.ParseFloat(r.URL.Query().Get("ms"), 64)
			if err != nil {
				b.Error(err)
			}
			select {
			case painted <- ms:
			default:
			}
			return
		}
		if r.URL.Path == "/begin" {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, `<p>Another page.</p><script>addEventListener("load", () => setTimeout(() => location = %q, 500))</script>`, "/"+path) // as below
			return
		}
		if r.URL.Path == "/style.css" || r.URL.Path == "/icon.svg" {
			handler.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		_, _ = io.WriteString(w, strings.Replace(answer.Body.String(), "</body>", paintScript, 1)) // the browser is gone when it fails
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	profile, err := os.MkdirTemp("", "kolmo-paint-") //nolint:usetesting // b.TempDir would fail while the browser's last children still write
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(profile) }()
	// With a port for debugging it stays until it is ended.
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--user-data-dir="+profile, server.URL+"/begin")
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // it was killed
	}()
	select {
	case ms := <-painted:
		return ms
	case <-ctx.Done():
		b.Fatal("Chromium never said when it had painted")
		return 0
	}
}
