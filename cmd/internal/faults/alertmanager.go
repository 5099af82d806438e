//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// An illness is what is wrong with an Alertmanager.
type illness string

const (
	well     illness = "well"
	down     illness = "down"
	slow     illness = "slow"
	failing  illness = "answers 500"
	resetter illness = "resets"
)

// mostAlertmanagerDelay is how long a slow one takes for a request at most; it is more
// than kolmo gives it, and less than that half of the time.
const (
	alertmanagerTimeout   = 5 * time.Second
	mostAlertmanagerDelay = 2 * alertmanagerTimeout
)

// told is an alert as an Alertmanager knows it.
type told struct {
	incident string
	ends     time.Time
}

// An alertmanager is one in this process: it takes alerts as API v2 says, and keeps
// how each stood last. It can be ill.
type alertmanager struct {
	address string

	mu      sync.Mutex
	illness illness              // guarded by mu
	server  *http.Server         // nil while it is down; guarded by mu
	alerts  map[alertLabels]told // guarded by mu
	fired   map[string]bool      // incidents that it was told to fire; guarded by mu
	ended   map[string]bool      // incidents that it was told have ended; guarded by mu
	wrong   []string             // requests that API v2 does not have; guarded by mu
	served  map[illness]int      // requests; guarded by mu
}

// alertLabels are what tells alerts of the load apart.
type alertLabels struct{ model, version, kind string }

func startAlertmanager() (*alertmanager, error) {
	a := &alertmanager{
		illness: well, alerts: make(map[alertLabels]told), fired: make(map[string]bool), ended: make(map[string]bool), served: make(map[illness]int),
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting an Alertmanager: %w", err)
	}
	a.address = listener.Addr().String()
	a.serve(listener)
	return a, nil
}

// serve answers on a listener. The caller holds mu, or is alone.
func (a *alertmanager) serve(listener net.Listener) {
	server := &http.Server{Handler: a, ReadHeaderTimeout: time.Minute}
	a.server = server
	go func() { _ = server.Serve(listener) }() // until it is closed
}

