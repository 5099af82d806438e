//go:build unix

package main

import (
	"context"
	"time"
)

func membershipFaults() []fault {
	return []fault{
		{
			name: "rolling-restart", what: "rolling restart: SIGTERM one after the other",
			inject: func(ctx context.Context, b *bench, _ int) error {
				for _, s := range b.seatsInAnyOrder() {
					if err := s.stop(); err != nil {
						return err
					}
					s.run()
					if _, err := s.ready(ctx); err != nil {
						return err
					}
				}
				return nil
			},
		},
		{
			name: "scaling", what: "instances added and removed without end", restless: true,
			inject: func(ctx context.Context, b *bench, _ int) error {
				running := b.seatsInAnyOrder()
				switch more := b.random.IntN(2) == 0; {
				case len(running) == 1 || more && len(running) < 6:
					b.seatToFill().run()
				default:
					if err := running[0].stop(); err != nil {
						return err
					}
				}
				return pause(ctx, time.Duration(500+b.random.IntN(2500))*time.Millisecond)
			},
		},
	}
}

// seatToFill is one on which no instance runs; a new one if all are taken.
func (b *bench) seatToFill() *seat {
	for _, s := range b.fleet.all() {
		if !s.runs() {
			return s
		}
	}
	return b.fleet.add()
}
