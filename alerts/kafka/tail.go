package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// tail reads what comes to the references partition while the shard is owned.
type tail struct {
	client  *kgo.Client
	topic   string
	cancel  context.CancelFunc
	done    chan struct{}
	records chan *kgo.Record
}

// start polls in the background. Requests are rare: a full channel holds the
// poll back, nothing is dropped.
func (t *tail) start() {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel, t.done, t.records = cancel, make(chan struct{}), make(chan *kgo.Record, 256)
	go func() {
		defer close(t.done)
		for ctx.Err() == nil {
			fetches := t.client.PollFetches(ctx)
			fetches.EachRecord(func(r *kgo.Record) {
				select {
				case t.records <- r:
				case <-ctx.Done():
				}
			})
			if len(fetches.Errors()) > 0 {
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
				}
			}
		}
	}()
}

// drain hands over what has come, without waiting.
func (t *tail) drain(take func(*kgo.Record)) {
	for {
		select {
		case r := <-t.records:
			take(r)
		default:
			return
		}
	}
}

func (t *tail) close() {
	if t.cancel != nil {
		t.cancel()
		<-t.done
	}
	t.client.Close()
}
