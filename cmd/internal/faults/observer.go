//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/windows"
)

// The output topics, by their default names.
const (
	verdictsTopic    = "kolmo.verdicts"
	alertsTopic      = "alerts"
	deadLettersTopic = "kolmo.dead-letters"
)

func outputs() []string { return []string{verdictsTopic, alertsTopic, deadLettersTopic} }

// published is what a reader has of the output topics, read committed.
type published struct {
	verdicts, alerts, letters []*kgo.Record
}

func (p *published) take(r *kgo.Record) {
	switch r.Topic {
	case verdictsTopic:
		p.verdicts = append(p.verdicts, r)
	case alertsTopic:
		p.alerts = append(p.alerts, r)
	case deadLettersTopic:
		p.letters = append(p.letters, r)
	}
}

// head is what the harness reads of a verdict.
type head struct {
	Model   string `json:"model"`
	Version string `json:"version"`
	Window  struct {
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	} `json:"window"`
}

// An observer reads the output topics all along.
type observer struct {
	client *kgo.Client

	mu      sync.Mutex
	seen    published                       // guarded by mu
	ends    map[[2]string]windows.Timestamp // end of the last window, by model and version; guarded by mu
	changed chan struct{}                   // closed and replaced with every record; guarded by mu
}

func newObserver(brokers []string) (*observer, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(outputs()...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.UnknownTopicRetries(-1), kgo.FetchMaxWait(250*time.Millisecond),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(time.Second),
	)
	if err != nil {
		return nil, fmt.Errorf("making the observer: %w", err)
	}
	return &observer{client: client, ends: make(map[[2]string]windows.Timestamp), changed: make(chan struct{})}, nil
}

// run reads until the context ends.
func (o *observer) run(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := o.client.PollFetches(ctx)
		if fetches.NumRecords() == 0 {
			continue // errors are tried again
		}
		o.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			o.seen.take(r)
			var h head
			if r.Topic == verdictsTopic && json.Unmarshal(r.Value, &h) == nil {
				key := [2]string{h.Model, h.Version}
				o.ends[key] = max(o.ends[key], windows.TimestampOf(h.Window.End))
			}
		})
		close(o.changed)
		o.changed = make(chan struct{})
		o.mu.Unlock()
	}
	o.client.Close()
}

// await waits until what has been seen is enough. It is false when the limit is
// over first.
func (o *observer) await(ctx context.Context, limit time.Duration, enough func(*published, map[[2]string]windows.Timestamp) bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		o.mu.Lock()
		done, changed := enough(&o.seen, o.ends), o.changed
		o.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// all is what has been seen.
func (o *observer) all() published {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen
}

// readAfterwards reads the output topics from their start to their end.
func readAfterwards(ctx context.Context, brokers []string) (published, error) {
	var p published
	err := readTopics(ctx, brokers, outputs(), func(r *kgo.Record) error {
		p.take(r)
		return nil
	})
	return p, err
}
