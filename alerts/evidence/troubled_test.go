package evidence

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// troubledPages are pages over a long history that is still being read, with names
// longer than a phone is wide and everything in the way of watching that there is.
func troubledPages(t *testing.T) (http.Handler, map[string]string) {
	t.Helper()
	f := fleet{models: 3, windows: 1000}
	h := f.fill(t)
	id := alerts.Version{Model: strings.Repeat("unbroken", 30), Version: strings.Repeat("v", 100), Segment: strings.Repeat("segment", 10)}
	long := storyVerdict(id.Model, id.Version, 999, map[string]*drift.Feature{strings.Repeat("a_long_name_of_a_feature", 8): numericFeature(0.3, true)})
	long.Segment, long.Error = id.Segment, strings.Repeat("could-not-be-compared", 20)
	bare := storyVerdict("bare", "1", 999, map[string]*drift.Feature{"x": {N: 400, Untested: "there is no reference yet"}})
	bare.Reference = nil
	silent := storyVerdict("silent", "1", 999, nil)
	silent.Events = 0
	add(t, h, long, bare, silent)
	for hour, state := range []string{"inactive", "pending", "firing"} {
		v := storyVerdict("alerted", "1", 997+hour, map[string]*drift.Feature{"x": numericFeature(0.2, true)})
		v.Alerts = []drift.AlertState{
			{Kind: "feature_drift", State: state, Windows: hour, For: 2, Of: 3, Since: &storyStart},
			{Kind: "traffic", State: "inactive", For: 2, Of: 2, Silenced: strings.Repeat("because", 40)},
		}
		v.Performance.Objectives = []drift.Promise{{Name: "latency_p99", Objective: 20, Value: 22, Bad: 1300, Of: 120000, Missed: true}}
		v.Traffic = &drift.Traffic{Events: 3, Usual: 1000, Basis: "slot", Far: true}
		add(t, h, v)
	}
	addAlert(t, h, storyAlert("1", id.Model, id.Version, alerts.Firing, 999))
	h.Reading(Progress{Read: 1, Total: 2})
	pages := NewHandler(h, discard(), func() (Waiting, bool) {
		return Waiting{Partition: strings.Repeat("predictions", 20) + "/1", Watermark: &storyStart, Held: 2, Since: storyStart}, true
	}, WithArchive(f), WithClock(func() time.Time { return storyStart.Add(1100 * time.Hour) }))
	return pages, map[string]string{
		"overview":      "",
		"alerted":       alerts.ModelPath(alerts.Version{Model: "alerted", Version: "1"}, time.Time{}),
		"model":         alerts.ModelPath(f.id(1), time.Time{}),
		"list":          alerts.ModelPath(f.id(1), time.Time{}) + "&days=all&list=2",
		"long names":    alerts.ModelPath(id, time.Time{}),
		"no data":       alerts.ModelPath(alerts.Version{Model: "silent", Version: "1"}, time.Time{}),
		"no reference":  alerts.ModelPath(alerts.Version{Model: "bare", Version: "1"}, time.Time{}),
		"feature":       alerts.FeaturePath(f.id(1), time.Time{}, "feature_03"),
		"still read":    alerts.ModelPath(id, storyStart),
		"nothing known": alerts.ModelPath(alerts.Version{Model: id.Model}, time.Time{}),
	}
}
