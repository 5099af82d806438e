package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// The pause after a failed attempt doubles from the first to the longest. Whoever
// says that the request is wrong is asked again when somebody may have looked into it.
const (
	firstPause   = time.Second
	refusedPause = time.Minute
	longestPause = 5 * time.Minute
)

// newFor is how long after a commit nobody else can have sent what came of it: no
// longer than it takes until another owns the shard.
const newFor = time.Second

// logEvery is how often a target that stays unreachable is complained about.
const logEvery = time.Minute

// mostQueued bounds what waits for one target.
const mostQueued = 1000

// A job is one thing to tell one target.
type job struct {
	id string
	// about is what it is the state of: of an earlier state only what was sent counts.
	// Empty: of nothing.
	about string
	shard int
	// until is when its shard's owner must have told it again; expires when nobody
	// wants it any more, zero: never.
	until, expires time.Time
	send           func(ctx context.Context, before bool) (taken, error)
	answer         func(alerts.Delivery) // called when it is over, each time it is told

	before   bool      // it may have been sent already, by whomever
	newUntil time.Time // after it another may own the shard, and may have sent it
	attempts int
	next     time.Time
	pause    time.Duration
	problem  error // of the last attempt
	// over is how it ended. It is kept for as long as its shard's owner tells it.
	over *alerts.Delivery
}

// endpoint is one target. Its goroutine sends what is queued, one after the other.
type endpoint struct {
	name    string
	settles time.Duration // before it can be asked whether it has been asked
	now     func() time.Time
	metrics *Metrics
	log     *slog.Logger

	mu   sync.Mutex
	jobs []*job // guarded by mu
	gone bool   // guarded by mu: it answered that it wants nothing any more

	wake chan struct{} // holds a token when something was queued

	// Of the goroutine that sends:
	failures int // since one was last logged
	failing  bool
	logged   time.Time
}

// add queues a job, or hears that one is still wanted.
func (e *endpoint) add(j *job) {
	e.mu.Lock()
	e.jobs = slices.DeleteFunc(e.jobs, func(o *job) bool {
		return j.about != "" && o.about == j.about && o.id != j.id && o.over == nil
	})
	known := slices.IndexFunc(e.jobs, func(o *job) bool { return o.id == j.id })
	var answer func()
	switch {
	case known >= 0:
		o := e.jobs[known]
		o.shard, o.until, o.expires, o.answer = j.shard, j.until, j.expires, j.answer
		if o.over != nil {
			over := *o.over
			answer = func() { j.answer(over) }
		}
	case e.waiting() >= mostQueued:
		e.metrics.dropped(e.name, noRoom)
	default:
		j.next, j.pause, j.newUntil = e.now(), firstPause, e.now().Add(newFor)
		if j.before {
			j.next = j.next.Add(e.settles)
		}
		e.jobs = append(e.jobs, j)
	}
	e.metrics.queued(e.name, e.waiting())
	e.mu.Unlock()
	if answer != nil {
		answer()
		return
	}
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// waiting is how many jobs are not over.
func (e *endpoint) waiting() int {
	n := 0
	for _, j := range e.jobs {
		if j.over == nil {
			n++
		}
	}
	return n
}

// release forgets what belongs to a shard, which may be another's from now on.
func (e *endpoint) release(shard int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.jobs = slices.DeleteFunc(e.jobs, func(j *job) bool { return j.shard == shard })
	e.metrics.queued(e.name, e.waiting())
}

// first is what to send now, or else how long to wait; nil and 0: until woken.
func (e *endpoint) first() (next *job, wait time.Duration) {
	now := e.now()
	var ended []func()
	defer func() {
		for _, end := range ended {
			end()
		}
	}()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.jobs = slices.DeleteFunc(e.jobs, func(j *job) bool {
		lost := now.After(j.until)
		if lost && j.over == nil {
			e.metrics.dropped(e.name, outdated)
		}
		return lost
	})
	for _, j := range e.jobs {
		if j.over != nil {
			continue
		}
		if !j.expires.IsZero() && !now.Before(j.expires) || e.gone {
			ended = append(ended, e.giveUp(j))
			continue
		}
		if next == nil || j.next.Before(next.next) {
			next = j
		}
	}
	e.metrics.queued(e.name, e.waiting())
	if next != nil && next.next.After(now) {
		return nil, next.next.Sub(now)
	}
	return next, 0
}

// giveUp ends a job that is not sent any more. What it returns tells so, and must
// be called without the lock.
func (e *endpoint) giveUp(j *job) func() {
	reason, problem := gone, "it answered 410: it wants to be asked no more"
	if !e.gone {
		reason, problem = expired, fmt.Sprintf("it was not worth asking any more after %s", j.expires.UTC().Format(time.RFC3339))
		if j.problem != nil {
			problem += ": " + j.problem.Error()
		}
	}
	e.metrics.dropped(e.name, reason)
	over := alerts.Delivery{Attempts: j.attempts, Error: problem}
	j.over = &over
	answer := j.answer
	return func() {
		e.log.Error("given up", "id", j.id, "attempts", over.Attempts, "error", problem)
		answer(over)
	}
}

// run sends until the context ends.
func (e *endpoint) run(ctx context.Context) {
	for {
		j, wait := e.first()
		if j == nil {
			var later <-chan time.Time
			if wait > 0 {
				later = time.After(wait)
			}
			select {
			case <-e.wake:
			case <-later:
			case <-ctx.Done():
				return
			}
			continue
		}
		done, err := j.send(ctx, j.before || e.now().After(j.newUntil))
		if ctx.Err() != nil {
			return
		}
		e.settle(j, done, err)
	}
}

// settle takes down how an attempt went.
func (e *endpoint) settle(j *job, done taken, err error) {
	e.mu.Lock()
	j.attempts++
	j.before = true
	if err == nil {
		over := alerts.Delivery{Attempts: j.attempts, Run: done.run, RunURL: done.url, Known: done.known}
		j.over = &over
		answer := j.answer
		e.metrics.sent(e.name)
		e.metrics.queued(e.name, e.waiting())
		e.mu.Unlock()
		e.works()
		answer(over)
		return
	}
	pause := max(j.pause, e.settles)
	j.pause = min(2*j.pause, longestPause)
	if r := asRefusal(err); r != nil {
		if r.ours() {
			pause = max(pause, refusedPause)
		}
		pause = max(pause, r.after)
		e.gone = e.gone || r.gone()
	}
	j.problem, j.next = err, e.now().Add(pause)
	e.metrics.failed(e.name)
	e.mu.Unlock()
	e.complain(err, pause)
}

func (e *endpoint) complain(err error, pause time.Duration) {
	e.failures++
	now := e.now()
	if e.failing && now.Sub(e.logged) < logEvery {
		return
	}
	e.log.Warn("asking failed; it is tried again", "attempts", e.failures, "error", err, "next_in", pause)
	e.failing, e.logged, e.failures = true, now, 0
}

func (e *endpoint) works() {
	if e.failing {
		e.log.Info("asking works again", "failed_attempts_since", e.failures)
	}
	e.failing, e.failures = false, 0
}
