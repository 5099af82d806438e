//go:build unix

package main

import (
	"context"
	"time"
)

func brokerFaults() []fault {
	return []fault{
		{
			name: "broker-term", what: "SIGTERM of the broker, and its restart",
			inject: func(ctx context.Context, b *bench, _ int) error { return b.stack.kafka.Restart(ctx) },
		},
		{
			name: "broker-kill", what: "kill -9 of the broker, and its restart",
			inject: func(ctx context.Context, b *bench, _ int) error {
				if err := b.stack.kafka.Kill(); err != nil {
					return err
				}
				return b.stack.kafka.Restart(ctx)
			},
		},
		{
			name: "broker-stopped", what: "SIGSTOP of the broker for 60 s (every tenth time; 5 to 12 s otherwise)",
			inject: func(ctx context.Context, b *bench, n int) error {
				d := time.Duration(5000+b.random.IntN(7000)) * time.Millisecond
				if n%10 == 0 {
					d = time.Minute
				}
				if err := b.stack.kafka.Pause(); err != nil {
					return err
				}
				err := pause(ctx, d)
				if resumed := b.stack.kafka.Resume(); err == nil {
					err = resumed
				}
				return err
			},
		},
	}
}
