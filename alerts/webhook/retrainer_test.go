package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kolmo-ml/kolmo/alerts"
)

// An answerer is a receiver in memory. What it answers to its next requests is set by
// the test.
type answerer struct {
	mu     sync.Mutex
	answer func(*http.Request) (status int, header http.Header, err error) // nil: 204
	ids    []string                                                        // of the messages that came
	at     []time.Time
}

func (s *answerer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.ids, s.at = append(s.ids, r.Header.Get("webhook-id")), append(s.at, time.Now())
	answer := s.answer
	s.mu.Unlock()
	status, header := http.StatusNoContent, http.Header(nil)
	if answer != nil {
		var err error
		if status, header, err = answer(r); err != nil {
			return nil, err
		}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("as the test says"))}, nil
}

func (s *answerer) set(answer func(*http.Request) (int, http.Header, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *answerer) came() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ids)
}

func status(code int, header ...string) func(*http.Request) (int, http.Header, error) {
	h := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return func(*http.Request) (int, http.Header, error) { return code, h, nil }
}

func hangs(r *http.Request) (int, http.Header, error) {
	<-r.Context().Done()
	return 0, nil, r.Context().Err()
}

// An owner is a shard's: it tells what is outstanding every ten seconds, until it is
// answered.
type owner struct {
	r  *Retrainer
	mu sync.Mutex
	// outstanding and answers, by the retraining's id; guarded by mu.
	outstanding map[string]alerts.Outstanding
	answers     map[string][]alerts.Answer
}

func (o *owner) take(a alerts.Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers[a.ID] = append(o.answers[a.ID], a)
	delete(o.outstanding, a.ID)
}

func (o *owner) tell() {
	o.mu.Lock()
	all := slices.Collect(maps.Values(o.outstanding))
	for id, out := range o.outstanding {
		out.Fresh = false
		o.outstanding[id] = out
	}
	o.mu.Unlock()
	slices.SortFunc(all, func(a, b alerts.Outstanding) int { return strings.Compare(a.Pending.Record.ID, b.Pending.Record.ID) })
	if len(all) > 0 {
		o.r.Retrain(1, all, o.take)
	}
}

// pass lets time go by, in which the owner tells.
func (o *owner) pass(d time.Duration) {
	for ; d > 0; d -= 10 * time.Second {
		o.tell()
		<-time.After(min(d, 10*time.Second))
		synctest.Wait()
	}
}

func (o *owner) answered(id string) *alerts.Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.answers[id]) == 0 {
		return nil
	}
	return &o.answers[id][0].Delivery
}

// want is a retraining that expires in a day.
func (o *owner) want(fresh bool, ids ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		r := drifted()
		r.ID, r.Expires = id, time.Now().Add(24*time.Hour)
		o.outstanding[id] = alerts.Outstanding{
			Version: alerts.Version{Model: "fraud"}, Fresh: fresh, Pending: alerts.Pending{Record: *r, Targets: []string{"train"}, At: time.Now()},
		}
	}
}

// live tells a test's story in a bubble, with a retrainer that runs.
func live(t *testing.T, target Target, story func(t *testing.T, o *owner, log *bytes.Buffer, registry *prometheus.Registry)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		registry := prometheus.NewRegistry()
		target.Name = "train"
		r, err := NewRetrainer(Options{
			Targets: []Target{target}, Timeout: 10 * time.Second, Valid: 30 * time.Second,
			Metrics: NewMetrics(registry), Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { r.Run(ctx) })
		story(t, &owner{r: r, outstanding: make(map[string]alerts.Outstanding), answers: make(map[string][]alerts.Answer)}, &log, registry)
		cancel()
		group.Wait()
	})
}

func signed(s *answerer) Target {
	return Target{Receiver: &Receiver{URL: "http://receiver/retrain", Secrets: [][]byte{[]byte("secret")}}, Transport: s}
}

