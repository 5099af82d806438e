//go:build unix

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// pastSession is long enough for a stopped instance to lose what it owns, and for
// others to take it over.
func (b *bench) pastSession() time.Duration {
	return b.settings.session + time.Second + time.Duration(b.random.IntN(2000))*time.Millisecond
}

func pauseFaults() []fault {
	transaction := []string{string(kafka.StepBeforeProduce), string(kafka.StepAfterProduce), string(kafka.StepBeforeEnd)}
	var checkpoint []string
	for _, step := range redisstore.Steps() {
		checkpoint = append(checkpoint, string(step))
	}
	return []fault{
		pausedOwner(),
		stoppedAt("stopped-in-transaction", "SIGSTOP of a shard's owner inside its transaction, past the session timeout", transaction, false),
		stoppedAt("stopped-in-checkpoint", "SIGSTOP of a partition's owner inside its checkpoint, past the session timeout", checkpoint, true),
	}
}

// pausedOwner stops an instance until others own what it owned, and lets it go on:
// what it then writes must be refused.
func pausedOwner() fault {
	return fault{
		name: "paused-owner", what: "SIGSTOP of an owner past the session timeout, SIGCONT",
		inject: func(ctx context.Context, b *bench, _ int) error {
			s := b.anySeat()
			s.signal(syscall.SIGSTOP)
			err := pause(ctx, b.pastSession())
			s.signal(syscall.SIGCONT)
			return err
		},
		finish: wasFenced,
	}
}

// wasFenced wants some write of a zombie to have been refused and counted. Not every
// one that wakes up writes before it hears that it was replaced.
func wasFenced(ctx context.Context, b *bench) error {
	refused, err := b.fleet.metric(ctx, "kolmo_fenced_total")
	if err != nil {
		return err
	}
	b.note("kolmo_fenced_total %.0f", refused)
	if refused == 0 {
		b.problem("no write of a zombie was refused and counted")
	}
	return nil
}

// stoppedAt stops instances at steps, one after the other. What a stopped one did
// when it went on is counted before the next one is stopped.
func stoppedAt(name, what string, steps []string, fences bool) fault {
	var stopped *seat
	refused := 0.0
	count := func(ctx context.Context) error {
		if stopped == nil {
			return nil
		}
		address, err := stopped.ready(ctx)
		if err != nil {
			return err
		}
		counted, err := scrape(ctx, address, "kolmo_fenced_total")
		refused += counted
		return err
	}
	return fault{
		name: name, what: what,
		inject: func(ctx context.Context, b *bench, n int) error {
			if err := count(ctx); err != nil {
				return err
			}
			stopped = b.anySeat()
			if err := stopped.stop(); err != nil {
				return err
			}
			point := fmt.Sprintf("%s:%d", steps[n%len(steps)], 1+b.random.IntN(mostPassings))
			stopped.run("KOLMO_STOP_AT=" + point)
			if err := stopped.reaches(ctx, "stopping "+point); err != nil {
				return err
			}
			err := pause(ctx, b.pastSession())
			stopped.signal(syscall.SIGCONT)
			return err
		},
		finish: func(ctx context.Context, b *bench) error {
			if err := count(ctx); err != nil {
				return err
			}
			b.note("kolmo_fenced_total %.0f in all", refused)
			if fences && refused == 0 {
				b.problem("no write of a zombie was refused and counted")
			}
			return nil
		},
	}
}
