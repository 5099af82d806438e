package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
	rules "github.com/kolmo-ml/kolmo/deploy/prometheus"
)

// inSeconds are the shipped rules with seconds where people want minutes; what they
// compare stays.
func inSeconds(t *testing.T) string {
	t.Helper()
	text, err := rules.Health(rules.Default()).Encode()
	if err != nil {
		t.Fatal(err)
	}
	shorter := string(text)
	for _, change := range [][2]string{
		{"offset 5m >= 285", "offset 10s >= 9"}, {"offset 5m < 285", "offset 10s < 9"}, {"[30m]", "[10s]"}, {"> 900", "> 20"},
		{"for: 5m", "for: 1s"}, {"for: 10m", "for: 1s"}, {"for: 15m", "for: 1s"}, {"for: 2m", "for: 1s"},
	} {
		if !strings.Contains(shorter, change[0]) {
			t.Fatalf("the rules lack %q", change[0])
		}
		shorter = strings.ReplaceAll(shorter, change[0], change[1])
	}
	return shorter
}

// TestFourDifferentThings: a topic without data, a version without a reference, a
// partition that is stuck, and Kafka that answers no more are four alerts, each of
// which fires for what it says and for nothing else, on real servers.
func TestFourDifferentThings(t *testing.T) {
	t.Parallel()
	kafka := servers.Kafka(t)
	s := &stack{t: t, folder: t.TempDir(), brokers: kafka.Brokers(), redis: servers.Redis(t).Addr()}
	port, err := local.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s.createTopic(t, "predictions", 2)
	s.createTopic(t, "features", 1)
	config := s.write(t, setup{name: "four", inputs: "{predictions: [predictions], features: [features]}", model: `    window: {size: 5s, lateness: 1s}
    reference: {kind: fixed}
`})
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer("listen: 127.0.0.1:0", fmt.Sprintf("listen: 127.0.0.1:%d", port), "{idle_after: 1s}", "{idle_after: 1s, max_ahead: 10s}").Replace(string(text))
	if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, config)
	p := servers.Prometheus(t, func(o *local.PrometheusOptions) {
		o.Config = fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [kolmo-rules.yaml]
scrape_configs: [{job_name: kolmo, static_configs: [{targets: ["127.0.0.1:%d"]}]}]
`, port)
		if err := os.WriteFile(filepath.Join(o.Dir, "kolmo-rules.yaml"), []byte(inSeconds(t)), 0o600); err != nil {
			t.Fatal(err)
		}
	})

	// Both partitions of predictions get ten events a second. The producer of the second
	// one can have a clock that stands.
	var stands atomic.Pointer[time.Time]
	client := s.client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			now := <-tick.C
			for partition := range int32(2) {
				at := now
				if frozen := stands.Load(); frozen != nil && partition == 1 {
					at = *frozen
				}
				client.Produce(ctx, &kgo.Record{Topic: "predictions", Partition: partition, Timestamp: at, Value: fmt.Appendf(nil,
					`{"model":%q,"version":"1","ts":%d,"features":{"amount":1}}`, flights.Model, at.UnixMilli())}, nil)
			}
		}
	})
	defer func() {
		stop()
		sending.Wait()
	}()

	noData, noReference := "KolmoNoData features", "KolmoReferenceMissing "+flights.Model+" 1"
	stuck := "KolmoPartitionStuck predictions 1"
	// so waits until exactly these fire; now and then is time for what is wrong to fire, too.
	so := func(what string, want ...string) {
		t.Helper()
		slices.Sort(want)
		since := time.Now()
		var fire []string
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(90 * time.Second); time.Since(since) < 3*time.Second; <-tick.C {
			result, err := query(t, p, `ALERTS{alertstate="firing"}`)
			if err != nil {
				t.Fatal(err)
			}
			fire = nil
			for _, labels := range labelsOf(result) {
				fire = append(fire, strings.Join(strings.Fields(strings.Join([]string{labels["alertname"], labels["topic"], labels["partition"], labels["model"], labels["model_version"]}, " ")), " "))
			}
			slices.Sort(fire)
			if !slices.Equal(fire, want) {
				since = time.Now()
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %q fire, want %q", what, fire, want)
			}
		}
	}
	so("one topic is silent, and there is no reference", noData, noReference)
	frozen := time.Now()
	stands.Store(&frozen)
	so("a producer's clock stands", noData, noReference, stuck)
	stands.Store(nil)
	so("it goes on", noData, noReference)
	if err := kafka.Pause(); err != nil {
		t.Fatal(err)
	}
	so("Kafka answers no more", "KolmoBehind")
	if err := kafka.Resume(); err != nil {
		t.Fatal(err)
	}
	so("Kafka is back", noData, noReference)
}
