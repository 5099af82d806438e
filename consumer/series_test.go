package consumer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/windows"
)

// Names that go on for ever make a page of a certain size, the counts are
// complete, and a model that is named is counted under its own name.
func TestTheMetricsPageDoesNotGrowWithTheNames(t *testing.T) {
	left := 200
	room := func(model string, lines int, _ string, _ ...string) bool {
		if model != "named" && left < lines {
			return false
		}
		left -= lines
		return true
	}
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry, room)
	const events = 20_000
	p := newPending()
	for i := range events {
		p.accepted++
		model, status := fmt.Sprint("model ", i), fmt.Sprint("status ", i)
		if i%10 == 0 {
			model = "named"
		}
		p.request(model, "1", []byte(status), 0.1, true)
		p.lateByModel[model]++
		if i%1000 == 999 {
			m.committed("topic", &p)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series, counted, named := 0, map[string]float64{}, map[string]float64{}
	for _, family := range families {
		name := family.GetName()
		for _, metric := range family.GetMetric() {
			series++
			value := metric.GetCounter().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			counted[name] += value
			for _, label := range metric.GetLabel() {
				if label.GetName() == "model" && label.GetValue() == "named" {
					named[name] += value
				}
			}
		}
	}
	if series > 500 {
		t.Errorf("%d series", series)
	}
	for _, name := range []string{"model_requests_total", "model_latency_seconds", "kolmo_late_events_total"} {
		if counted[name] != events || named[name] != events/10 {
			t.Errorf("%s counts %v, %v of the named model", name, counted[name], named[name])
		}
	}
	if counted["kolmo_over_limit_total"] == 0 {
		t.Error("nothing says that names were put together")
	}
}

func TestStatusesOfAModelAreLimited(t *testing.T) {
	l := newLabelled(nil)
	seen := make(map[string]bool)
	for i := range 1000 {
		key, status := l.request(modelKey{"m", "1"}, fmt.Sprint(i))
		if key.model != "m" || i < maxStatusLabels && status != fmt.Sprint(i) {
			t.Fatalf("status %d is %v %s", i, key, status)
		}
		seen[status] = true
	}
	if len(seen) != maxStatusLabels+1 || !seen[windows.Other] {
		t.Errorf("%d statuses", len(seen))
	}
}

func TestEveryLimitSaysWhatHappensAndWhatToDo(t *testing.T) {
	said := make(map[string]bool)
	for i := range (windows.Exceeded{}) {
		l := windows.Limit(i)
		what, todo := consequence(l), mend(l)
		if said[what] || what == consequence(255) || !strings.Contains(todo, " ") || l.String() == "unknown" {
			t.Errorf("limit %v: %s; %s", l, what, todo)
		}
		said[what] = true
	}
}
