package alertmanager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/encoding/json"
)

// The pause after a failed request doubles from the first to the longest.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 10 * time.Second
)

// logEvery is how often an Alertmanager that stays unreachable is complained about.
const logEvery = time.Minute

// endpoint is one Alertmanager. Its goroutine sends what is queued.
type endpoint struct {
	options *Options
	url     string
	name    string // for metrics and messages
	log     *slog.Logger

	mu    sync.Mutex
	queue queue // guarded by mu

	wake chan struct{} // holds a token when something was queued

	// Of the goroutine that sends:
	failures int // since one was last logged
	failing  bool
	logged   time.Time
}

func (e *endpoint) add(entries []*entry) {
	e.mu.Lock()
	dropped := e.queue.add(entries)
	e.options.Metrics.queued(e.name, len(e.queue.waiting))
	e.mu.Unlock()
	e.options.Metrics.dropped(e.name, noRoom, dropped)
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *endpoint) release(shard int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.release(shard)
	e.options.Metrics.queued(e.name, len(e.queue.waiting))
}

// first is what to send next.
func (e *endpoint) first() []*entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	entries, expired := e.queue.first(mostSent, e.options.Now())
	e.options.Metrics.dropped(e.name, outdated, expired)
	e.options.Metrics.queued(e.name, len(e.queue.waiting))
	return entries
}

func (e *endpoint) remove(entries []*entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.remove(entries)
	e.options.Metrics.queued(e.name, len(e.queue.waiting))
}

// run sends until the context ends.
func (e *endpoint) run(ctx context.Context) {
	pause := firstPause
	for {
		batch := e.first()
		if len(batch) == 0 {
			select {
			case <-e.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		err := e.send(ctx, batch)
		if ctx.Err() != nil {
			return
		}
		var refusal *refusedError
		switch {
		case err == nil:
			e.remove(batch)
			e.options.Metrics.sent(e.name, len(batch))
			e.works()
			pause = firstPause
			continue
		case errors.As(err, &refusal):
			// Some of the batch may have been stored, and what was refused once will be
			// again: everything comes anew when it is next told.
			e.remove(batch)
			e.options.Metrics.failed(e.name, len(batch))
			e.options.Metrics.dropped(e.name, refused, len(batch))
		default:
			e.options.Metrics.failed(e.name, len(batch))
		}
		e.complain(err)
		select {
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		case <-ctx.Done():
			return
		}
	}
}

// refusedError is an answer that would be the same the next time.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("it answered %d: %s", e.status, e.text)
}

// send posts a batch.
func (e *endpoint) send(ctx context.Context, batch []*entry) error {
	payloads := make([]*payload, len(batch))
	for i, entry := range batch {
		payloads[i] = &entry.payload
	}
	body, err := json.Append(nil, payloads, json.SortMapKeys)
	if err != nil {
		return &refusedError{text: fmt.Sprintf("the alerts cannot be written as JSON: %v", err)}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.options.Timeout, fmt.Errorf("no answer within %v", e.options.Timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kolmo")
	if e.options.Authorize != nil {
		e.options.Authorize(request)
	}
	// Not an http.Client: a redirect would be followed with another method, or take
	// the credentials elsewhere.
	response, err := e.options.Transport.RoundTrip(request)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	defer func() { _ = response.Body.Close() }() // read only
	answer, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
	switch status := response.StatusCode; {
	case status/100 == 2:
		return nil
	case status/100 == 5, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return fmt.Errorf("it answered %d: %s", status, oneLine(answer))
	default:
		return &refusedError{status: status, text: oneLine(answer)}
	}
}

func oneLine(text []byte) string {
	return strings.Join(strings.Fields(string(text[:min(len(text), 300)])), " ")
}

func (e *endpoint) complain(err error) {
	e.failures++
	now := e.options.Now()
	if e.failing && now.Sub(e.logged) < logEvery {
		return
	}
	e.log.Warn("Alertmanager was not told; it is tried again", "requests", e.failures, "error", err)
	e.failing, e.logged, e.failures = true, now, 0
}

func (e *endpoint) works() {
	if e.failing {
		e.log.Info("Alertmanager takes alerts again", "failed_requests_since", e.failures)
	}
	e.failing, e.failures = false, 0
}