func TestARetrainingIsAskedForOnce(t *testing.T) {
	s := new(answerer)
	live(t, signed(s), func(t *testing.T, o *owner, _ *bytes.Buffer, _ *prometheus.Registry) {
		began := time.Now()
		o.want(true, "a", "b")
		o.tell()
		if time.Since(began) != 0 {
			t.Error("telling waited")
		}
		synctest.Wait()
		// The owner has not published the answer yet, and tells again.
		o.want(false, "a")
		o.pass(time.Hour)
		if got := s.came(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("asked for %q", got)
		}
		if d := o.answered("a"); d == nil || d.Attempts != 1 || d.Error != "" || len(o.answers["a"]) != 2 {
			t.Errorf("the answers are %+v", o.answers["a"])
		}
	})
}

// Whatever a target has answered before, it is asked within five minutes of being well
// again, and not asked more often than it can bear.
func TestATargetThatComesBackIsAsked(t *testing.T) {
	for name, ill := range map[string]func(*http.Request) (int, http.Header, error){
		"hangs": hangs, "answers 500": status(500), "answers 503": status(503), "answers 429": status(429), "answers 404": status(404), "answers 401": status(401),
		"is elsewhere": status(302, "Location", "http://elsewhere"),
		"resets":       func(*http.Request) (int, http.Header, error) { return 0, nil, errors.New("connection reset by peer") },
	} {
		t.Run(name, func(t *testing.T) {
			s := &answerer{answer: ill}
			live(t, signed(s), func(t *testing.T, o *owner, log *bytes.Buffer, registry *prometheus.Registry) {
				o.want(true, "a")
				o.pass(2 * time.Hour)
				if o.answered("a") != nil {
					t.Fatalf("it was answered %+v", o.answered("a"))
				}
				attempts := len(s.came())
				if attempts < 20 || attempts > 40 {
					t.Errorf("%d attempts in two hours", attempts)
				}
				for i := 1; i < len(s.at); i++ {
					if gap := s.at[i].Sub(s.at[i-1]); gap > longestPause+10*time.Second {
						t.Errorf("a pause of %v", gap)
					}
				}
				if lines := strings.Count(log.String(), "\n"); lines < 20 || lines > attempts {
					t.Errorf("%d lines were written of %d attempts", lines, attempts)
				}
				s.set(nil)
				o.pass(longestPause + 10*time.Second)
				if d := o.answered("a"); d == nil || d.Error != "" || d.Attempts != attempts+1 {
					t.Errorf("after it works again: %+v", d)
				}
				if !strings.Contains(log.String(), "asking works again") {
					t.Error("nothing says that it works again")
				}
				if got := testutil.ToFloat64(count(t, registry, "kolmo_retraining_failed_total")); int(got) != attempts {
					t.Errorf("%v failures were counted of %d", got, attempts)
				}
			})
		})
	}
}

// count is the only series of a metric that has one, or the sum of several.
func count(t *testing.T, registry *prometheus.Registry, name string) prometheus.Collector {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "sum"})
	g.Set(sum)
	return g
}

func TestATargetIsLeftAloneForAsLongAsItWants(t *testing.T) {
	s := &answerer{answer: status(503, "Retry-After", "1200")}
	live(t, signed(s), func(t *testing.T, o *owner, _ *bytes.Buffer, _ *prometheus.Registry) {
		o.want(true, "a")
		o.pass(41 * time.Minute)
		if n := len(s.at); n != 3 || s.at[1].Sub(s.at[0]) != 20*time.Minute {
			t.Errorf("asked at %v", s.at)
		}
	})
}

func TestGoneIsForever(t *testing.T) {
	s := &answerer{answer: status(410)}
	live(t, signed(s), func(t *testing.T, o *owner, log *bytes.Buffer, registry *prometheus.Registry) {
		o.want(true, "a")
		o.pass(time.Minute)
		o.want(true, "b")
		o.pass(time.Hour)
		if got := s.came(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("asked for %q", got)
		}
		for _, id := range []string{"a", "b"} {
			if d := o.answered(id); d == nil || !strings.Contains(d.Error, "410") {
				t.Errorf("%s: %+v", id, d)
			}
		}
		want := "# HELP kolmo_retraining_dropped_total Retrainings that a target was not asked for, or not again.\n# TYPE kolmo_retraining_dropped_total counter\n"
		for _, reason := range []string{expired, gone, noRoom, outdated} {
			want += fmt.Sprintf("kolmo_retraining_dropped_total{reason=%q,target=\"train\"} %d\n", reason, map[string]int{gone: 2}[reason])
		}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "kolmo_retraining_dropped_total"); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "given up") {
			t.Errorf("the log does not say so: %s", log)
		}
	})
}

