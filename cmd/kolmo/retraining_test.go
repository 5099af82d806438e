package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/deploy/local"
)

// airflowStub answers as Airflow 3 does. The first run that it begins it does not
// tell of: whoever asked waits for an answer until it dies.
type airflowStub struct {
	*httptest.Server
	mu     sync.Mutex
	runs   map[string]json.RawMessage // conf by the run's id
	asked  []string                   // status of every request for a run
	silent chan struct{}              // closed once the first run has begun
}

func newAirflowStub(t *testing.T, port int) *airflowStub {
	t.Helper()
	a := &airflowStub{runs: make(map[string]json.RawMessage), silent: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/token", func(w http.ResponseWriter, r *http.Request) {
		var who struct{ Username, Password string }
		if err := json.NewDecoder(r.Body).Decode(&who); err != nil || who.Username != "kolmo" || who.Password != "secret" {
			t.Errorf("a token is asked for by %+v, %v", who, err)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprint(w, `{"access_token":"token"}`)
	})
	mux.HandleFunc("POST /api/v2/dags/retrain/dagRuns", func(w http.ResponseWriter, r *http.Request) {
		var run map[string]json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&run); err != nil {
			t.Errorf("a run cannot be read: %v", err)
		}
		if r.Header.Get("Authorization") != "Bearer token" || string(run["logical_date"]) != "null" {
			t.Errorf("a run is begun with %v, %s", r.Header, run)
		}
		id := string(run["dag_run_id"])
		a.mu.Lock()
		_, exists := a.runs[id]
		first := len(a.runs) == 0
		switch {
		case exists:
			a.asked = append(a.asked, "conflict")
			w.WriteHeader(http.StatusConflict)
		default:
			a.asked = append(a.asked, "begun")
			a.runs[id] = run["conf"]
		}
		a.mu.Unlock()
		if first {
			close(a.silent)
			<-r.Context().Done()
		}
	})
	mux.HandleFunc("GET /api/v2/dags/retrain/dagRuns/{id}", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, exists := a.runs[fmt.Sprintf("%q", r.PathValue("id"))]; !exists {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	a.Server = httptest.NewUnstartedServer(mux)
	_ = a.Listener.Close() // the one that it has, for another port
	a.Listener = listener
	a.Start()
	t.Cleanup(a.Close)
	return a
}

// A subscriber is sent webhooks. It remembers their ids, and takes down what it has not
// had before.
type subscriber struct {
	*httptest.Server
	mu    sync.Mutex
	ids   map[string]bool
	types []string
}

func newSubscriber(t *testing.T, key string) *subscriber {
	t.Helper()
	s := &subscriber{ids: make(map[string]bool)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // whoever sent it is dead
		}
		id := r.Header.Get("webhook-id")
		h := hmac.New(sha256.New, []byte(key))
		_, _ = fmt.Fprintf(h, "%s.%s.%s", id, r.Header.Get("webhook-timestamp"), body)
		if want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("%s is signed %q, want %q", id, r.Header.Get("webhook-signature"), want)
		}
		var message struct {
			Type string
			Data alerts.Alert
		}
		if err := json.Unmarshal(body, &message); err != nil || message.Data.Model != flights.Model {
			t.Errorf("%v: %s", err, body)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.ids[id] {
			s.ids[id] = true
			s.types = append(s.types, message.Type)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *subscriber) had() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.types)
}

