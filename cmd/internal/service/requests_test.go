package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// Events are read from exactly where they stand, several of one partition too, and
// of each that cannot be it is said why.
func TestRequestsAreReadFromTheirPlaces(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "predictions"), kfake.SeedTopics(1, "features", "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}
	feed, err := kgo.NewClient(append(client, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	var records []*kgo.Record
	for i := range 200 {
		records = append(records, &kgo.Record{
			Topic: "predictions", Partition: int32(i % 2), Timestamp: at.Add(time.Duration(i) * time.Second),
			Value: fmt.Appendf(nil, `{"model":"fraud","version":3,"request_id":"r%d","features":{"amount":%d.5,"country":"DE","coupon":null,"note":""},"prediction":0.25,"status":"declined","latency_ms":4.75}`, i, i),
		})
	}
	records = append(records,
		&kgo.Record{Topic: "predictions", Partition: 1, Value: []byte("no event"), Timestamp: at},
		&kgo.Record{Topic: "features", Value: []byte(`{"model":"fraud","ts":"2026-03-02T11:00:00Z","features":{"x":"NaN"}}`), Timestamp: at},
		&kgo.Record{Topic: "secrets", Value: []byte(`{"model":"fraud"}`), Timestamp: at})
	if err := feed.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if _, err := kadm.NewClient(feed).DeleteRecords(t.Context(), kadm.Offsets{"predictions": {0: {Topic: "predictions", Partition: 0, At: 10}}}); err != nil {
		t.Fatal(err)
	}
	reader := newRequestReader(client, []consumer.Topic{{Name: "predictions", Role: event.Predictions}, {Name: "features", Role: event.Features}}, event.Limits{})
	places := []drift.Place{
		{Topic: "predictions", Partition: 1, Offset: 99}, {Topic: "predictions", Partition: 1, Offset: 3}, {Topic: "predictions", Partition: 0, Offset: 50},
		{Topic: "features", Partition: 0, Offset: 0},
		{Topic: "predictions", Partition: 1, Offset: 100}, {Topic: "predictions", Partition: 0, Offset: 9}, {Topic: "secrets", Partition: 0, Offset: 0},
		{Topic: "predictions", Partition: 1, Offset: -2},
	}
	requests, err := reader.read(t.Context(), places)
	if err != nil || len(requests) != len(places) {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	for i, n := range []int{199, 7, 100} {
		want := evidence.Request{
			Model: "fraud", Version: "3", ID: fmt.Sprintf("r%d", n), Time: at.Add(time.Duration(n) * time.Second), Prediction: "0.25", Status: "declined", Latency: "4.75",
			Fields: []evidence.RequestField{{Name: "amount", Value: fmt.Sprintf("%d.5", n)}, {Name: "country", Value: "DE"}, {Name: "coupon", Value: "null"}, {Name: "note", Value: `""`}},
		}
		if got := requests[i]; got.ID != want.ID || !got.Time.Equal(want.Time) || got.Model != want.Model || got.Version != want.Version ||
			got.Prediction != want.Prediction || got.Status != want.Status || got.Latency != want.Latency || !slices.Equal(got.Fields, want.Fields) {
			t.Errorf("at %+v is %+v, want %+v", places[i], got, want)
		}
	}
	if got := requests[3]; got.Absent != "" || got.Time != at.Add(time.Hour) || got.Prediction != "" || got.Fields[0].Value != "NaN" {
		t.Errorf("an event of the features' topic is %+v", got)
	}
	for i, want := range []string{"no event that kolmo understands", "no longer holds it", "not among those that kolmo reads", "no place in a topic"} {
		if got := requests[4+i].Absent; !strings.Contains(got, want) {
			t.Errorf("of %+v it is said %q", places[4+i], got)
		}
	}
}

// Who comes while somebody else reads is told so when the time for it is up.
func TestOneReadsRequestsAtATime(t *testing.T) {
	reader := newRequestReader(nil, nil, event.Limits{})
	reader.busy <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.read(ctx, []drift.Place{{Topic: "predictions"}}); !errors.Is(err, evidence.ErrBusy) {
		t.Errorf("the second one gets %v", err)
	}
	<-reader.busy
	if _, err := reader.read(t.Context(), []drift.Place{{Topic: "predictions"}}); err != nil {
		t.Errorf("the next one gets %v", err)
	}
}

// Brokers that say nothing hold a page up for a bounded time.
func TestRequestsDoNotWaitForKafka(t *testing.T) {
	reader := newRequestReader([]kgo.Opt{kgo.SeedBrokers("127.0.0.1:1")}, []consumer.Topic{{Name: "predictions", Role: event.Predictions}}, event.Limits{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	requests, err := reader.read(ctx, []drift.Place{{Topic: "predictions", Offset: 3}})
	if err != nil || !strings.Contains(requests[0].Absent, "did not answer in time") {
		t.Errorf("%+v, %v", requests, err)
	}
}