// become makes it ill, or well again.
func (a *alertmanager) become(i illness) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.illness = i
	if i == down && a.server != nil {
		err := a.server.Close()
		a.server = nil
		return err
	}
	if i != down && a.server == nil {
		listener, err := net.Listen("tcp4", a.address)
		if err != nil {
			return fmt.Errorf("starting the Alertmanager again: %w", err)
		}
		a.serve(listener)
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (a *alertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	ill := a.illness
	a.served[ill]++
	a.mu.Unlock()
	switch ill {
	case failing:
		http.Error(w, "as the fault wants it", http.StatusInternalServerError)
		return
	case resetter:
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = connection.(*net.TCPConn).SetLinger(0)
			_ = connection.Close()
		}
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if ill == slow && pause(r.Context(), rand.N(mostAlertmanagerDelay)) != nil {
		return // kolmo has given it up
	}
	if err := a.take(r, body); err != nil {
		a.mu.Lock()
		a.wrong = append(a.wrong, err.Error())
		a.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (a *alertmanager) take(r *http.Request, body []byte) error {
	var alerts []struct {
		Labels, Annotations map[string]string
		StartsAt, EndsAt    time.Time
	}
	if err := json.Unmarshal(body, &alerts); err != nil || r.Method != http.MethodPost || r.URL.Path != "/api/v2/alerts" {
		return fmt.Errorf("%s %s is no alert: %w", r.Method, r.URL, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, alert := range alerts {
		key := alertLabels{alert.Labels["model"], alert.Labels["model_version"], alert.Labels["kind"]}
		incident := alert.Annotations["incident"]
		if key.model == "" || key.kind == "" || alert.Labels["alertname"] == "" || incident == "" ||
			alert.StartsAt.IsZero() || alert.EndsAt.Before(alert.StartsAt) || alert.StartsAt.After(time.Now()) {
			return fmt.Errorf("an alert is not what Alertmanager takes: %+v", alert)
		}
		a.alerts[key] = told{incident, alert.EndsAt}
		if alert.EndsAt.After(time.Now()) {
			a.fired[incident] = true
		} else {
			a.ended[incident] = true
		}
	}
	return nil
}

// firing are the incidents that it takes to fire.
func (a *alertmanager) firing() map[alertLabels]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	firing := make(map[alertLabels]string)
	for key, t := range a.alerts {
		if t.ends.After(time.Now()) {
			firing[key] = t.incident
		}
	}
	return firing
}

// firingIn are the incidents that fire by the alerts topic.
func firingIn(records []*kgo.Record) (map[alertLabels]string, error) {
	firing := make(map[alertLabels]string)
	for _, record := range records {
		var alert struct{ ID, Status, Kind, Model, Version string }
		if err := json.Unmarshal(record.Value, &alert); err != nil {
			return nil, fmt.Errorf("reading an alert: %w", err)
		}
		key := alertLabels{alert.Model, alert.Version, alert.Kind}
		if alert.Status == "firing" {
			firing[key] = alert.ID
		} else {
			delete(firing, key)
		}
	}
	return firing, nil
}

// agrees waits until the Alertmanager says what the alerts topic says.
func (a *alertmanager) agrees(ctx context.Context, b *bench, limit time.Duration) error {
	var differs string
	err := until(ctx, limit, 20*time.Millisecond, func() (bool, error) {
		want, err := firingIn(b.observer.all().alerts)
		if err != nil {
			return false, err
		}
		got := a.firing()
		differs = fmt.Sprintf("it takes %v to fire, the alerts topic %v", got, want)
		return maps.Equal(got, want), nil
	})
	if errors.Is(err, errTooLate) {
		return fmt.Errorf("%v after Alertmanager was well again %s", limit, differs)
	}
	return err
}

// alertmanagerFault makes an Alertmanager ill in every way. While it is, windows close
// as ever, now and then with an instance killed between publishing and pushing; when it
// is well again, it soon knows how everything stands.
func alertmanagerFault() fault {
	illnesses := []illness{down, slow, failing, resetter}
	var a *alertmanager
	var took []time.Duration
	return fault{
		name: "alertmanager", what: "Alertmanager down, slow, answering 500, resetting connections",
		configure: func(s *settings, _ string) error {
			var err error
			if a, err = startAlertmanager(); err == nil {
				s.alertmanager = "http://" + a.address
			}
			return err
		},
		inject: func(ctx context.Context, b *bench, n int) error {
			ill := illnesses[n%len(illnesses)]
			if err := a.become(ill); err != nil {
				return err
			}
			began, due := time.Now(), b.load.position()
			if n/len(illnesses)%2 == 1 {
				b.anySeat().crash()
			}
			// Nothing that closes waits: it is still ill when everything due is published.
			if err := b.published(ctx, due, recoveryLimit); err != nil {
				return fmt.Errorf("while Alertmanager %s: %w", ill, err)
			}
			if err := pause(ctx, 8*time.Second-time.Since(began)); err != nil {
				return err
			}
			if err := a.become(well); err != nil {
				return err
			}
			began = time.Now()
			if err := a.agrees(ctx, b, recoveryLimit); err != nil {
				return err
			}
			took = append(took, time.Since(began))
			return nil
		},
		finish: func(_ context.Context, b *bench) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			for _, ill := range illnesses[:min(len(illnesses), b.repeats)] {
				if ill != down && a.served[ill] == 0 {
					b.problem("nothing was sent to an Alertmanager that %s", ill)
				}
			}
			if len(a.fired) == 0 || len(a.ended) == 0 {
				b.problem("Alertmanager was told of %d incidents, and of %d that they ended: too few to prove anything", len(a.fired), len(a.ended))
			}
			for _, wrong := range a.wrong {
				b.problem("%s", wrong)
			}
			slices.Sort(took)
			b.note("Alertmanager took %d incidents, %d of which ended; it knew how all stood %.1f s after it was well again (median), %.1f s (max)",
				len(a.fired), len(a.ended), took[len(took)/2].Seconds(), took[len(took)-1].Seconds())
			return nil
		},
		cleanup: func() error {
			if a == nil {
				return nil
			}
			return a.become(down)
		},
	}
}
