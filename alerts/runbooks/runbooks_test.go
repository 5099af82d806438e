package runbooks

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/alertmanager"
	"github.com/kolmo-ml/kolmo/alerts/evidence"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/alerts/webhook"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/consumer/event"
	rules "github.com/kolmo-ml/kolmo/deploy/prometheus"
)

// all reads every runbook.
func all(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, name := range Names() {
		text, err := Text(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = text
	}
	return texts
}

// Whatever can wake somebody has a runbook, and nothing else does.
func TestEveryAlertHasARunbook(t *testing.T) {
	fire := make(map[string]bool)
	for _, kind := range alerts.Kinds() {
		fire[kind.AlertName()] = true
	}
	for _, file := range []*rules.File{rules.Health(rules.Default()), rules.Models(rules.Default())} {
		for _, name := range file.Alerts() {
			fire[name] = true
		}
	}
	texts := all(t)
	for name := range fire {
		if texts[name] == "" {
			t.Errorf("%s fires, and nobody has written what to do", name)
		}
	}
	for name := range texts {
		if !fire[name] {
			t.Errorf("%s has a runbook and never fires", name)
		}
	}
}

func TestRunbooksHaveOneShape(t *testing.T) {
	want := []string{"## Is it real? Two minutes", "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"}
	for name, text := range all(t) {
		if !strings.HasPrefix(text, "# "+name+"\n\n") {
			t.Errorf("%s does not begin with its name", name)
		}
		if got := regexp.MustCompile(`(?m)^## .*$`).FindAllString(text, -1); !slices.Equal(got, want) {
			t.Errorf("%s has the sections %q, want %q", name, got, want)
		}
		_, first, _ := strings.Cut(text, want[0])
		first, _, _ = strings.Cut(first, want[1])
		if !strings.Contains(first, "\n1. ") || !strings.Contains(first, "\n2. ") {
			t.Errorf("%s: what to do in two minutes is no list of steps", name)
		}
		if strings.Count(text, "```promql") == 0 {
			t.Errorf("%s asks nothing of Prometheus", name)
		}
		for line := range strings.Lines(regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")) {
			if len([]rune(line)) > 121 {
				t.Errorf("%s has a long line: %s", name, line)
			}
		}
	}
}

// described is a Registerer that only listens.
type described struct {
	prometheus.Registerer // nothing else is called
	names                 map[string]bool
}

func (d *described) MustRegister(collectors ...prometheus.Collector) {
	for _, c := range collectors {
		descriptions := make(chan *prometheus.Desc, 100)
		c.Describe(descriptions)
		close(descriptions)
		for desc := range descriptions {
			d.names[regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(desc.String())[1]] = true
		}
	}
}

// A runbook that names what is not there costs the minutes it should save.
func TestWhatRunbooksNameIsThere(t *testing.T) {
	d := &described{names: map[string]bool{"kolmo_build_info": true}}
	consumer.NewMetrics(d, nil)
	kafka.NewMetrics(d, 1, nil)
	alertmanager.NewMetrics(d)
	webhook.NewMetrics(d)
	webhook.NewNotifierMetrics(d)
	recorded := make(map[string]bool)
	for _, g := range rules.Health(rules.Default()).Groups {
		for _, r := range g.Rules {
			recorded[r.Record] = true
		}
	}
	keys := make(map[string]bool)
	for _, key := range configs.Keys() {
		for path := key.Path; path != ""; {
			keys[path] = true
			_, path, _ = strings.Cut(path, ".")
		}
	}
	texts := all(t)
	for name, text := range texts {
		for _, metric := range regexp.MustCompile(`\b(?:kolmo|model)_[a-z_]+`).FindAllString(text, -1) {
			base := strings.TrimSuffix(metric, "_bucket")
			if !d.names[base] && metric != "model_version" && !strings.Contains(text, "topic_partition:"+metric+":") {
				t.Errorf("%s names %s, which nobody exposes", name, metric)
			}
		}
		for _, series := range regexp.MustCompile(`\b[a-z_]+:kolmo_\w+:\w+`).FindAllString(text, -1) {
			if !recorded[series] {
				t.Errorf("%s names %s, which nobody records", name, series)
			}
		}
		for _, m := range regexp.MustCompile("`((?:alert|drift|window|reference|limits|kafka|redis|alertmanager|slo|traffic)\\.[a-z_.]+)`").FindAllStringSubmatch(text, -1) {
			if !keys[m[1]] {
				t.Errorf("%s names the key %s, which there is not", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\]\(([A-Z]\w+)\)`).FindAllStringSubmatch(text, -1) {
			if texts[m[1]] == "" {
				t.Errorf("%s links to %s, which has no runbook", name, m[1])
			}
		}
	}
	for name, text := range texts {
		for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1) {
			var lines []string
			for line := range strings.Lines(m[1]) {
				lines = append(lines, strings.TrimPrefix(strings.TrimRight(line, "\n"), "  "))
			}
			config := "kafka: {brokers: [localhost:9092]}\nredis: {addresses: [localhost:6379]}\n" + strings.Join(lines, "\n")
			if _, problems := configs.Parse(name, []byte(config), func(string) (string, bool) { return "", false }); len(problems) > 0 {
				t.Errorf("%s shows a configuration that is not taken: %v\n%s", name, problems, config)
			}
		}
	}
	for _, m := range regexp.MustCompile("`([a-z]+(?:_[a-z]+)+)`").FindAllStringSubmatch(texts["KolmoDeadLetters"], -1) {
		if !slices.Contains(event.Reasons(), event.Reason(m[1])) {
			t.Errorf("no record is refused as %s", m[1])
		}
	}
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder
}

func TestRunbooksAreServed(t *testing.T) {
	h, err := NewHandler()
	if err != nil {
		t.Fatal(err)
	}
	page := evidence.NewHandler(evidence.NewHistory(evidence.Limits{}), slog.New(slog.DiscardHandler), nil)
	evidenceHeader := get(page, "/").Header()
	paths := map[string]int{"/runbooks/": http.StatusOK, "/runbooks/NoSuchAlert": http.StatusNotFound, "/runbooks/../secret": http.StatusNotFound}
	for _, name := range Names() {
		paths["/"+alerts.RunbookPath(name)] = http.StatusOK
	}
	for path, code := range paths {
		response := get(h, path)
		body := response.Body.String()
		if response.Code != code {
			t.Errorf("%s answers %d, want %d", path, response.Code, code)
		}
		for _, header := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control"} {
			if got, want := response.Header().Get(header), evidenceHeader.Get(header); got != want {
				t.Errorf("%s: %s is %q, the page's is %q", path, header, got, want)
			}
		}
		for _, wanted := range []string{`<link rel="stylesheet" href="../style.css" />`, "<h1>", `<html lang="en">`} {
			if !strings.Contains(body, wanted) {
				t.Errorf("%s does not have %s", path, wanted)
			}
		}
		for _, unwanted := range []string{"<script", "style=", "<!-- raw HTML omitted"} {
			if strings.Contains(body, unwanted) {
				t.Errorf("%s has %s", path, unwanted)
			}
		}
	}
	list := get(h, "/runbooks/").Body.String()
	for name, text := range all(t) {
		if !strings.Contains(list, fmt.Sprintf(`<a href="%s">%[1]s</a>`, name)) || lead(text) == "" {
			t.Errorf("the list lacks %s", name)
		}
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/runbooks/KolmoBehind", nil))
	if recorder.Code != http.StatusMethodNotAllowed {
		t.Errorf("a POST answers %d", recorder.Code)
	}
}
