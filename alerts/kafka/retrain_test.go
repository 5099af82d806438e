package kafka

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// asked takes down what it is asked for: the retraining's id, and ! where nobody can
// have asked for it before.
type asked struct {
	ids    [][]string
	answer func(alerts.Answer)
}

func (a *asked) Retrain(_ int, outstanding []alerts.Outstanding, answer func(alerts.Answer)) {
	var ids []string
	for _, o := range outstanding {
		id := o.Pending.Record.ID
		if o.Fresh {
			id += "!"
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	a.ids, a.answer = append(a.ids, ids), answer
}

func (*asked) Release(int) {}

func decision(id string) *alerts.RetrainingRecord {
	return &alerts.RetrainingRecord{Alert: alerts.Alert{ID: id, Status: alerts.Triggered, Model: "fraud"}}
}

// trainer is a shard with a model for which two retrainings are pending, and another.
func trainer(r Retrainer) *shard {
	s := &shard{options: &Options{Retrainer: r}, versions: make(map[alerts.Version]*version), answers: newAnswers()}
	for _, model := range []string{"fraud", "quiet"} {
		progress := alerts.NewProgress(alerts.Version{Model: model})
		if model == "fraud" {
			progress.Retraining = new(alerts.Retrained)
			for _, id := range []string{"old", "new"} {
				progress.Retraining.Pending = append(progress.Retraining.Pending, alerts.Pending{Record: *decision(id), Targets: []string{"nightly"}})
			}
		}
		s.versions[progress.Version] = &version{progress: progress}
	}
	return s
}

func TestWhatWasJustDecidedIsAskedForAsNew(t *testing.T) {
	var a asked
	s := trainer(&a)
	s.askNow([]closedWindow{{verdict: &drift.Verdict{Model: "quiet"}}})
	s.askNow([]closedWindow{{verdict: &drift.Verdict{Model: "fraud"}, retraining: []*alerts.RetrainingRecord{decision("new")}}})
	if len(a.ids) != 1 || !slices.Equal(a.ids[0], []string{"new!", "old"}) {
		t.Errorf("asked for %q", a.ids)
	}
}

func TestWhatIsOutstandingIsAskedForAgain(t *testing.T) {
	var a asked
	s := trainer(&a)
	for _, passed := range []time.Duration{time.Hour, 0, AskEvery - time.Second, AskEvery} {
		s.durable = time.Now() // it has just committed
		if s.asked = time.Now().Add(-passed); passed == time.Hour {
			s.asked = time.Time{} // the shard has just come
		}
		if err := s.askAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"new", "old"}; len(a.ids) != 2 || !slices.Equal(a.ids[0], want) || !slices.Equal(a.ids[1], want) {
		t.Errorf("asked for %q", a.ids)
	}
	if s.untilAsked() == nil {
		t.Error("it does not wait for a time to ask again")
	}
	// What is no answer to anything outstanding needs no commit, and this shard has
	// nothing to commit with.
	a.answer(alerts.Answer{Version: alerts.Version{Model: "fraud"}, ID: "unheard of", Target: "nightly"})
	a.answer(alerts.Answer{Version: alerts.Version{Model: "gone"}, ID: "old", Target: "nightly"})
	select {
	case <-s.answers.came:
	default:
		t.Error("nothing says that answers came")
	}
	if err := s.takeAnswers(t.Context()); err != nil {
		t.Error(err)
	}
}

// An owner that was replaced cannot commit, and asks for nothing.
func TestWhoCannotCommitAsksForNothing(t *testing.T) {
	var a asked
	s := trainer(&a)
	var err error
	if s.producer, err = kgo.NewClient(kgo.TransactionalID("gone")); err != nil {
		t.Fatal(err)
	}
	s.producer.Close()
	s.durable = time.Now().Add(-2 * confirmed)
	if err := s.askAgain(t.Context()); err == nil || len(a.ids) > 0 {
		t.Errorf("%v, asked for %q", err, a.ids)
	}
	s.answers.add(alerts.Answer{Version: alerts.Version{Model: "fraud"}, ID: "old", Target: "nightly"})
	if err := s.takeAnswers(t.Context()); err == nil {
		t.Error("an answer was published through a closed client")
	}
	if left := s.versions[alerts.Version{Model: "fraud"}].progress.Retraining.Pending; len(left) != 2 {
		t.Errorf("%d are pending after a commit that failed", len(left))
	}
}

func TestWithoutARetrainerNothingIsAskedFor(t *testing.T) {
	s := trainer(nil)
	s.askNow([]closedWindow{{verdict: &drift.Verdict{Model: "fraud"}, retraining: []*alerts.RetrainingRecord{decision("new")}}})
	if err := s.askAgain(t.Context()); err != nil {
		t.Error(err)
	}
	if s.untilAsked() != nil {
		t.Error("it waits for a time to ask")
	}
}
