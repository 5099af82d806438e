package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A Retrainer asks for retraining that has been decided. Its methods do not wait for
// anybody. Who may ask is as for a Notifier: the owner of a shard, right after a
// commit.
type Retrainer interface {
	// Retrain asks for what is outstanding, unless it is being asked for. answer may
	// be called from any goroutine, and more than once for the same.
	Retrain(shard int, outstanding []alerts.Outstanding, answer func(alerts.Answer))
	// Release forgets what is outstanding in a shard.
	Release(shard int)
}

// AskEvery is how often the owner of a shard tells what is still outstanding in it.
const AskEvery = 10 * time.Second

// answers are what targets have answered, until the shard's goroutine takes it.
type answers struct {
	mu   sync.Mutex
	list []alerts.Answer // guarded by mu
	came chan struct{}   // holds a token when the list is not empty
}

func newAnswers() *answers { return &answers{came: make(chan struct{}, 1)} }

func (a *answers) add(answer alerts.Answer) {
	a.mu.Lock()
	a.list = append(a.list, answer)
	a.mu.Unlock()
	select {
	case a.came <- struct{}{}:
	default:
	}
}

func (a *answers) take() []alerts.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	return list
}

// askNow asks for what the windows that were just committed have triggered.
func (s *shard) askNow(closed []closedWindow) {
	if s.options.Retrainer == nil {
		return
	}
	fresh := make(map[alerts.Version][]*alerts.RetrainingRecord)
	for _, c := range closed {
		for _, r := range c.retraining {
			key := alerts.Version{Model: r.Model, Version: r.Version, Segment: r.Segment}
			fresh[key] = append(fresh[key], r)
		}
	}
	var outstanding []alerts.Outstanding
	for key, records := range fresh {
		outstanding = append(outstanding, s.versions[key].progress.Outstanding(records)...)
	}
	if len(outstanding) > 0 {
		s.options.Retrainer.Retrain(s.number, outstanding, s.answers.add)
	}
}

// outstanding is everything that some target has not answered.
func (s *shard) outstanding() []alerts.Outstanding {
	if s.options.Retrainer == nil {
		return nil
	}
	var all []alerts.Outstanding
	for _, v := range s.versions {
		all = append(all, v.progress.Outstanding(nil)...)
	}
	return all
}

// askAgain tells all that is outstanding, when it is time to: first of all when the
// shard has just come.
func (s *shard) askAgain(ctx context.Context) error {
	if time.Since(s.asked) < AskEvery {
		return nil
	}
	outstanding := s.outstanding()
	if len(outstanding) == 0 {
		return nil
	}
	if time.Since(s.durable) > confirmed {
		if err := s.commit(ctx, nil, nil); err != nil {
			return err
		}
	}
	s.options.Retrainer.Retrain(s.number, outstanding, s.answers.add)
	s.asked = time.Now()
	return nil
}

// untilAsked fires when it is time for askAgain.
func (s *shard) untilAsked() <-chan time.Time {
	if len(s.outstanding()) == 0 {
		return nil
	}
	return time.After(time.Until(s.asked.Add(AskEvery)))
}

// takeAnswers publishes what targets have answered, and with it that nothing is
// outstanding any more.
func (s *shard) takeAnswers(ctx context.Context) error {
	var records []*kgo.Record
	moved := make(map[alerts.Version]*version)
	var came []*alerts.RetrainingRecord
	for _, answer := range s.answers.take() {
		v := moved[answer.Version]
		if v == nil {
			v = s.versions[answer.Version]
		}
		if v == nil {
			continue
		}
		progress, record := v.progress.Answered(answer)
		if record == nil {
			continue // it has been heard
		}
		encoded, err := s.retrainingRecord(record)
		if err != nil {
			return err
		}
		records, came = append(records, encoded), append(came, record)
		moved[answer.Version] = &version{progress: progress, draft: v.draft}
	}
	if len(records) == 0 {
		return nil
	}
	var after []*alerts.Progress
	for _, v := range moved {
		after = append(after, v.progress)
	}
	if err := s.commit(ctx, records, after); err != nil {
		return err
	}
	for key, v := range moved {
		s.versions[key] = v
	}
	for _, r := range came {
		s.log.Info("retraining", "status", r.Status, "target", r.Target, "summary", r.Summary, "run", r.Delivery.Run, "error", r.Delivery.Error)
	}
	return nil
}

// retrainingRecord is the record on the alerts topic.
func (s *shard) retrainingRecord(r *alerts.RetrainingRecord) (*kgo.Record, error) {
	value, err := r.Encode()
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Topic: s.options.Topics.Alerts, Partition: int32(s.number), Key: []byte(r.ID), Value: value}, nil
}