// What nobody wants any more is given up, and what is a matter of history was never
// asked for.
func TestRetrainingExpires(t *testing.T) {
	s := &answerer{answer: status(500)}
	live(t, signed(s), func(t *testing.T, o *owner, _ *bytes.Buffer, _ *prometheus.Registry) {
		o.want(true, "a", "history")
		history := o.outstanding["history"]
		history.Pending.Record.Expires = time.Now().Add(-time.Hour)
		o.outstanding["history"] = history
		o.pass(25 * time.Hour)
		if d := o.answered("history"); d == nil || d.Attempts != 0 || !strings.Contains(d.Error, "not worth asking any more") {
			t.Errorf("history: %+v", d)
		}
		if d := o.answered("a"); d == nil || d.Attempts < 200 || !strings.Contains(d.Error, "as the test says") {
			t.Errorf("a: %+v", d)
		}
		if slices.Contains(s.came(), "history") {
			t.Error("history was asked for")
		}
	})
}

// Who no longer owns a shard asks for nothing of it.
func TestAnOwnerThatIsGoneAsksNoMore(t *testing.T) {
	for what, leave := range map[string]func(*owner){
		"it says nothing": func(*owner) {}, "it gives the shard back": func(o *owner) { o.r.Release(1) },
	} {
		s := &answerer{answer: status(500)}
		live(t, signed(s), func(t *testing.T, o *owner, _ *bytes.Buffer, registry *prometheus.Registry) {
			o.want(true, "a")
			o.tell()
			synctest.Wait()
			leave(o)
			<-time.After(40 * time.Second)
			synctest.Wait()
			before := len(s.came())
			<-time.After(time.Hour)
			synctest.Wait()
			if after := len(s.came()); after != before {
				t.Errorf("%s: %d requests, then %d", what, before, after)
			}
			if n := testutil.ToFloat64(count(t, registry, "kolmo_retraining_queue_length")); n != 0 {
				t.Errorf("%s: %v wait", what, n)
			}
		})
	}
}

func TestTooMuchIsDroppedAndComesAgain(t *testing.T) {
	s := &answerer{answer: hangs}
	live(t, signed(s), func(t *testing.T, o *owner, _ *bytes.Buffer, registry *prometheus.Registry) {
		for i := range mostQueued + 5 {
			o.want(true, fmt.Sprintf("%04d", i))
		}
		o.tell()
		synctest.Wait()
		if n := testutil.ToFloat64(count(t, registry, "kolmo_retraining_dropped_total")); n != 5 {
			t.Errorf("%v were dropped", n)
		}
		s.set(nil)
		o.pass(2 * time.Minute)
		if n := len(o.answers); n != mostQueued+5 {
			t.Errorf("%d were answered", n)
		}
	})
}

func TestWhatNoTargetIsCalledIsAnswered(t *testing.T) {
	live(t, signed(new(answerer)), func(t *testing.T, o *owner, _ *bytes.Buffer, _ *prometheus.Registry) {
		o.want(true, "a")
		out := o.outstanding["a"]
		out.Pending.Targets = []string{"another"}
		o.outstanding["a"] = out
		o.pass(time.Second)
		if d := o.answered("a"); d == nil || !strings.Contains(d.Error, "no target of this name") {
			t.Errorf("%+v", d)
		}
	})
}

