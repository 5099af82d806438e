package webhook

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// standing is an alert that fires; ended, one that is over since then.
func standing(id, severity string, ended time.Time) alerts.Standing {
	return alerts.Standing{
		Version: alerts.Version{Model: "fraud", Version: "3"}, Kind: alerts.FeatureDrift, Ended: ended,
		Incident: alerts.Incident{ID: id, Since: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Told: &alerts.Told{
			Severity: severity, Summary: "fraud v3: 1 of 2 features drifted",
			Window: drift.Bounds{Start: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), End: time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)},
		}},
	}
}

// notified tells a story in a bubble, with a notifier that runs.
func notified(t *testing.T, s *answerer, story func(t *testing.T, n *Notifier, pass func(time.Duration), registry *prometheus.Registry)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		n, err := NewNotifier(NotifierOptions{
			Subscribers: []Subscriber{{Name: "chat", Receiver: Receiver{URL: "http://chat", Secrets: [][]byte{[]byte("secret")}}, Transport: s}},
			Timeout:     10 * time.Second, Valid: 2 * time.Minute, Metrics: NewNotifierMetrics(registry),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { n.Run(ctx) })
		story(t, n, func(d time.Duration) { <-time.After(d); synctest.Wait() }, registry)
		cancel()
		group.Wait()
	})
}

func TestEveryTransitionIsSentOnce(t *testing.T) {
	s := new(answerer)
	notified(t, s, func(t *testing.T, n *Notifier, pass func(time.Duration), registry *prometheus.Registry) {
		tell := func(minutes int, all ...alerts.Standing) {
			for range minutes {
				n.Notify(1, all)
				pass(time.Minute)
			}
		}
		never := time.Time{}
		tell(5, standing("a", "warning", never), standing("b", "warning", never))
		// It becomes more severe: what it was has ended, and it has not.
		tell(5, standing("a", "warning", time.Now()), standing("a", "critical", never), standing("b", "warning", never))
		tell(5, standing("a", "critical", time.Now()), standing("b", "warning", never))
		want := []string{"a.firing.warning", "b.firing.warning", "a.firing.critical", "a.resolved.critical"}
		if got := s.came(); !slices.Equal(got, want) {
			t.Errorf("sent %q, want %q", got, want)
		}
		// Another owner begins by telling all that stands, under the same ids.
		n.Release(1)
		tell(1, standing("b", "warning", never))
		if got := s.came(); !slices.Equal(got, append(want, "b.firing.warning")) {
			t.Errorf("sent %q", got)
		}
		if n := testutil.ToFloat64(count(t, registry, "kolmo_webhook_sent_total")); n != 5 {
			t.Errorf("%v were counted", n)
		}
	})
}

// Of what came to an end while nobody listened the end is sent alone.
func TestWhatIsOverIsNotSentAsFiring(t *testing.T) {
	s := &answerer{answer: status(500)}
	notified(t, s, func(t *testing.T, n *Notifier, pass func(time.Duration), _ *prometheus.Registry) {
		n.Notify(1, []alerts.Standing{standing("a", "critical", time.Time{})})
		pass(time.Minute)
		failed := len(s.came())
		n.Notify(1, []alerts.Standing{standing("a", "critical", time.Now())})
		s.set(nil)
		pass(10 * time.Minute)
		if got := s.came()[failed:]; !slices.Equal(got, []string{"a.resolved.critical"}) {
			t.Errorf("sent %q", got)
		}
	})
}

func TestAWebhookIsAnAlertInAnEnvelope(t *testing.T) {
	var bodies []string
	s := &answerer{answer: func(r *http.Request) (int, http.Header, error) {
		body, err := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		return 204, nil, err
	}}
	notified(t, s, func(t *testing.T, n *Notifier, pass func(time.Duration), _ *prometheus.Registry) {
		n.Notify(1, []alerts.Standing{standing("a", "critical", time.Time{})})
		pass(time.Second)
		n.Notify(1, []alerts.Standing{standing("a", "critical", time.Date(2026, 3, 2, 14, 0, 5, 0, time.UTC))})
		pass(time.Second)
	})
	const of = `"kind":"feature_drift","severity":"critical","model":"fraud","version":"3","segment":"",` +
		`"window":{"start":"2026-03-02T10:00:00Z","end":"2026-03-02T11:00:00Z"},"since":"2026-03-02T09:00:00Z",` +
		`"summary":"fraud v3: 1 of 2 features drifted","features":[],"evidence_url":"","runbook_url":""}}`
	want := []string{
		`{"type":"alert.firing","timestamp":"2026-03-02T11:00:00Z","data":{"schema":1,"id":"a","status":"firing",` + of,
		`{"type":"alert.resolved","timestamp":"2026-03-02T14:00:05Z","data":{"schema":1,"id":"a","status":"resolved",` + of,
	}
	if !slices.Equal(bodies, want) {
		t.Errorf("%q", bodies)
	}
	var back envelope
	if err := json.Unmarshal([]byte(bodies[0]), &back); err != nil {
		t.Error(err)
	}
}
