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
			// A stopped broker takes no time of the processor's, so several are stopped at
			// once; what follows does, and may take longer.
			name: "broker-stopped", what: "SIGSTOP of the broker for 60 s", stacks: 4, limit: replayLimit,
			inject: func(ctx context.Context, b *bench, _ int) error {
				if err := b.stack.kafka.Pause(); err != nil {
					return err
				}
				err := pause(ctx, time.Minute)
				if resumed := b.stack.kafka.Resume(); err == nil {
					err = resumed
				}
				return err
			},
		},
	}
}
