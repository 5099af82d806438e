package kafka

import (
	"context"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A Notifier passes on to those who page people which alerts stand. Its methods
// do not wait for anybody.
//
// The owner of a shard, and nobody else, tells what stands in it, and always right
// after a commit: a commit of an owner that has been replaced fails, so that what
// stands is known to be so at that moment. A program that dies in between leaves it
// to the next owner, who begins by telling all that stands.
type Notifier interface {
	// Notify replaces what was told before of the same alerts.
	Notify(shard int, standing []alerts.Standing)
	// Release forgets the alerts of a shard, which may be another's from now on.
	Release(shard int)
}

// confirmed is how long ago a commit may be for its owner to be taken for the
// shard's still.
const confirmed = time.Second

// notifyChanged tells what has changed with the windows that were just committed.
func (s *shard) notifyChanged(closed []closedWindow) {
	if s.options.Notifier == nil {
		return
	}
	var standing []alerts.Standing
	seen := make(map[alerts.Version]bool)
	for _, c := range closed {
		key := alerts.Version{Model: c.verdict.Model, Version: c.verdict.Version, Segment: c.verdict.Segment}
		if len(c.alerts) > 0 && !seen[key] {
			seen[key] = true
			standing = append(standing, s.versions[key].progress.Standing(time.Now())...)
		}
	}
	if len(standing) > 0 {
		s.options.Notifier.Notify(s.number, standing)
	}
}

// notifyAgain tells all that stands, when it is time to.
func (s *shard) notifyAgain(ctx context.Context) error {
	now := time.Now()
	if s.options.Notifier == nil || now.Sub(s.notified) < s.options.Resend {
		return nil
	}
	var standing []alerts.Standing
	for _, v := range s.versions {
		standing = append(standing, v.progress.Standing(now)...)
	}
	if len(standing) > 0 {
		if now.Sub(s.durable) > confirmed {
			if err := s.commit(ctx, nil, nil); err != nil {
				return err
			}
		}
		s.options.Notifier.Notify(s.number, standing)
	}
	s.notified = now
	return nil
}

// untilNotified fires when it is time for notifyAgain: the marks, which come more
// often, do not come while Redis is away.
func (s *shard) untilNotified() <-chan time.Time {
	if s.options.Notifier == nil {
		return nil
	}
	return time.After(time.Until(s.notified.Add(s.options.Resend)))
}
