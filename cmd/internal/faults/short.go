//go:build unix

package main

import (
	"context"
	"time"
)

// shortCourse are the faults that hit the most with the fewest repeats, one after the
// other on one stack: what make test has time for.
func shortCourse() fault {
	crashes, redis := crashPoints(3), redisFaults()
	flush, kill := named(redis, "flushall"), named(redis, "redis-kill")
	rounds := crashes.repeats(1)
	paused := pausedOwner()
	later := []*fault{&paused, flush, kill, flush, kill}
	return fault{
		name: "short", what: "every named step, an owner paused, FLUSHALL, Redis killed", limit: replayLimit,
		configure: func(s *settings, _ string) error {
			s.session = 2 * time.Second
			return nil
		},
		repeats: func(int) int { return rounds + len(later) },
		inject: func(ctx context.Context, b *bench, n int) error {
			if n < rounds {
				return crashes.inject(ctx, b, n)
			}
			return later[n-rounds].inject(ctx, b, n)
		},
		finish: crashes.finish,
	}
}

// named finds a fault; nil when there is none of that name.
func named(all []fault, name string) *fault {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}