// TestOneIncidentTrainsOnce: an instance dies between publishing that a model is to be
// trained again and asking for it; the next one asks, and dies before it is answered;
// the third asks again and is told that it has been asked. One run has begun. Whoever
// is sent webhooks hears of every alert, too.
func TestOneIncidentTrainsOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	port, err := local.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s.createTopic(t, "predictions", 1)
	key := strings.Repeat("k", 32)
	chat := newSubscriber(t, key)
	config := s.write(t, setup{name: "trained", inputs: "{predictions: [predictions]}", model: fmt.Sprintf(`    window: {size: 1h, lateness: 1m}
    reference: {kind: first, windows: 2}
    drift: {numeric: ks, min_events: 10}
    alert: {for: 1, of: 1, resolve_after: 1}
    retraining: {targets: [nightly], cooldown: 0s, per_day: 0}
retraining:
  targets:
    - name: nightly
      airflow: {url: "http://127.0.0.1:%d", dag_id: retrain, username: kolmo, password: secret}
webhooks: [{name: chat, url: %q, secret: "whsec_%s"}]
`, port, chat.URL, base64.StdEncoding.EncodeToString([]byte(key)))})
	// History is not trained for, so this is of today.
	began := time.Now().UTC().Truncate(time.Hour).Add(-10 * time.Hour)
	for hour, mean := range []float64{0, 0, 0, 3, 3} {
		s.sendHour(t, "predictions", began.Add(time.Duration(hour)*time.Hour), map[string]float64{"7": mean})
	}

	// Published, and nobody listens yet.
	first := s.run(t, config)
	s.records(t, "trained.alerts", time.Minute, func(all []*kgo.Record) bool { return len(all) == 2 })
	first.waitFor("asking failed")
	first.kill()

	airflow := newAirflowStub(t, port)
	second := s.run(t, config)
	select {
	case <-airflow.silent:
	case <-time.After(time.Minute):
		t.Fatal("a minute later nobody has asked Airflow")
	}
	second.kill()

	third := s.run(t, config)
	records := s.records(t, "trained.alerts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= 3 })
	// The model recovers, and drifts again. An hour in between has the one event that
	// closes what was before it, and may be closed already because nothing came.
	s.sendHour(t, "predictions", began.Add(6*time.Hour), map[string]float64{"7": 0})
	s.sendHour(t, "predictions", began.Add(8*time.Hour), map[string]float64{"7": 3})
	records = s.records(t, "trained.alerts", time.Minute, func(all []*kgo.Record) bool { return len(all) >= len(records)+4 })
	within(t, 10*time.Second, "three webhooks came", func() bool { return len(chat.had()) >= 3 })
	third.stop()
	if had := chat.had(); !slices.Equal(had, []string{"alert.firing", "alert.resolved", "alert.firing"}) {
		t.Errorf("webhooks are %q", had)
	}

	var told []string
	var all []alerts.RetrainingRecord
	for _, r := range records {
		var record alerts.RetrainingRecord
		if err := json.Unmarshal(r.Value, &record); err != nil || string(r.Key) != record.ID {
			t.Fatalf("%v: %s", err, r.Value)
		}
		told, all = append(told, string(record.Status)), append(all, record)
	}
	if want := []string{"firing", "triggered", "delivered", "resolved", "firing", "triggered", "delivered"}; !slices.Equal(told, want) {
		t.Fatalf("published %q, want %q", told, want)
	}
	triggered, delivered := all[1], all[2]
	if triggered.Cause != all[0].ID || triggered.CauseKind != alerts.FeatureDrift || triggered.Model != flights.Model || len(triggered.Features) != 1 {
		t.Errorf("triggered is %+v", triggered)
	}
	if delivered.ID != triggered.ID || delivered.Target != "nightly" || !delivered.Delivery.Known || delivered.Delivery.Run != "kolmo-"+triggered.ID {
		t.Errorf("delivered is %+v, %+v", delivered, delivered.Delivery)
	}
	airflow.mu.Lock()
	defer airflow.mu.Unlock()
	if len(airflow.runs) != 2 || !slices.Equal(airflow.asked, []string{"begun", "conflict", "begun"}) {
		t.Errorf("%d runs, asked with %q", len(airflow.runs), airflow.asked)
	}
	conf := string(airflow.runs[fmt.Sprintf("%q", "kolmo-"+triggered.ID)])
	for _, part := range []string{
		`"model":"` + flights.Model + `"`, `"version":"7"`, `"kind":"feature_drift"`, `"name":"feature","test":"ks"`, `"cause":"` + all[0].ID + `"`,
	} {
		if !strings.Contains(conf, part) {
			t.Errorf("the run's conf has no %s: %s", part, conf)
		}
	}
}
