package main

import (
	"bytes"
	"log/slog"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

// readLogs reads a topic as the reference program wants it: partition by
// partition, in offset order.
func (s *stack) readLogs(t *testing.T, topic string, limits event.Limits) []windowstest.Log {
	t.Helper()
	admin := kadm.NewClient(s.client(t))
	details, err := admin.ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := admin.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	logs := make([]windowstest.Log, len(details[topic].Partitions))
	var total int64
	for i := range logs {
		logs[i].ID = windows.PartitionID{Topic: windows.TopicID(details[topic].ID), Partition: int32(i)}
		end, _ := ends.Lookup(topic, int32(i))
		total += end.Offset
	}
	client := s.client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	decoder := event.NewDecoder(limits)
	for seen := int64(0); seen < total; {
		fetches := client.PollFetches(t.Context())
		if t.Context().Err() != nil {
			t.Fatalf("%d of %d records of topic %s", seen, total, topic)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			seen++
			var e event.Event
			if err := decoder.Decode(event.Predictions, bytes.Clone(r.Value), &e); err != nil {
				return
			}
			o := windows.Observation{
				Offset: r.Offset, RecordTime: windows.TimestampOf(r.Timestamp), Time: windows.TimestampOf(r.Timestamp),
				Model: bytes.Clone(e.Model), Version: bytes.Clone(e.Version), HasFeatures: e.HasFeatures,
				IsPrediction: true, Prediction: own(e.Prediction), Status: bytes.Clone(e.Status), HasLatency: e.HasLatency, Latency: e.LatencyMillis,
			}
			if e.HasTime {
				o.Time = windows.Timestamp(e.Time)
			}
			for _, f := range e.Features {
				o.Features = append(o.Features, windows.Field{Name: bytes.Clone(f.Name), Value: own(f.Value)})
			}
			logs[r.Partition].Records = append(logs[r.Partition].Records, o)
		})
	}
	return logs
}

func own(v windows.Value) windows.Value {
	v.Text = bytes.Clone(v.Text)
	return v
}

// programVerdicts are what the single-threaded reference program says of the
// logs, under a configuration whose one reference is a file.
func programVerdicts(t *testing.T, configFile string, logs []windowstest.Log) map[string][]byte {
	t.Helper()
	config, err := configs.Load(configFile, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	options, err := service.Configured(config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = options.Redis.Close() })
	var made *reference.Reference
	var grid *windows.Grid
	for _, configured := range options.Configured {
		if made, err = configured.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		grid = made.Grid()
	}
	settings := func(model string) *alerts.Settings { s := options.Models(model).Settings; return &s }
	program := windowstest.Program{
		Settings: func(model string) *windows.Settings { return &settings(model).Settings },
		MaxAhead: options.MaxAhead, ForgetAfter: config.Limits.ForgetAfter, Limits: options.Limits,
		Grid: func(string, string, windows.Timestamp) *windows.Grid { return grid },
	}
	verdicts := make(map[string][]byte)
	progress := make(map[alerts.Version]*alerts.Progress)
	program.Run(logs, func(c windowstest.Closed) {
		v := alerts.Version{Model: c.Model, Version: c.Version}
		if progress[v] == nil {
			progress[v] = alerts.NewProgress(v)
		}
		out := alerts.Close(settings(c.Model), alerts.Step{Progress: progress[v], Due: c.Window, Parts: c.Parts, Reference: made})
		progress[v] = out.Progress
		value, err := out.Verdict.Encode(kafka.VerdictMaxBytes)
		if err != nil {
			t.Fatal(err)
		}
		verdicts[string(kafka.VerdictKey(v, out.Verdict.Window.Start))] = value
	})
	return verdicts
}
