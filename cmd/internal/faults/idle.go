//go:build unix

package main

import (
	"context"
	"time"
)

func idleFaults() []fault {
	return []fault{{
		name: "idle-and-lagging", what: "one idle and one lagging partition, and a kill -9 in every other spell",
		configure: func(s *settings, _ string) error {
			s.idleAfter = time.Second
			return nil
		},
		inject: func(ctx context.Context, b *bench, n int) error {
			places := b.load.places()
			b.random.Shuffle(len(places), func(i, k int) { places[i], places[k] = places[k], places[i] })
			idle, lagging := places[0], places[1]
			b.load.change(idle, func(t *target) { t.silent = true })
			b.load.change(lagging, func(t *target) { t.lag = time.Duration(2+b.random.IntN(14)) * time.Second })
			err := pause(ctx, time.Duration(1500+b.random.IntN(3000))*time.Millisecond)
			if err == nil && n%2 == 0 {
				b.anySeat().crash()
			}
			if err == nil {
				// While one partition is silent, windows close all the same.
				err = b.published(ctx, b.load.through(), recoveryLimit)
			}
			// The first event after a silence may be out of order, and late by the watermark
			// that the partition was given meanwhile.
			b.load.change(idle, func(t *target) { t.silent, t.fresh = false, b.random.IntN(2) == 0 })
			b.load.change(lagging, func(t *target) { t.lag = 0 })
			return err
		},
	}}
}
