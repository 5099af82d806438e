//go:build unix

package main

import (
	"context"
	"time"
)

// shortCourse are the faults that hit the most with the fewest repeats, one after the
// other on one stack: what make test has time for.
func shortCourse() fault {
	crashes, paused, redis := crashPoints(3), pausedOwner(), redisFaults()
	rounds := crashes.repeats(1)
	later := []fault{paused, *named(redis, "flushall"), *named(redis, "redis-kill")}
	return fault{
		name: "short", what: "every named step, an owner paused, FLUSHALL, Redis killed", limit: replayLimit,
		configure: func(s *settings, _ string) error {
			s.session = 2 * time.Second
			return nil
		},
		repeats: func(asked int) int { return rounds + asked*len(later) },
		inject: func(ctx context.Context, b *bench, n int) error {
			if n < rounds {
				return crashes.inject(ctx, b, n)
			}
			return later[(n-rounds)%len(later)].inject(ctx, b, n)
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
