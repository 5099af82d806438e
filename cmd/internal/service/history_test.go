package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/evidence"
	"github.com/kolmo-ml/kolmo/alerts/runbooks"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A log of verdicts: hourly windows of two models, each in a partition. The last
// day's are published an hour's transaction at a time, and some of them taken back.
// Those before are not, for the marks of transactions bear the broker's time, and
// these records an earlier one.
type publishedLog struct {
	options Options
	admin   *kadm.Client
	now     time.Time
	hours   int
}

func (l publishedLog) id(partition int32) alerts.Version {
	return alerts.Version{Model: fmt.Sprint("model-", partition), Version: "1"}
}

// window is when the hour's began; the record came an hour after.
func (l publishedLog) window(hour int) time.Time {
	return l.now.Add(time.Duration(hour-l.hours-1) * time.Hour)
}

func (l publishedLog) verdict(partition int32, hour int) *kgo.Record {
	id := l.id(partition)
	v := &drift.Verdict{
		Schema: drift.Schema, Kind: "window", Model: id.Model, Version: id.Version, Events: uint64(hour + 1),
		Window:   drift.Bounds{Start: l.window(hour), End: l.window(hour + 1)},
		Features: map[string]*drift.Feature{"amount": {N: 7, Test: "ks", Method: "exact"}},
	}
	value, _ := json.Marshal(v) // a verdict has nothing that JSON has not
	return &kgo.Record{Topic: l.options.Outputs.Verdicts, Partition: partition, Value: value, Timestamp: l.window(hour + 1)}
}

