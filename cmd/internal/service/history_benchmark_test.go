package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// BenchmarkHistoryFromKafka reads 45 days of hourly verdicts of a hundred models,
// twenty features with their quantiles each, from a real Kafka, and single ones
// again.
func BenchmarkHistoryFromKafka(b *testing.B) {
	const models, hours, partitions = 100, 45 * 24, 8
	options := Options{Client: []kgo.Opt{kgo.SeedBrokers(servers.Kafka(b).Brokers()...)}, Outputs: Outputs{Verdicts: "verdicts", Alerts: "alerts"}, Log: slog.New(slog.DiscardHandler)}
	client, err := kgo.NewClient(append(options.Client, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.Lz4Compression()))...)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	forever := "-1"
	if _, err := kadm.NewClient(client).CreateTopics(b.Context(), partitions, 1, map[string]*string{"retention.ms": &forever}, "verdicts", "alerts"); err != nil {
		b.Fatal(err)
	}
	number := func(x float64) *drift.Number {
		n := drift.Number(x)
		return &n
	}
	template := &drift.Verdict{Schema: drift.Schema, Kind: "window", Model: "MODEL", Version: "1", Events: 1000, Features: make(map[string]*drift.Feature)}
	for i := range 20 {
		q := new(drift.Quantiles)
		for j := range 33 {
			q.P, q.Reference, q.Current = append(q.P, float64(j)/32), append(q.Reference, float64(i*j)*1.2345), append(q.Current, float64(i*j)*1.3345)
		}
		template.Features[fmt.Sprintf("feature_%02d", i)] = &drift.Feature{N: 1000, Test: "ks", Method: "binned", Statistic: number(0.03), Effect: number(0.03), Quantiles: q}
	}
	now := time.Now().UTC().Truncate(time.Hour)
	size := 0
	for hour := range hours {
		start := now.Add(time.Duration(hour-hours) * time.Hour)
		template.Window = drift.Bounds{Start: start, End: start.Add(time.Hour)}
		record, err := json.Marshal(template)
		if err != nil {
			b.Fatal(err)
		}
		for model := range models {
			value := bytes.Replace(record, []byte("MODEL"), fmt.Appendf(nil, "model-%03d", model), 1)
			size += len(value)
			client.Produce(b.Context(), &kgo.Record{Topic: "verdicts", Partition: int32(model % partitions), Value: value, Timestamp: start.Add(time.Hour)}, func(_ *kgo.Record, err error) {
				if err != nil {
					b.Error(err)
				}
			})
		}
	}
	if err := client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("all", func(b *testing.B) {
		b.SetBytes(int64(size))
		for b.Loop() {
			history := evidence.NewHistory(evidence.Limits{})
			tail, err := newHistoryTail(options, history)
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan struct{})
			began := time.Now()
			go func() {
				defer close(ended)
				tail.run(ctx)
			}()
			lastDay := false
			for done := false; !done; <-time.After(10 * time.Millisecond) {
				if !lastDay && history.Stats().Windows >= 24*models {
					lastDay = true
					b.ReportMetric(time.Since(began).Seconds(), "s-to-last-day")
				}
				tail.mu.Lock()
				done = tail.progress.Done
				tail.mu.Unlock()
			}
			cancel()
			<-ended
			if n := history.Stats().Windows; n != models*hours {
				b.Fatalf("%d windows were read, of %d", n, models*hours)
			}
		}
		b.ReportMetric(models*hours, "verdicts")
	})
	b.Run("one again", func(b *testing.B) {
		archive := newVerdictArchive(options)
		offset := int64(0)
		for b.Loop() {
			if _, err := archive.Read(b.Context(), evidence.Place{Partition: 3, Offset: offset % (models / partitions * hours)}); err != nil {
				b.Fatal(err)
			}
			offset += 997
		}
	})
}
