package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/windowstest"
)

// A reader reads the verdicts and the alerts, and what the shards have decided of
// the partitions, read committed.
type reader struct {
	client *kgo.Client
	log    *chronicle

	mu    sync.Mutex
	found map[string][]string // values by topic, a slash and the key; guarded by mu
	// decided are the advances by partition, all there ever were: a shard forgets those
	// that it needs no more. A partition is in it from when a shard relied on it.
	decided map[string]windows.Decisions // guarded by mu
	changed chan struct{}                // closed and replaced when something came; guarded by mu
	next    map[string]int64             // by topic and partition; guarded by mu
	stop    context.CancelFunc
	done    chan struct{}
}

func (w *world) newReader() (*reader, error) {
	r := &reader{log: w.log, decided: make(map[string]windows.Decisions), found: make(map[string][]string), changed: make(chan struct{}), next: make(map[string]int64), done: make(chan struct{})}
	var err error
	r.client, err = kgo.NewClient(append(w.client(w.own),
		kgo.ConsumeTopics(outputs.Verdicts, outputs.Alerts, outputs.Progress), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.UnknownTopicRetries(-1), kgo.MetadataMinAge(50*time.Millisecond), kgo.MetadataMaxAge(time.Second))...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() {
		defer close(r.done)
		for ctx.Err() == nil {
			r.client.PollFetches(ctx).EachRecord(r.take)
		}
	}()
	return r, nil
}

func (r *reader) take(record *kgo.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// A partition that moves to another broker may be read again from its start.
	if record.Offset < r.next[place(record.Topic, record.Partition)] {
		return
	}
	r.next[place(record.Topic, record.Partition)] = record.Offset + 1
	switch {
	case record.Attrs.IsControl():
	case record.Topic == outputs.Progress:
		r.learn(record)
	default:
		key := record.Topic + "/" + string(record.Key)
		r.found[key] = append(r.found[key], string(record.Value))
		r.log.add("published: %s", key)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// learn takes the record of a shard's own progress.
func (r *reader) learn(record *kgo.Record) {
	if string(record.Key) != "_shard" {
		return
	}
	progress, err := alerts.DecodeShardProgress(record.Value)
	if err != nil {
		r.log.add("the shard's progress cannot be read: %v", err)
		return
	}
	for id, p := range progress.Partitions {
		if p.Begun {
			r.decided[id] = r.decided[id].Union(p.Decisions())
		}
	}
}

// input is the logs as the shards have decided about them. An added partition
// that no shard has relied on yet is left out: nothing that is published can tell of
// it. complete is false then.
func (r *reader) input(all []windowstest.Log, first int) (logs []windowstest.Log, complete bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	complete = true
	for i, log := range all {
		decisions, known := r.decided[log.ID.String()]
		if i >= first && !known {
			complete = false
			continue
		}
		log.Advances = decisions.Advances
		logs = append(logs, log)
	}
	return logs, complete
}

func place(topic string, partition int32) string { return fmt.Sprintf("%s/%d", topic, partition) }

// awaitEnd waits until everything has been read that stands in the topics now.
func (r *reader) awaitEnd(ctx context.Context) error {
	ends, err := kadm.NewClient(r.client).ListCommittedOffsets(ctx, outputs.Verdicts, outputs.Alerts, outputs.Progress)
	if err != nil {
		return err
	}
	for {
		behind := ""
		r.mu.Lock()
		ends.Each(func(end kadm.ListedOffset) {
			if r.next[place(end.Topic, end.Partition)] < end.Offset {
				behind = place(end.Topic, end.Partition)
			}
		})
		changed := r.changed
		r.mu.Unlock()
		if behind == "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("reading %s to its end: %w", behind, context.Cause(ctx))
		}
	}
}

func (r *reader) close() {
	r.stop()
	<-r.done
	r.client.Close()
}

// differences compares what was read with what must be there.
func (r *reader) differences(want answer) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	expected := make(map[string][]string)
	for key, value := range want.verdicts {
		expected[outputs.Verdicts+"/"+key] = []string{value}
	}
	for key, values := range want.alerts {
		expected[outputs.Alerts+"/"+key] = values
	}
	var found []string
	keys := slices.Sorted(maps.Keys(expected))
	for _, key := range slices.Sorted(maps.Keys(r.found)) {
		if expected[key] == nil {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		got, want := r.found[key], expected[key]
		switch {
		case slices.Equal(got, want):
		case len(got) == 0:
			found = append(found, fmt.Sprintf("%s is lost: want %s", key, strings.Join(want, "\n\t")))
		case len(want) > 0 && len(got) > len(want) && slices.Equal(slices.Compact(slices.Clone(got)), slices.Compact(slices.Clone(want))):
			found = append(found, fmt.Sprintf("%s is right, but there %d times, not %d", key, len(got), len(want)))
		case len(want) == 0:
			found = append(found, fmt.Sprintf("%s should not be: got %s", key, strings.Join(got, "\n\t")))
		default:
			found = append(found, fmt.Sprintf("%s\n\tgot  %s\n\twant %s", key, strings.Join(got, "\n\t     "), strings.Join(want, "\n\t     ")))
		}
	}
	return found
}
