package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// A shard is what its owner knows. It belongs to one goroutine.
type shard struct {
	closers  *Closers
	options  *Options
	number   int
	log      *slog.Logger
	producer *kgo.Client
	tail     *tail

	own alerts.ShardProgress
	// inputs are own.Partitions, in the order in which their panes are merged.
	inputs []input
	places []alerts.Input // of inputs, as verdicts name them
	token  string         // what Redis knows this owner by
	begun  bool           // a partition has begun that no commit has told of

	versions map[alerts.Version]*version
	// generation is the offset, in the progress topic, of the last record that
	// changed which grids are in force: grids of a lower generation are older.
	generation int64
	told       int64     // the generation that Redis was told last; -1: none
	published  time.Time // when Through was last told to Redis
	durable    time.Time // when Through was last written to progress
	heldUp     time.Time // when the log last said that nothing closes
	requests   map[alerts.Version]request
	notified   time.Time // when the notifier was last told all that stands
	asked      time.Time // when the retrainer was last told all that is outstanding
	answers    *answers  // of those who are asked to train again
}

// A version is one model version's progress, and the draft of its reference.
type version struct {
	progress *alerts.Progress
	draft    *draft // nil when no reference grows
}

// mostTries bounds how often a close begins again because a checkpoint came in
// between: more often than that it is something else.
const mostTries = 100

// ownShard initialises, restores and then closes windows until the context
// ends or something fails.
func (c *Closers) ownShard(ctx context.Context, number int, log *slog.Logger) error {
	s := &shard{
		closers: c, options: &c.options, number: number, log: log, told: -1,
		versions: make(map[alerts.Version]*version), requests: make(map[alerts.Version]request), answers: newAnswers(),
	}
	var err error
	if s.producer, err = c.newProducer(ctx, number); err != nil {
		return err
	}
	defer s.producer.Close()
	defer c.options.Metrics.release(number)
	if c.options.Notifier != nil {
		defer c.options.Notifier.Release(number)
	}
	if c.options.Retrainer != nil {
		defer c.options.Retrainer.Release(number)
	}
	if err := s.restore(ctx); err != nil {
		return err
	}
	defer s.tail.close()
	c.options.Metrics.owned(number, s.versions)
	defer c.marks.want(number, nil)
	met := c.options.Inputs.Changed()
	renumbered := s.renumber()
	if s.meet() || len(renumbered) > 0 || s.own.Numbering != s.options.Numbering {
		if err := s.commit(ctx, nil, renumbered); err != nil {
			return err
		}
	}
	if err := s.configure(ctx); err != nil {
		return err
	}
	s.log.Debug("shard owned", "versions", len(s.versions), "through", s.own.Through.String())
	for {
		select {
		case <-met:
			met = c.options.Inputs.Changed()
			if s.meet() {
				if err := s.commit(ctx, nil, nil); err != nil {
					return err
				}
			}
		default:
		}
		at := c.marks.at()
		all, changed := c.marks.read()
		if err := s.takeRequests(ctx); err != nil {
			return err
		}
		if err := s.notifyAgain(ctx); err != nil {
			return err
		}
		if err := s.takeAnswers(ctx); err != nil {
			return err
		}
		if err := s.askAgain(ctx); err != nil {
			return err
		}
		if err := s.close(ctx, of(s.inputs, all), at); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-s.untilNotified():
		case <-s.answers.came:
		case <-s.untilAsked():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// close closes everything that is due at the lowest watermark, and then says
// what the shard has closed through. at is when the marks were so.
func (s *shard) close(ctx context.Context, marks []redisstore.Mark, at time.Time) error {
	watermark := lowest(s.inputs, marks)
	if watermark > s.own.Through {
		for tries := 0; ; tries++ {
			err := s.closeDue(ctx, marks, watermark)
			if errors.Is(err, redisstore.ErrMoved) && tries < mostTries {
				continue // a newer checkpoint replaced what we were about to read
			}
			if errors.Is(err, errRenumbered) || errors.Is(err, errBehind) {
				if time.Since(s.heldUp) >= 10*time.Second {
					s.log.Warn("nothing closes until it is mended by a partition's owner", "error", err)
					s.heldUp = time.Now()
				}
				return s.publish(ctx) // which finds out whether Redis has lost what the shard put there
			}
			if err != nil {
				return err
			}
			break
		}
		s.own.Through, s.own.Reread = watermark, nil
		if err := s.dropEnded(ctx); err != nil {
			return err
		}
		if s.begun || time.Since(s.durable) >= time.Minute {
			if err := s.commit(ctx, nil, nil); err != nil {
				return err
			}
		}
		s.options.Metrics.upToDate(s.number, at)
		return s.publish(ctx)
	}
	s.options.Metrics.upToDate(s.number, at)
	if time.Since(s.published) >= time.Second {
		return s.publish(ctx)
	}
	return nil
}

// publish tells Redis what is closed, and which grids are in force: after the
// commit, so that nobody runs ahead of what may still be undone.
func (s *shard) publish(ctx context.Context) error {
	through := redisstore.Through{Through: s.own.Through, Generation: s.generation, Grids: s.grids(), Owner: s.token, Before: s.told}
	s.options.step(StepBeforeHint)
	if err := s.options.Store.PublishThrough(ctx, s.options.Progress, s.number, through); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, redisstore.ErrForgotten) {
			return err // beginning again puts back what is gone
		}
		s.log.Warn("telling Redis what is closed failed; partitions wait until it works again", "error", err)
		return nil
	}
	s.options.step(StepAfterHint)
	s.published, s.told = time.Now(), through.Generation
	return nil
}

// grids lists what is in force: every version's own, and those of the
// configuration whose home is this shard.
func (s *shard) grids() []redisstore.GridInForce {
	var grids []redisstore.GridInForce
	for key, v := range s.versions {
		for _, serving := range v.progress.References {
			grids = append(grids, redisstore.GridInForce{
				Model: key.Model, Version: key.Version, EffectiveFrom: serving.GridFrom, GridID: serving.ID,
			})
		}
	}
	for pattern, configured := range s.own.Configured {
		for _, serving := range configured.Serving {
			grids = append(grids, redisstore.GridInForce{
				Model: pattern, EffectiveFrom: serving.GridFrom, GridID: serving.ID, Pattern: true,
			})
		}
	}
	return grids
}

// commit writes records, the progress of the versions that moved, and the
// shard's own, in one transaction.
func (s *shard) commit(ctx context.Context, records []*kgo.Record, moved []*alerts.Progress) error {
	for _, progress := range moved {
		value, err := progress.Encode()
		if err != nil {
			return err
		}
		records = append(records, s.progressRecord(progressKey(progress.Version), value))
	}
	s.own.Schema, s.own.Shards, s.own.Definitions = alerts.Schema, s.options.Shards, s.options.Fingerprint
	s.own.Numbering = s.options.Numbering
	value, err := s.own.Encode()
	if err != nil {
		return err
	}
	own := s.progressRecord([]byte(shardKey), value)
	records = append(records, own)
	if err := s.options.commit(ctx, s.producer, records); err != nil {
		return fmt.Errorf("shard %d: %w", s.number, err)
	}
	s.durable, s.begun = time.Now(), false
	s.generation = own.Offset
	return nil
}

func (s *shard) progressRecord(key, value []byte) *kgo.Record {
	return &kgo.Record{Topic: s.options.Topics.Progress, Partition: int32(s.number), Key: key, Value: value}
}
