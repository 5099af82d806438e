package kafka

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// notified takes down the models that it is told of.
type notified struct{ models [][]string }

func (n *notified) Notify(_ int, standing []alerts.Standing) {
	var models []string
	for _, s := range standing {
		models = append(models, s.Model)
	}
	slices.Sort(models)
	n.models = append(n.models, models)
}

func (*notified) Release(int) {}

// owner is a shard with two models whose alerts fire, and a quiet one.
func owner(n Notifier) *shard {
	s := &shard{options: &Options{Notifier: n, Resend: time.Minute}, versions: make(map[alerts.Version]*version)}
	for _, model := range []string{"fraud", "scoring", "quiet"} {
		progress := alerts.NewProgress(alerts.Version{Model: model})
		if model != "quiet" {
			progress.Alerts = map[alerts.Kind]alerts.State{alerts.FeatureDrift: {Incident: &alerts.Incident{ID: model}}}
		}
		s.versions[progress.Version] = &version{progress: progress}
	}
	return s
}

func TestATransitionIsToldOfItsVersionAlone(t *testing.T) {
	var n notified
	s := owner(&n)
	of := func(model string, transitions ...*alerts.Alert) closedWindow {
		return closedWindow{verdict: &drift.Verdict{Model: model}, alerts: transitions}
	}
	s.notifyChanged([]closedWindow{of("fraud", new(alerts.Alert)), of("scoring"), of("fraud", new(alerts.Alert)), of("quiet")})
	s.notifyChanged([]closedWindow{of("scoring"), of("quiet")})
	if len(n.models) != 1 || !slices.Equal(n.models[0], []string{"fraud"}) {
		t.Errorf("told %q", n.models)
	}
}

func TestAllThatStandsIsToldWhenItIsTime(t *testing.T) {
	var n notified
	s := owner(&n)
	for _, passed := range []time.Duration{time.Hour, 0, 59 * time.Second, 61 * time.Second} {
		s.durable = time.Now() // it has just committed
		if s.notified = time.Now().Add(-passed); passed == time.Hour {
			s.notified = time.Time{} // the shard has just come
		}
		if err := s.notifyAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"fraud", "scoring"}
	if len(n.models) != 2 || !slices.Equal(n.models[0], want) || !slices.Equal(n.models[1], want) {
		t.Errorf("told %q", n.models)
	}
}

// An owner that was replaced cannot commit, and falls silent.
func TestWhoCannotCommitTellsNothing(t *testing.T) {
	var n notified
	s := owner(&n)
	var err error
	if s.producer, err = kgo.NewClient(kgo.TransactionalID("gone")); err != nil {
		t.Fatal(err)
	}
	s.producer.Close()
	s.durable = time.Now().Add(-2 * confirmed)
	if err := s.notifyAgain(t.Context()); err == nil {
		t.Error("a commit through a closed client succeeded")
	}
	if len(n.models) > 0 {
		t.Errorf("told %q", n.models)
	}
}

func TestWithoutANotifierNothingIsTold(t *testing.T) {
	s := owner(nil)
	s.notifyChanged([]closedWindow{{verdict: &drift.Verdict{Model: "fraud"}, alerts: []*alerts.Alert{{}}}})
	if err := s.notifyAgain(t.Context()); err != nil {
		t.Error(err)
	}
	if s.untilNotified() != nil {
		t.Error("it waits for a time to tell")
	}
}
