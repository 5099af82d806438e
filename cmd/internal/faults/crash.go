//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/cmd/internal/service"
)

// mostPassings bounds how often an instance passes a step before it crashes there.
const mostPassings = 4

func crashFaults() []fault {
	return []fault{crashPoints(2), {
		// As long as it lasts no instance may own anything for long: what was produced
		// meanwhile is read when it is over.
		name: "kill", what: "kill -9 of a random instance every 3 s", restless: true, limit: replayLimit,
		inject: func(ctx context.Context, b *bench, _ int) error {
			b.anySeat().crash()
			return pause(ctx, 3*time.Second)
		},
	}}
}

// anySeat is a random one on which an instance runs.
func (b *bench) anySeat() *seat {
	running := slices.DeleteFunc(b.fleet.all(), func(s *seat) bool { return !s.runs() })
	return running[b.random.IntN(len(running))]
}

// seatsInAnyOrder are those on which instances run.
func (b *bench) seatsInAnyOrder() []*seat {
	running := slices.DeleteFunc(b.fleet.all(), func(s *seat) bool { return !s.runs() })
	b.random.Shuffle(len(running), func(i, k int) { running[i], running[k] = running[k], running[i] })
	return running
}

// crashPoints kills instances at every named step, so many at once.
func crashPoints(atOnce int) fault {
	var order []string
	hits := make(map[string]int)
	return fault{
		name: "crash-points", what: "kill -9 at every named step",
		// Every step as often, and as many in all as asked for.
		repeats: func(asked int) int {
			steps := len(service.Steps())
			return (asked + steps - 1) / steps * ((steps + atOnce - 1) / atOnce)
		},
		inject: func(ctx context.Context, b *bench, _ int) error {
			if len(order) == 0 {
				order = shuffled(b.random, service.Steps())
			}
			batch := order[:min(atOnce, len(order))]
			order = order[len(batch):]
			reached := make(chan error, len(batch))
			seats := b.seatsInAnyOrder()
			for i, step := range batch {
				point := fmt.Sprintf("%s:%d", step, 1+b.random.IntN(mostPassings))
				go func() { reached <- seats[i].crashAt(ctx, point) }()
			}
			var failed []error
			for range batch {
				failed = append(failed, <-reached)
			}
			for _, step := range batch {
				hits[step]++
			}
			b.row.repeats += len(batch) - 1
			return errors.Join(failed...)
		},
		finish: func(_ context.Context, b *bench) error {
			var counts []string
			for _, step := range service.Steps() {
				if hits[step] == 0 {
					b.problem("no instance was killed %s", step)
				}
				counts = append(counts, fmt.Sprintf("%s %d", step, hits[step]))
			}
			b.note("%s", strings.Join(counts, ", "))
			return nil
		},
	}
}

func shuffled(r *rand.Rand, names []string) []string {
	order := slices.Clone(names)
	r.Shuffle(len(order), func(i, k int) { order[i], order[k] = order[k], order[i] })
	return order
}

// crashAt has an instance start that kills itself at a step, waits until it has, and
// has another follow it.
func (s *seat) crashAt(ctx context.Context, point string) error {
	if err := s.stop(); err != nil {
		return err
	}
	s.run("KOLMO_CRASH_AT=" + point)
	return s.reaches(ctx, "crashing "+point)
}

// reaches waits until the instance that runs has written a line. One that began
// before the seat was told to run is not looked at.
func (s *seat) reaches(ctx context.Context, line string) error {
	err := until(ctx, time.Minute, 50*time.Millisecond, func() (bool, error) {
		return strings.Contains(s.output(), line+"\n"), nil
	})
	if err != nil {
		return fmt.Errorf("instance %d has not written %q: %w", s.number, line, err)
	}
	return nil
}
