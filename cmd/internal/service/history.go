package service

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
)

// historyTail feeds the page from the output topics, so that every instance
// shows all models, whichever closed their windows.
type historyTail struct {
	client   *kgo.Client
	verdicts string
	history  *evidence.History
	log      *slog.Logger
}

func newHistoryTail(o Options, history *evidence.History) (*historyTail, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, o.Client...),
		kgo.ConsumeTopics(o.Outputs.Verdicts, o.Outputs.Alerts),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(4<<20),
		kgo.MaxConcurrentFetches(1),
	)...)
	if err != nil {
		return nil, fmt.Errorf("making the reader of verdicts for the page: %w", err)
	}
	return &historyTail{client: client, verdicts: o.Outputs.Verdicts, history: history, log: o.Log}, nil
}

// run reads until the context ends.
func (t *historyTail) run(ctx context.Context) {
	defer t.client.Close()
	for ctx.Err() == nil {
		fetches := t.client.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) {
			var err error
			if r.Topic == t.verdicts {
				err = t.history.AddVerdict(r.Value)
			} else {
				err = t.history.AddAlert(r.Value)
			}
			if err != nil {
				t.log.Warn("a record cannot be shown on the page", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "error", err)
			}
		})
		if len(fetches.Errors()) > 0 {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
}
