package alertmanager

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

// One upstream breaks: forty models have broken data, and the drift that comes of it.
// One of them drifts in fifty features, and another has had a warning that became
// critical. On call is paged once for each of these, and once when it is over.
func TestOneCauseIsOnePage(t *testing.T) {
	t.Parallel()
	r := servers.NewPager(t)
	client := pushes(t, starts(t, shipped(t, r)))

	var broken, stands []alerts.Standing
	for i := range 40 {
		model := fmt.Sprintf("model-%02d", i)
		broken = append(broken, standing(model, alerts.DataQuality, "critical"))
		stands = append(stands, standing(model, alerts.FeatureDrift, "critical"), standing(model, alerts.PredictionDrift, "warning"))
	}
	stands = append(stands, broken...)
	stands = append(stands, standing("wide", alerts.FeatureDrift, "critical", culprits(5)...),
		standing("worse", alerts.PredictionDrift, "warning"), standing("worse", alerts.PredictionDrift, "critical"))
	want := []string{"pager: 1 fire, 0 over: ModelFeatureDrift", "pager: 1 fire, 0 over: ModelPredictionDrift", "pager: 40 fire, 0 over: ModelDataQuality"}
	// They come one by one, and what is only an effect first.
	next := time.NewTicker(10 * time.Millisecond)
	defer next.Stop()
	for i := range stands {
		client.Notify(0, stands[i:i+1])
		<-next.C
	}
	during(t, client, stands, 30*time.Second, "on call was paged three times", func() bool { return len(r.Told()) >= 3 })
	forAWhile(t, client, stands, 7*time.Second)
	if got := summary(r); !slices.Equal(got, want) {
		t.Fatalf("told was\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, n := range r.Told() {
		switch n.CommonLabels["alertname"] {
		case "ModelFeatureDrift":
			if features := n.Alerts[0].Annotations["features"]; n.Alerts[0].Labels["model"] != "wide" || !strings.HasPrefix(features, "feature-00 (ks, effect 0.5)") {
				t.Errorf("the page of fifty features is of %v, and names %q", n.Alerts[0].Labels, features)
			}
		case "ModelPredictionDrift":
			if n.Alerts[0].Labels["model"] != "worse" {
				t.Errorf("paged is %v", n.Alerts[0].Labels)
			}
		}
	}

	// The upstream is repaired. What it had hidden ends with it, and is named as over in the
	// notification on the group that it was in all the time: not one page more.
	for i := range stands {
		stands[i] = over(stands[i])
	}
	during(t, client, stands, 30*time.Second, "on call was told that all is over", func() bool { return len(r.Told()) >= 6 })
	forAWhile(t, client, stands, 7*time.Second)
	want = append(want, "pager: 0 fire, 41 over: ModelFeatureDrift", "pager: 0 fire, 1 over: ModelPredictionDrift", "pager: 0 fire, 40 over: ModelDataQuality")
	slices.Sort(want)
	if got := summary(r); !slices.Equal(got, want) {
		t.Errorf("told was\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Where kolmo sees nothing, the models' silence is not told; who runs kolmo is told, and
// nobody else. What is only worth knowing waits for the morning.
func TestWhoIsToldWhat(t *testing.T) {
	t.Parallel()
	r := servers.NewPager(t)
	const officeHours = `      - weekdays: ["monday:friday"]
        times: [{start_time: "08:00", end_time: "18:00"}]
`
	config := shipped(t, r, officeHours, "      - years: [\"2000\"]\n") // it is always night
	if !strings.Contains(config, `years: ["2000"]`) {
		t.Fatal("alertmanager.yaml states no office hours")
	}
	a := starts(t, config)
	client := pushes(t, a)
	stands := []alerts.Standing{
		standing("silent", alerts.Traffic, "critical"), standing("slow", alerts.Performance, "warning"), standing("odd", alerts.FeatureDrift, "info"),
	}
	// Prometheus, rather than kolmo, tells that kolmo sees nothing, and does so first.
	fromPrometheus(t, a, "KolmoNoData", "warning", "topic", "predictions")
	fromPrometheus(t, a, "KolmoOverLimit", "info", "limit", "features")
	fromPrometheus(t, a, "KolmoNotClosing", "critical", "shard", "1")
	want := []string{"chat: 1 fire, 0 over: ModelPerformance", "operators-pager: 1 fire, 0 over: KolmoNotClosing", "operators: 1 fire, 0 over: KolmoNoData"}
	during(t, client, stands, 30*time.Second, "three were told", func() bool { return len(r.Told()) >= 3 })
	forAWhile(t, client, stands, 7*time.Second)
	if got := summary(r); !slices.Equal(got, want) {
		t.Errorf("told was\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The members of a cluster are told everything, and on call is told once, whatever
// becomes of one of them.
func TestAClusterTellsOnce(t *testing.T) {
	t.Parallel()
	r := servers.NewPager(t)
	config := shipped(t, r)
	clustered := func(peers ...string) func(*local.AlertmanagerOptions) {
		return func(o *local.AlertmanagerOptions) { o.Clustered, o.Peers = true, peers }
	}
	one := starts(t, config, clustered())
	two := starts(t, config, clustered(one.ClusterAddr()))
	for _, a := range []*local.Alertmanager{one, two} {
		within(t, 30*time.Second, "both are members of one cluster", func() bool { return members(t, a) == 2 })
	}
	client := pushes(t, one, two)
	stands := []alerts.Standing{standing("fraud", alerts.FeatureDrift, "critical"), standing("scoring", alerts.FeatureDrift, "critical")}
	during(t, client, stands, 30*time.Second, "on call was paged", func() bool { return len(r.Told()) > 0 })
	forAWhile(t, client, stands, 8*time.Second)
	want := []string{"pager: 2 fire, 0 over: ModelFeatureDrift"}
	if got := summary(r); !slices.Equal(got, want) {
		t.Fatalf("told was %q, want %q", got, want)
	}

	if err := one.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "it is a member again", func() bool {
		client.Notify(0, stands)
		return members(t, one) == 2 && members(t, two) == 2
	})
	forAWhile(t, client, stands, 8*time.Second)
	if got := summary(r); !slices.Equal(got, want) {
		t.Fatalf("after a restart told was %q, want %q", got, want)
	}

	// A member that looks a moment before the others have told what is over would tell once
	// more what fires: so it is over just after the one that looks last has looked.
	last := one
	if position(t, two) > position(t, one) {
		last = two
	}
	looked := looks(t, last)
	during(t, client, stands, 30*time.Second, "the last one has looked", func() bool { return looks(t, last) != looked })
	for i := range stands {
		stands[i] = over(stands[i])
	}
	during(t, client, stands, 30*time.Second, "on call was told that it is over", func() bool { return len(r.Told()) > 1 })
	forAWhile(t, client, stands, 8*time.Second)
	want = []string{"pager: 0 fire, 2 over: ModelFeatureDrift", "pager: 2 fire, 0 over: ModelFeatureDrift"}
	if got := summary(r); !slices.Equal(got, want) {
		t.Errorf("told was %q, want %q", got, want)
	}
}
