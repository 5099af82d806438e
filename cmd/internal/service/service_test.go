package service

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// A flightsCase is how one run of the flights is set up.
type flightsCase struct {
	sampleSize    int
	referenceSize int
	first         int // windows that make the reference; 0: the file does
}

func (c flightsCase) settings(t *testing.T) alerts.Settings {
	t.Helper()
	d := &windows.Definition{Origin: windows.Unset, Lateness: 2 * time.Minute}
	d.Size, _ = windows.ParseSpan("168h")
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	s := alerts.Settings{
		Settings: windows.Settings{Definition: d, SampleSize: c.sampleSize, ReferenceSize: c.referenceSize},
		MaxAhead: time.Hour, ForgetAfter: 24 * time.Hour, FirstWindows: c.first, Drift: drift.Default(),
		Policy: alerts.Policy{For: 2, Of: 3, ResolveAfter: 2, Severity: "critical"},
	}
	s.Drift.Numeric = "ks"
	return s
}

func (c flightsCase) options(t *testing.T, brokers []string, rdb redis.UniversalClient) Options {
	t.Helper()
	settings := c.settings(t)
	limits := windows.Limits{Models: 1000, Features: 4000, Categories: 1000}
	o := Options{
		Brokers: brokers, Client: []kgo.Opt{kgo.SeedBrokers(brokers...)}, Redis: rdb, Prefix: "kolmo", Group: "kolmo",
		Inputs: []consumer.Topic{{Name: "predictions", Role: event.Predictions}},
		Outputs: Outputs{
			Verdicts: "kolmo.verdicts", Progress: "kolmo.progress", References: "kolmo.references", Alerts: "alerts",
			DeadLetters: "kolmo.dead-letters", Create: true, Partitions: 4, Replication: 1,
		},
		SessionTimeout: 10 * time.Second, FetchMaxBytes: 50 << 20,
		Limits: limits, MaxAhead: time.Hour, IdleAfter: time.Second, CheckpointEvery: 500 * time.Millisecond,
		FeatureSeries: 1000, Log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	pattern := ""
	if c.first == 0 {
		pattern = flights.Model
		o.Configured = []kafka.Configured{{
			Pattern: pattern,
			Source:  func() (string, error) { return "flights", nil },
			Load: func(context.Context) (*reference.Reference, error) {
				r, err := dataset.OpenFS(flights.Files(), flights.ReferenceName, event.Limits{})
				if err != nil {
					return nil, err
				}
				defer func() { _ = r.Close() }()
				return reference.Build(reference.Fixed, &dataset.Observations{Reader: r}, c.referenceSize, limits)
			},
		}}
	}
	o.Models = func(string) Model { return Model{Settings: settings, Pattern: pattern} }
	return o
}

// testWriter sends log lines to the test.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	if os.Getenv("KOLMO_TEST_LOG") != "" {
		w.t.Log(string(bytes.TrimSpace(p)))
	}
	return len(p), nil
}

// produceFlights sends the flights, spread over the partitions by their key,
// with their event time as the record's.
func produceFlights(t *testing.T, brokers []string, partitions int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MaxBufferedRecords(50_000), kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), partitions, 1, nil, "predictions"); err != nil {
		t.Fatal(err)
	}
	events, err := dataset.OpenFS(flights.Files(), flights.EventsName, event.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = events.Close() }()
	var failure error
	var mu sync.Mutex
	var row dataset.Row
	for {
		err := events.Next(&row)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		r := &kgo.Record{Topic: "predictions", Key: bytes.Clone(row.RequestID), Value: bytes.Clone(row.Raw), Timestamp: time.UnixMilli(row.Time)}
		client.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				mu.Lock()
				failure = err
				mu.Unlock()
			}
		})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if failure != nil {
		t.Fatal(failure)
	}
}

// collect reads verdicts, read committed, until there are so many.
func collect(t *testing.T, brokers []string, count int, timeout time.Duration) map[string][]byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("kolmo.verdicts"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.UnknownTopicRetries(-1), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	verdicts := make(map[string][]byte)
	for len(verdicts) < count {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d verdicts after %v", len(verdicts), count, timeout)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if _, twice := verdicts[string(r.Key)]; twice {
				t.Errorf("verdict %s was published twice", r.Key)
			}
			verdicts[string(r.Key)] = r.Value
		})
	}
	return verdicts
}

// embedded starts a Kafka and a Redis in this process.
func embedded(t *testing.T) (brokers []string, rdb *redis.Client) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	rdb = redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	return cluster.ListenAddrs(), rdb
}

// start runs an instance until the test ends.
func start(t *testing.T, o Options) *Service {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Start(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return s
}

// The whole pipeline in one process: every week of the flights gets its
// verdict, once.
func TestFlightsOnEmbeddedServers(t *testing.T) {
	brokers, rdb := embedded(t)
	produceFlights(t, brokers, 4)
	start(t, flightsCase{sampleSize: 1024, referenceSize: 10_000}.options(t, brokers, rdb))
	verdicts := collect(t, brokers, 22, 5*time.Minute)
	if len(verdicts) != 22 {
		t.Errorf("%d verdicts, want 22", len(verdicts))
	}
}