// What had to wait for its turn may have been sent by whoever owns the shard by now.
func TestWhatWaitedIsLookedForFirst(t *testing.T) {
	var looked, begun int
	slow := &answerer{answer: func(r *http.Request) (int, http.Header, error) {
		if r.Method == http.MethodGet {
			looked++
			return 200, nil, errors.New("away")
		}
		begun++
		return hangs(r)
	}}
	live(t, Target{Kubeflow: &Kubeflow{URL: "http://k", Pipeline: "p", Parameter: "kolmo"}, Transport: slow}, func(t *testing.T, o *owner, _ *bytes.Buffer, _ *prometheus.Registry) {
		o.want(true, "a", "b")
		o.tell()
		<-time.After(10*time.Second + time.Millisecond) // the first takes as long
		synctest.Wait()
		if begun != 1 || looked != 1 {
			t.Errorf("%d begun, %d looked for", begun, looked)
		}
	})
}

// A runner begins runs as Airflow, Kubeflow and GitHub do, loses requests and answers,
// and lists what it began only after a while.
type runner struct {
	mu     sync.Mutex
	random *rand.Rand
	began  map[string]int // runs by their name
	listed map[string]time.Time
}

func (r *runner) RoundTrip(q *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	if r.random.IntN(3) == 0 {
		return nil, errors.New("the request is lost")
	}
	code, answer := http.StatusOK, "{}"
	id := idIn(string(body))
	switch path := q.URL.Path; {
	case strings.HasSuffix(path, "/auth/token"):
		answer = `{"access_token":"t"}`
	case q.Method == http.MethodPost && strings.HasSuffix(path, "/dagRuns") && r.began[id] > 0:
		code = http.StatusConflict
	case q.Method == http.MethodPost:
		r.began[id]++
		if r.listed[id].IsZero() {
			r.listed[id] = time.Now().Add(time.Duration(r.random.IntN(25)) * time.Second)
		}
	case strings.Contains(path, "/dagRuns/"):
	case strings.HasSuffix(path, "/actions/runs"):
		var runs []string
		for id, at := range r.listed {
			if !time.Now().Before(at) {
				runs = append(runs, fmt.Sprintf(`{"id":1,"display_title":"retrain %s"}`, id))
			}
		}
		answer = `{"workflow_runs":[` + strings.Join(runs, ",") + `]}`
	default: // Kubeflow's, which is its database
		var runs []string
		for id := range r.listed {
			runs = append(runs, fmt.Sprintf(`{"run_id":"1","display_name":"kolmo-%s"}`, id))
		}
		answer = `{"runs":[` + strings.Join(runs, ",") + `]}`
	}
	if r.random.IntN(3) == 0 {
		return nil, errors.New("the answer is lost")
	}
	return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// idIn finds the retraining's id in what was sent.
func idIn(body string) string {
	_, rest, found := strings.Cut(body, `{"id":"`)
	if !found {
		return ""
	}
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// Whatever requests and answers are lost, and however often the shard goes to another
// instance that knows nothing of what was sent, a run begins once.
func TestOneRunBeginsWhateverIsLost(t *testing.T) {
	for name, target := range map[string]Target{
		"airflow":  {Airflow: &Airflow{URL: "http://a", Version: 3, DAG: "d", Username: "u", Password: "p"}},
		"kubeflow": {Kubeflow: &Kubeflow{URL: "http://k", Pipeline: "p", Parameter: "kolmo"}},
		"github":   {GitHub: &GitHub{URL: "http://g", Repository: "acme/fraud", EventType: "retrain", Token: "t"}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(30) {
				random := rand.New(rand.NewPCG(seed, 11))
				r := &runner{random: random, began: make(map[string]int), listed: make(map[string]time.Time)}
				target.Transport = r
				live(t, target, func(t *testing.T, o *owner, _ *bytes.Buffer, _ *prometheus.Registry) {
					o.want(true, "aaaa", "bbbb", "cccc")
					for range 10 {
						o.pass(time.Duration(1+random.IntN(20)) * time.Minute)
						if random.IntN(2) == 0 {
							// Another instance has the shard for a while: it begins knowing nothing.
							o.r.Release(1)
						}
					}
					o.pass(5 * time.Hour)
					for _, id := range []string{"aaaa", "bbbb", "cccc"} {
						if r.began[id] != 1 || o.answered(id) == nil {
							t.Errorf("seed %d: %s began %d times, answered %+v", seed, id, r.began[id], o.answered(id))
						}
					}
				})
			}
		})
	}
}
