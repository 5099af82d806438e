//go:build unix

package main

import (
	"context"
	"errors"
	"time"
)

// pause waits, or returns the context's error when it ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errTooLate = errors.New("not in time")

// until asks again and again until the answer is yes. An error is asked again
// about, and returned when time is up.
func until(ctx context.Context, limit, every time.Duration, ask func() (bool, error)) error {
	deadline := time.Now().Add(limit)
	for {
		yes, err := ask()
		if err == nil && yes {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(errTooLate, err)
		}
		if err := pause(ctx, every); err != nil {
			return err
		}
	}
}