// publish writes hours of the log, or what a failed close leaves behind.
func (l publishedLog) publish(t *testing.T, from, to int) {
	t.Helper()
	client, err := kgo.NewClient(append(slices.Clone(l.options.Client), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("shard"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	plain, err := kgo.NewClient(append(slices.Clone(l.options.Client), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	var records []*kgo.Record
	for ; from < min(to, l.hours-24); from++ {
		records = append(records, l.verdict(0, from), l.verdict(1, from))
	}
	if err := plain.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for hour := from; hour < to; hour++ {
		transaction := func(commit kgo.TransactionEndTry, records ...*kgo.Record) {
			t.Helper()
			if err := client.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if err := client.EndTransaction(t.Context(), commit); err != nil {
				t.Fatal(err)
			}
		}
		if hour%5 == 4 {
			taken := l.verdict(0, hour)
			taken.Value = []byte(strings.Replace(string(taken.Value), `"events":`, `"events":999`, 1))
			transaction(kgo.TryAbort, taken)
		}
		transaction(kgo.TryCommit, l.verdict(0, hour), l.verdict(1, hour))
	}
}

func newPublishedLog(t *testing.T, hours int) publishedLog {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "verdicts", "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	l := publishedLog{hours: hours, now: time.Now().UTC().Truncate(time.Hour), options: Options{
		Client: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}, Outputs: Outputs{Verdicts: "verdicts", Alerts: "alerts"}, Log: slog.New(slog.DiscardHandler),
	}}
	client, err := kgo.NewClient(l.options.Client...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	l.admin = kadm.NewClient(client)
	l.publish(t, 0, hours)
	return l
}

// eventually waits until what is asked holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// shown asks a page for what it has.
func shown(t *testing.T, handler http.Handler) (windows map[string]int, reading *evidence.Progress) {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/v1/models", nil))
	var body struct {
		Models []struct {
			Model   string
			Windows int
		}
		Reading *evidence.Progress
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	windows = make(map[string]int)
	for _, m := range body.Models {
		windows[m.Model] = m.Windows
	}
	return windows, body.Reading
}

// Every verdict gets to the page, what comes later too, and what was taken back
// does not; any of them can be read again, until it is deleted.
func TestTheWholeLogGetsToThePage(t *testing.T) {
	const hours = 70 * 24
	l := newPublishedLog(t, hours)
	history := evidence.NewHistory(evidence.Limits{Records: 20_000})
	tail, err := newHistoryTail(l.options, history)
	if err != nil {
		t.Fatal(err)
	}
	handler := evidence.NewHandler(history, l.options.Log, nil, evidence.WithArchive(newVerdictArchive(l.options)))
	if _, reading := shown(t, handler); reading == nil {
		t.Error("before it reads anything, the page says that it has read everything")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tail.run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	complete := func(windows int) func() bool {
		return func() bool {
			got, reading := shown(t, handler)
			return reading == nil && maps.Equal(got, map[string]int{"model-0": windows, "model-1": windows})
		}
	}
	eventually(t, "the whole log has been read", complete(hours))
	// Each partition has marks of a day's transactions, the first what was taken back
	// as well.
	tail.mu.Lock()
	progress := tail.progress
	tail.mu.Unlock()
	if progress.Read != progress.Total || progress.Total != 2*(hours+24)+2*5 {
		t.Errorf("of %d offsets, %d have been read", progress.Total, progress.Read)
	}
	l.publish(t, hours, hours+3)
	eventually(t, "what came later has been read", complete(hours+3))

	see := func(hour int) (int, string) {
		t.Helper()
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/"+alerts.FeaturePath(l.id(0), l.window(hour), "amount"), nil))
		return answer.Code, answer.Body.String()
	}
	for _, hour := range []int{0, 49, 700, hours - 1, hours + 2} {
		if code, body := see(hour); code != http.StatusOK || !strings.Contains(body, "What the test found") {
			t.Errorf("the page of the hour %d answers %d:\n%s", hour, code, body)
		}
	}
	// The first month is deleted, as it is when its time has come.
	later, err := l.admin.ListOffsetsAfterMilli(t.Context(), l.window(30*24).UnixMilli(), "verdicts")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.admin.DeleteRecords(t.Context(), later.Offsets()); err != nil {
		t.Fatal(err)
	}
	for hour, want := range map[int]int{10: http.StatusGone, 701: http.StatusGone, 40 * 24: http.StatusOK} {
		if code, body := see(hour); code != want {
			t.Errorf("after the deletion the page of the hour %d answers %d:\n%s", hour, code, body)
		}
	}
}

// The newest day is a stretch of its own, and stretches have every offset once.
func TestStretchesAreTheWholeLogNewestFirst(t *testing.T) {
	const hours = 70 * 24
	l := newPublishedLog(t, hours)
	tail, err := newHistoryTail(l.options, evidence.NewHistory(evidence.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	defer tail.client.Close()
	tail.now = func() time.Time { return l.now }
	stretches, err := tail.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ends, err := l.admin.ListEndOffsets(t.Context(), "verdicts")
	if err != nil {
		t.Fatal(err)
	}
	for p := range int32(2) {
		end, _ := ends.Lookup("verdicts", p)
		if stretches[0].to[p] != end.Offset || stretches[len(stretches)-1].from[p] != 0 {
			t.Errorf("partition %d: they go from %d to %d, not %d", p, stretches[len(stretches)-1].from[p], stretches[0].to[p], end.Offset)
		}
		for i := 1; i < len(stretches); i++ {
			if stretches[i].to[p] != stretches[i-1].from[p] || stretches[i].from[p] >= stretches[i].to[p] {
				t.Errorf("partition %d: stretch %d goes from %d to %d, the newer one begins at %d", p, i, stretches[i].from[p], stretches[i].to[p], stretches[i-1].from[p])
			}
		}
	}
	// Of partition 1, whose transactions have a record and a mark.
	for i, want := range []int{2 * 24, 6 * 24, 23 * 24, 40 * 24} {
		if n := int(stretches[i].to[1] - stretches[i].from[1]); n < want-2 || n > want+2 {
			t.Errorf("stretch %d has %d offsets, want about %d", i, n, want)
		}
	}
}

// A stretch whose records are deleted before they are read comes to its end all the
// same.
func TestAStretchThatIsDeleted(t *testing.T) {
	l := newPublishedLog(t, 40)
	history := evidence.NewHistory(evidence.Limits{})
	tail, err := newHistoryTail(l.options, history)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.client.Close()
	ends, err := l.admin.ListEndOffsets(t.Context(), "verdicts")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.admin.DeleteRecords(t.Context(), ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	to, err := offsetsOf(ends, nil)
	if err != nil {
		t.Fatal(err)
	}
	tail.read(t.Context(), stretch{from: map[int32]int64{0: 0, 1: 0}, to: to}, false, nil)
	if tail.progress.Read != to[0]+to[1] || history.Stats().Windows != 0 {
		t.Errorf("of %v offsets %d count as read, with %d windows", to, tail.progress.Read, history.Stats().Windows)
	}
}

func TestTheHistoryTakesItsShareOfTheMemory(t *testing.T) {
	for limit, want := range map[int64]int64{0: 0, 90 << 20: 30 << 20, 800 << 20: 256 << 20, 1 << 40: 256 << 20} {
		if got := historyBytes(limit); got != want {
			t.Errorf("of %d bytes it takes %d, want %d", limit, got, want)
		}
	}
}

func TestReadingARecordAgain(t *testing.T) {
	l := newPublishedLog(t, 24)
	archive := newVerdictArchive(l.options)
	starts := make(map[int64]bool)
	for offset := range int64(20) {
		value, err := archive.Read(t.Context(), evidence.Place{Partition: 1, Offset: offset})
		if errors.Is(err, evidence.ErrGone) {
			continue // the mark of a transaction
		}
		if err != nil {
			t.Fatal(err)
		}
		var v drift.Verdict
		if err := json.Unmarshal(value, &v); err != nil || v.Model != "model-1" {
			t.Errorf("offset %d has %s: %v", offset, value, err)
		}
		starts[v.Window.Start.Unix()] = true
	}
	if len(starts) != 10 {
		t.Errorf("twenty offsets have %d records", len(starts))
	}
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := archive.Read(short, evidence.Place{Partition: 9}); err == nil || errors.Is(err, evidence.ErrGone) {
		t.Errorf("from a partition that is not there: %v", err)
	}
	if _, err := archive.Read(t.Context(), evidence.Place{Partition: 1, Offset: 1 << 40}); !errors.Is(err, evidence.ErrGone) {
		t.Errorf("from beyond the end: %v", err)
	}
}

// What the page says of the monitor leads to runbooks that there are.
func TestTheMonitorsRunbooksAreThere(t *testing.T) {
	handler, err := runbooks.NewHandler()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"KolmoNoData", "KolmoReferenceMissing", "KolmoBehind", "KolmoPartitionStuck"} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/"+alerts.RunbookPath(name), nil))
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), name) {
			t.Errorf("the runbook %s answers %d", name, answer.Code)
		}
	}
}
