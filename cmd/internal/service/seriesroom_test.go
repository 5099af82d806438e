package service

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// The estimate of a line is at least what the line takes, and not twice as much for
// a name of some length.
func TestLinesAreEstimated(t *testing.T) {
	for _, name := range []string{"fraud", strings.Repeat("x", 256), strings.Repeat("\"", 256), strings.Repeat("\n", 100), `\`, "é\u202e\x00"} {
		registry := prometheus.NewRegistry()
		counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "model_requests_total", Help: "."}, []string{"model", "version", "status"})
		registry.MustRegister(counter)
		counter.WithLabelValues(name, "1", name).Add(1e15)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var page strings.Builder
		if _, err := expfmt.MetricFamilyToText(&page, families[0]); err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(page.String(), "\n")
		line, estimate := int64(len(lines[2])), lineBytes("model_requests_total", []string{name, "1", name})
		if estimate < line || estimate > 2*line {
			t.Errorf("%q: a line of %d bytes is estimated as %d", name, line, estimate)
		}
	}
}

func TestAFloodOfNamesLeavesRoomForTheNamed(t *testing.T) {
	room := newSeriesRoom(100_000, map[string]bool{"named": true})
	taken := 0
	for i := range 10_000 {
		if room.take(fmt.Sprint(i), 1, "metric", fmt.Sprint(i)) {
			taken++
		}
	}
	if taken == 0 || taken > 1000 || !room.take("named", 300, "metric", "named") {
		t.Errorf("%d names took room, and %d bytes of it", taken, room.taken)
	}
	if room.take("named", 2000, "metric", "named") {
		t.Error("there is more than there is")
	}
	before := room.taken
	room.take("1", -1, "metric", "1")
	if room.taken >= before || !newSeriesRoom(0, nil).take("1", 1<<20, "metric") {
		t.Error("what is given back is kept, or no bound is one")
	}
}
