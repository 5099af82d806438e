package consumer

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// A topic that has never brought anything is there as zero: rules cannot tell what is
// missing from what is nothing.
func TestTopicsAreCountedFromZero(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry, nil)
	m.begin([]Topic{{Name: "features", Role: event.Features}})
	want := `
# HELP kolmo_events_total Records read, by topic and what became of them.
# TYPE kolmo_events_total counter
kolmo_events_total{result="accepted",topic="features"} 0
kolmo_events_total{result="deleted_unread",topic="features"} 0
kolmo_events_total{result="late",topic="features"} 0
kolmo_events_total{result="over_limit",topic="features"} 0
kolmo_events_total{result="rejected",topic="features"} 0
# HELP kolmo_over_limit_total What the input had beyond a limit, and was counted under __other__ or not at all.
# TYPE kolmo_over_limit_total counter
kolmo_over_limit_total{limit="categories"} 0
kolmo_over_limit_total{limit="features"} 0
kolmo_over_limit_total{limit="memory"} 0
kolmo_over_limit_total{limit="metrics"} 0
kolmo_over_limit_total{limit="models"} 0
kolmo_over_limit_total{limit="open_windows"} 0
kolmo_over_limit_total{limit="statuses"} 0
kolmo_over_limit_total{limit="versions"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "kolmo_events_total", "kolmo_over_limit_total"); err != nil {
		t.Error(err)
	}
}

func TestAPartitionSaysHowItStands(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry, nil)
	m.position("predictions", 0, time.Minute, true, true, false)
	m.position("predictions", 1, 0, false, false, true) // nothing was ever read: it has no watermark
	m.position("predictions", 2, time.Hour, true, false, false)
	m.gone("predictions", 2)
	want := `
# HELP kolmo_partition_held 1 while a partition waits for others to be closed.
# TYPE kolmo_partition_held gauge
kolmo_partition_held{partition="0",topic="predictions"} 1
kolmo_partition_held{partition="1",topic="predictions"} 0
# HELP kolmo_partition_idle 1 while Kafka says that a partition has nothing more to read, and nothing has come for limits.idle_after.
# TYPE kolmo_partition_idle gauge
kolmo_partition_idle{partition="0",topic="predictions"} 0
kolmo_partition_idle{partition="1",topic="predictions"} 1
# HELP kolmo_watermark_lag_seconds How far a partition's watermark is behind the clock.
# TYPE kolmo_watermark_lag_seconds gauge
kolmo_watermark_lag_seconds{partition="0",topic="predictions"} 60
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "kolmo_partition_held", "kolmo_partition_idle", "kolmo_watermark_lag_seconds"); err != nil {
		t.Error(err)
	}
}
