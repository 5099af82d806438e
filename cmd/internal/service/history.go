package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
)

// historyTail feeds the page from the output topics, so that every instance
// shows all models, whichever closed their windows. The last day's verdicts come
// first, then what is older, the newest stretch before the others: the page is of
// use long before all is read.
type historyTail struct {
	client           *kgo.Client // asks for offsets
	options          []kgo.Opt   // of the clients that read
	verdicts, alerts string
	history          *evidence.History
	now              func() time.Time
	log              *slog.Logger

	mu       sync.Mutex
	progress evidence.Progress
}

// The ages at which one stretch of the verdicts ends and the next begins. They
// are of the records, not of the windows.
var stretchAges = [...]time.Duration{24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}

// historyBytes is what the page's history may take of what the process may: a
// third, and no more than it takes unless told. 0: nobody says what the process may.
func historyBytes(memoryLimit int64) int64 {
	return min(evidence.DefaultLimits().Bytes, memoryLimit/3)
}

// quietRead is how long a stretch may bring nothing before it is asked whether its
// records have been deleted meanwhile.
const quietRead = 5 * time.Second

func newHistoryTail(o Options, history *evidence.History) (*historyTail, error) {
	client, err := kgo.NewClient(o.Client...)
	if err != nil {
		return nil, fmt.Errorf("making the reader of verdicts for the page: %w", err)
	}
	t := &historyTail{
		client: client, verdicts: o.Outputs.Verdicts, alerts: o.Outputs.Alerts, history: history, now: time.Now, log: o.Log,
		options: append(append([]kgo.Opt{}, o.Client...),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.KeepControlRecords(), // the last offset of a stretch is often one
			kgo.FetchMaxBytes(4<<20),
			kgo.MaxConcurrentFetches(1),
		),
	}
	history.Reading(t.progress)
	return t, nil
}

// A stretch is a range of offsets of each partition of the verdicts, up to and
// without to.
type stretch struct{ from, to map[int32]int64 }

// run reads until the context ends.
func (t *historyTail) run(ctx context.Context) {
	defer t.client.Close()
	stretches, err := t.plan(ctx)
	for ; err != nil; stretches, err = t.plan(ctx) {
		t.log.Warn("the verdicts for the page cannot be read yet", "error", err)
		if !pause(ctx) {
			return
		}
	}
	var group sync.WaitGroup
	defer group.Wait()
	t.read(ctx, stretches[0], true, func() {
		group.Go(func() {
			for _, older := range stretches[1:] {
				t.read(ctx, older, false, nil)
			}
			if ctx.Err() == nil {
				t.advance(0, true)
			}
		})
	})
}

// plan looks up what there is to read, the newest stretch first.
func (t *historyTail) plan(ctx context.Context) ([]stretch, error) {
	admin := kadm.NewClient(t.client)
	starts, err := offsetsOf(admin.ListStartOffsets(ctx, t.verdicts))
	if err != nil {
		return nil, err
	}
	ends, err := offsetsOf(admin.ListCommittedOffsets(ctx, t.verdicts))
	if err != nil {
		return nil, err
	}
	var out []stretch
	to := ends
	for _, age := range stretchAges {
		from, err := offsetsOf(admin.ListOffsetsAfterMilli(ctx, t.now().Add(-age).UnixMilli(), t.verdicts))
		if err != nil {
			return nil, err
		}
		for p := range from {
			from[p] = min(max(from[p], starts[p]), to[p])
		}
		out = append(out, stretch{from, to})
		to = from
	}
	out = append(out, stretch{starts, to})
	t.mu.Lock()
	defer t.mu.Unlock()
	for p := range ends {
		t.progress.Total += max(ends[p]-starts[p], 0)
	}
	return out, nil
}

// offsetsOf are the offsets that were listed, by partition.
func offsetsOf(listed kadm.ListedOffsets, err error) (map[int32]int64, error) {
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("asking the brokers how far the verdicts go back: %w", err)
	}
	out := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) { out[o.Partition] = o.Offset })
	return out, nil
}

// read takes a stretch into the history, and calls reached when it has. onwards
// means to go on behind it until the context ends, and to read the alerts too.
func (t *historyTail) read(ctx context.Context, s stretch, onwards bool, reached func()) {
	begin := make(map[int32]kgo.Offset)
	at := make(map[int32]int64) // the next offset, of the partitions that have not come to the end of the stretch
	for p, from := range s.from {
		if from < s.to[p] {
			at[p] = from
		}
		if from < s.to[p] || onwards {
			begin[p] = kgo.NewOffset().At(from)
		}
	}
	partitions := map[string]map[int32]kgo.Offset{t.verdicts: begin}
	options := append(append([]kgo.Opt{}, t.options...), kgo.ConsumePartitions(partitions))
	if onwards {
		options = append(options, kgo.ConsumeTopics(t.alerts))
	} else if len(begin) == 0 {
		return
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		t.log.Error("the verdicts cannot be read for the page", "error", err)
		return
	}
	defer client.Close()
	t.advance(0, false)
	for ctx.Err() == nil {
		if reached != nil && len(at) == 0 {
			reached()
			reached = nil
		}
		if len(at) == 0 && !onwards {
			return
		}
		polling, cancel := context.WithTimeout(ctx, quietRead)
		fetches := client.PollFetches(polling)
		cancel()
		before := remaining(at, s.to)
		fetches.EachRecord(func(r *kgo.Record) {
			_, inside := at[r.Partition]
			if inside = inside && r.Topic == t.verdicts; inside || onwards {
				t.take(r)
			}
			if inside {
				if at[r.Partition] = r.Offset + 1; r.Offset+1 >= s.to[r.Partition] {
					delete(at, r.Partition)
				}
			}
		})
		if fetches.Empty() && len(at) > 0 {
			t.skipDeleted(ctx, at, s.to)
		}
		t.advance(before-remaining(at, s.to), false)
		for _, failed := range fetches.Errors() {
			if !errors.Is(failed.Err, context.DeadlineExceeded) && !pause(ctx) {
				return
			}
		}
	}
}

// take puts a record into the history.
func (t *historyTail) take(r *kgo.Record) {
	if r.Attrs.IsControl() {
		return
	}
	var err error
	if r.Topic == t.verdicts {
		err = t.history.AddVerdictAt(evidence.Place{Partition: r.Partition, Offset: r.Offset}, r.Timestamp, r.Value)
	} else {
		err = t.history.AddAlert(r.Value)
	}
	if err != nil {
		t.log.Warn("a record cannot be shown on the page", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "error", err)
	}
}

// skipDeleted goes over what has been deleted since the stretch was planned: for
// it nothing is to come.
func (t *historyTail) skipDeleted(ctx context.Context, at, to map[int32]int64) {
	starts, err := offsetsOf(kadm.NewClient(t.client).ListStartOffsets(ctx, t.verdicts))
	if err != nil {
		return // what is wrong with the brokers, the reader meets too
	}
	for p := range at {
		if at[p] = max(at[p], starts[p]); at[p] >= to[p] {
			delete(at, p)
		}
	}
}

// remaining is how many offsets there are still to read.
func remaining(at, to map[int32]int64) (n int64) {
	for p, next := range at {
		n += to[p] - next
	}
	return n
}

// advance tells the history how far the reading has come.
func (t *historyTail) advance(by int64, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress.Read += by
	t.progress.Done = t.progress.Done || done
	t.history.Reading(t.progress)
}

// pause waits for a second; false: the context has ended.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(time.Second):
		return true
	case <-ctx.Done():
		return false
	}
}
