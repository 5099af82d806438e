package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

// sendBacklog fills a topic with so many small events of a week, all partitions at
// the same pace.
func (s *stack) sendBacklog(t *testing.T, topic string, partitions int32, events int) []windowstest.Log {
	t.Helper()
	s.createTopic(t, topic, partitions)
	client := s.client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(topic), kgo.MaxBufferedRecords(100_000))
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	step := 7 * 24 * time.Hour / time.Duration(events)
	var mu sync.Mutex
	var sent []*kgo.Record
	for i := range events {
		at := start.Add(step * time.Duration(i))
		r := &kgo.Record{Partition: int32(i) % partitions, Timestamp: at,
			Value: fmt.Appendf(nil, `{"model":%q,"version":"1","ts":%d,"features":{"amount":%d}}`, flights.Model, at.UnixMilli(), i%997)}
		client.Produce(t.Context(), r, func(r *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			sent = append(sent, r)
			mu.Unlock()
		})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.logsOf(t, topic, sent)
}

// writeHonest writes the reference of the honest model.
func (s *stack) writeHonest(t *testing.T) {
	t.Helper()
	rows := []string{"amount"}
	for i := range 1000 {
		rows = append(rows, strconv.Itoa(i%997))
	}
	if err := os.WriteFile(filepath.Join(s.folder, "honest.csv"), []byte(strings.Join(rows, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBacklog: a week of events waits for one instance. What it takes follows from
// the configuration, not from how much there is, and every window is as it should
// be.
func TestBacklog(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.writeHonest(t)
	const events = 1_500_000
	logs := s.sendBacklog(t, "week", 4, events)
	config := s.write(t, setup{name: "behind", inputs: "{predictions: [week]}", model: honestModel})
	config = editConfig(t, config, "limits: {", "memory_limit: 128MiB\nlimits: {")
	want := programVerdicts(t, config, logs)
	began := time.Now()
	i := s.run(t, config)
	got := s.verdicts(t, "behind", len(want))
	sameVerdicts(t, got, want)
	peak := i.peak()
	t.Logf("%d events and %d windows took %v; at most %d MiB were resident", events, len(want), time.Since(began).Round(time.Millisecond), peak>>20)
	if peak > 256<<20 {
		t.Errorf("%d bytes were resident", peak)
	}
	i.stop()
}

// TestAPartitionThatDoesNotGoOn: the others stop at the horizon, everybody is told
// for whom they wait, and all go on when it does.
func TestAPartitionThatDoesNotGoOn(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.writeHonest(t)
	s.createTopic(t, "stuck", 3)
	client := s.client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic("stuck"))
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var sent []*kgo.Record
	send := func(partition int32, minute int) {
		at := start.Add(time.Duration(minute) * time.Minute)
		r := &kgo.Record{Partition: partition, Timestamp: at,
			Value: fmt.Appendf(nil, `{"model":%q,"version":"1","ts":%d,"features":{"amount":%d}}`, flights.Model, at.UnixMilli(), minute)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, r)
	}
	const minutes = 8 * 60
	send(1, 5)
	for minute := range minutes {
		send(0, minute)
		send(2, minute)
	}
	config := s.write(t, setup{name: "waits", inputs: "{predictions: [stuck]}", model: honestModel})
	patient := editConfig(t, config, "idle_after: 1s", "idle_after: 1h") // no partition is idle
	i := s.run(t, patient)

	// Everything that ends by 12:05 is closed: a pane is begun that starts at 13:00,
	// an hour later, at most. The first event of the next one is held.
	const horizon = 2 * 60
	admin := kadm.NewClient(s.client(t))
	committed := func() (offsets [3]int64) {
		fetched, err := admin.FetchOffsets(t.Context(), "waits")
		if err != nil {
			t.Fatal(err)
		}
		for partition := range offsets {
			if o, ok := fetched.Lookup("stuck", int32(partition)); ok {
				offsets[partition] = o.At
			}
		}
		return offsets
	}
	i.waitFor("partitions wait for one that does not go on")
	want := [3]int64{horizon, 1, horizon}
	for deadline := time.Now().Add(20 * time.Second); committed() != want && time.Now().Before(deadline); {
		<-time.After(100 * time.Millisecond)
	}
	for range 20 { // and no further
		if got := committed(); got != want {
			t.Fatalf("the partitions have come to %v, want %v", got, want)
		}
		<-time.After(100 * time.Millisecond)
	}
	if out := i.output.String(); !strings.Contains(out, "partition=stuck/1 watermark=2026-03-01T12:05:00Z behind=1h55m0s waiting=2") {
		t.Error("the log does not say for whom everybody waits")
	}
	series := i.metrics(t)
	if n := sumOf(series, "kolmo_slowest_partition_waited_for_seconds", `partition="1",topic="stuck"`); n < 5 {
		t.Errorf("partition 1 has been waited for %v s, say the metrics", n)
	}
	if n := sumOf(series, "kolmo_slowest_partition_behind_seconds", `partition="1",topic="stuck"`); n != 115*60 {
		t.Errorf("partition 1 is %v s behind, say the metrics", n)
	}
	if n := sumOf(series, "kolmo_partition_held", ""); n != 2 {
		t.Errorf("%v partitions are held", n)
	}
	if page := i.get(t, "/"); !strings.Contains(page, "<bdi>stuck/1</bdi>") || !strings.Contains(page, "12:05 UTC, 1 h 55 min behind") {
		t.Errorf("the start page does not say for whom everybody waits:\n%s", page)
	}
	for range s.countRecords(t, "waits.verdicts") {
		t.Error("a window was closed")
	}

	// It goes on, and so does everybody.
	for minute := 6; minute < minutes; minute++ {
		send(1, minute)
	}
	i.waitFor("the partition that others waited for goes on")
	i.stop()
	i = s.run(t, config) // in which partitions are idle, so that the last window closes
	wanted := programVerdicts(t, config, s.logsOf(t, "stuck", sent))
	sameVerdicts(t, s.verdicts(t, "waits", len(wanted)), wanted)
	if page := i.get(t, "/"); strings.Contains(page, "Windows wait") {
		t.Error("the start page says that windows wait")
	}
	i.stop()
}

// countRecords is how many records a topic holds, markers of transactions included.
func (s *stack) countRecords(t *testing.T, topic string) (n int64) {
	t.Helper()
	ends, err := kadm.NewClient(s.client(t)).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(end kadm.ListedOffset) { n += end.Offset })
	return n
}
