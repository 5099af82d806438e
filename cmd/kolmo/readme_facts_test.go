package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/alertmanager"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/alerts/webhook"
	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer"
)

// documentedMetrics are the rows of the README's table: labels by name.
func documentedMetrics(t *testing.T) map[string]string {
	t.Helper()
	metrics := make(map[string]string)
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:kolmo|model)_\\w+)(?:\\{([\\w,]+)\\})?` \\|").FindAllStringSubmatch(readme(t), -1) {
		metrics[m[1]] = m[2]
	}
	return metrics
}

// described is a Registerer that only listens.
type described struct {
	prometheus.Registerer // nothing else is called
	labels                map[string]string
}

var description = regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([^}]*)\}`)

func (d *described) MustRegister(collectors ...prometheus.Collector) {
	for _, c := range collectors {
		all := make(chan *prometheus.Desc, 100)
		c.Describe(all)
		close(all)
		for desc := range all {
			m := description.FindStringSubmatch(desc.String())
			d.labels[m[1]] = m[2]
		}
	}
}

func (d *described) Register(c prometheus.Collector) error {
	d.MustRegister(c)
	return nil
}

// TestReadmeMetrics holds names and labels against the code. kolmo_build_info is
// the service's own; the walk through the README sees it.
func TestReadmeMetrics(t *testing.T) {
	d := &described{labels: map[string]string{"kolmo_build_info": "version,commit"}}
	consumer.NewMetrics(d, nil)
	kafka.NewMetrics(d, 1, nil)
	alertmanager.NewMetrics(d)
	webhook.NewMetrics(d)
	webhook.NewNotifierMetrics(d)
	sorted := func(labels string) string {
		names := strings.Split(labels, ",")
		slices.Sort(names)
		return strings.Join(names, ",")
	}
	documented := documentedMetrics(t)
	for name, labels := range d.labels {
		switch got, ok := documented[name]; {
		case !ok:
			t.Errorf("README.md does not list the metric %s{%s}", name, labels)
		case sorted(got) != sorted(labels):
			t.Errorf("README.md says %s{%s}, the labels are %s", name, got, labels)
		}
	}
	for name := range documented {
		if _, ok := d.labels[name]; !ok {
			t.Errorf("README.md lists the metric %s, which there is not", name)
		}
	}
}

// TestReadmeNames: a single word in code style is a configuration key, a topic
// of kolmo's, a field of an event or a verdict, or a value of one.
func TestReadmeNames(t *testing.T) {
	names := make(map[string]bool)
	for _, fields := range []string{
		"ts prediction status latency_ms",      // of events
		"method statistic_error statistic",     // of a feature in a verdict
		"exact binned sampled",                 // values of method
		"current.csv events.ndjson kolmo.yaml", // files of the walk
		"java make backtest",                   // programs, and one of kolmo's commands
	} {
		for name := range strings.FieldsSeq(fields) {
			names[name] = true
		}
	}
	for name := range documentedMetrics(t) {
		names[name] = true
	}
	for _, kind := range alerts.Kinds() {
		names[string(kind)] = true
	}
	for _, key := range configs.Keys() {
		names[strings.Trim(key.Default, "`")] = true // topics among them
		for path := key.Path; path != ""; {
			names[path] = true
			_, path, _ = strings.Cut(path, ".")
		}
	}
	text := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(readme(t), "")
	for _, m := range regexp.MustCompile("`([a-z_]+(?:\\.[a-z_]+)*)`").FindAllStringSubmatch(text, -1) {
		if !names[m[1]] {
			t.Errorf("README.md names `%s`, which is no key, metric, field or value", m[1])
		}
	}
}

func TestReadmeExitCodes(t *testing.T) {
	for code, args := range map[int][]string{
		exitFine:    {"version"},
		exitFailed:  {"check", "--reference", "no-such.csv", "--current", "no-such.csv"},
		exitUsage:   {"no-such-command"},
		exitDrifted: nil, // the walk through the README sees it
	} {
		if !strings.Contains(readme(t), fmt.Sprintf("\n| %d | ", code)) {
			t.Errorf("README.md does not list exit code %d", code)
		}
		var output bytes.Buffer
		if args == nil {
			continue
		}
		if got := run(t.Context(), args, &output, &output); got != code {
			t.Errorf("kolmo %v ends with %d, want %d: %s", args, got, code, output.String())
		}
	}
}

// TestReadmeNumbers works out again what the README says in figures.
func TestReadmeNumbers(t *testing.T) {
	tests, significant, large, columns := 0, 0, 0, 0
	weeks := expectations(t)
	for _, w := range weeks {
		w.Features["prediction"] = w.Prediction
		columns = len(w.Features)
		for _, f := range w.Features {
			if f.KS == nil {
				continue
			}
			tests++
			if f.KS.P < 0.05 {
				significant++
				if f.KS.D >= 0.1 {
					large++
				}
			}
		}
	}
	thousands := func(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }
	text := strings.Join(strings.Fields(readme(t)), " ")
	for _, want := range []string{
		thousands(flights.EventCount) + " flights",
		fmt.Sprintf("Of the %d Kolmogorov–Smirnov tests of the demo (eleven columns in %d weeks), %d have p < 0.05; %d of those have a D of at least 0.1",
			tests, len(weeks), significant, large),
		fmt.Sprintf("Of %d independent features that have not changed, at least one has p < 0.05 in %.0f %% of all windows",
			columns, 100*(1-math.Pow(0.95, float64(columns)))),
		fmt.Sprintf("SciPy's in all %d weeks", len(weeks)),
		fmt.Sprintf("at most %s million numbers", map[int]string{8_000_000: "eight"}[exactValues]),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("README.md should say %q", want)
		}
	}
	if tests != 11*len(weeks) {
		t.Errorf("%d tests in %d weeks are not eleven columns", tests, len(weeks))
	}
}

// TestReadmeLinks follows the links between the documents, and weighs the
// picture.
func TestReadmeLinks(t *testing.T) {
	for _, document := range []string{
		"README.md", "windows/README.md", "windows/twosample/README.md", "windows/reference/README.md", "windows/drift/README.md",
		"configs/README.md", "alerts/README.md", "alerts/webhook/README.md", "cmd/internal/replay/README.md", "CHANGELOG.md",
		"deploy/README.md", "deploy/prometheus/README.md", "deploy/alertmanager/README.md", "deploy/grafana/README.md",
	} {
		data, err := os.ReadFile(filepath.Join(repository, document))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(data), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			info, err := os.Stat(filepath.Join(repository, filepath.Dir(document), m[1]))
			switch {
			case err != nil:
				t.Errorf("%s links to %s: %v", document, m[1], err)
			case strings.HasSuffix(m[1], ".png") && info.Size() > 300_000:
				t.Errorf("%s is %d bytes", m[1], info.Size())
			}
		}
	}
}
