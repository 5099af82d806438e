package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
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

// An answer is a status, or what comes instead of one.
type answer func(*http.Request) (status int, err error)

// A stub is an Alertmanager in memory. What it answers to its next requests is set
// by the test.
type stub struct {
	mu      sync.Mutex
	answer  answer      // nil: it takes everything
	batches [][]payload // that it took
	asked   []time.Time
}

func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.asked = append(s.asked, time.Now())
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		status, err := answer(r)
		if err != nil {
			return nil, err
		}
		return reply(status, "as the test says"), nil
	}
	var batch []payload
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, batch)
	return reply(http.StatusOK, ""), nil
}

func (s *stub) set(answer answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// took lists the models of all alerts that it took.
func (s *stub) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var models []string
	for _, batch := range s.batches {
		for _, p := range batch {
			models = append(models, p.Labels["model"])
		}
	}
	return models
}

func (s *stub) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func reply(status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text))}
}

func answers(status int) answer {
	return func(*http.Request) (int, error) { return status, nil }
}

// hangs answers nothing until the request is given up.
func hangs(r *http.Request) (status int, err error) {
	<-r.Context().Done()
	return 0, r.Context().Err()
}

// hosts sends each request to the stub of its host.
type hosts map[string]*stub

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) { return h[r.URL.Host].RoundTrip(r) }

// fires is an alert of a model.
func fires(model string) alerts.Standing {
	return alerts.Standing{
		Version: alerts.Version{Model: model, Version: "3"}, Kind: alerts.FeatureDrift,
		Incident: alerts.Incident{ID: "id-of-" + model, Since: time.Now().Add(-time.Hour), Told: &alerts.Told{Severity: "warning", Summary: model + " drifted"}},
	}
}

func of(names ...string) []alerts.Standing {
	list := make([]alerts.Standing, len(names))
	for i, name := range names {
		list[i] = fires(name)
	}
	return list
}

// run tells a test's story in a bubble, with a client that runs.
func run(t *testing.T, stubs hosts, story func(t *testing.T, c *Client, log *bytes.Buffer, registry *prometheus.Registry)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		registry := prometheus.NewRegistry()
		var urls []string
		for _, host := range slices.Sorted(maps.Keys(stubs)) {
			urls = append(urls, "http://"+host)
		}
		c, err := New(Options{
			URLs: urls, Resend: time.Minute, Timeout: 10 * time.Second, Transport: stubs,
			Metrics: NewMetrics(registry), Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { c.Run(ctx) })
		story(t, c, &log, registry)
		cancel()
		group.Wait()
	})
}

// pass lets time go by, which costs none.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestEveryAlertmanagerIsToldWhateverTheOthersDo(t *testing.T) {
	stubs := hosts{"a": {}, "b": {answer: hangs}, "c": {answer: answers(500)}}
	run(t, stubs, func(t *testing.T, c *Client, _ *bytes.Buffer, _ *prometheus.Registry) {
		began := time.Now()
		c.Notify(1, of("fraud"))
		synctest.Wait()
		if time.Since(began) != 0 {
			t.Error("telling waited for an Alertmanager")
		}
		if got := stubs["a"].took(); !slices.Equal(got, []string{"fraud"}) {
			t.Errorf("the one that works took %v", got)
		}
	})
}

// Whatever an Alertmanager has answered before, it has every alert within 30 s of
// being well again.
func TestAnAlertmanagerThatComesBackIsToldSoon(t *testing.T) {
	for name, ill := range map[string]answer{
		"hangs": hangs, "answers 500": answers(500), "answers 503": answers(503), "answers 429": answers(429),
		"resets": func(*http.Request) (int, error) { return 0, errors.New("connection reset by peer") },
	} {
		t.Run(name, func(t *testing.T) {
			s := &stub{answer: ill}
			run(t, hosts{"a": s}, func(t *testing.T, c *Client, log *bytes.Buffer, _ *prometheus.Registry) {
				for range 20 { // its owner tells it again and again
					c.Notify(1, of("fraud", "scoring"))
					pass(time.Minute)
				}
				if got := s.took(); len(got) > 0 {
					t.Fatalf("took %v", got)
				}
				// Twenty minutes of failures are no reason to write more than a line a minute.
				if lines := strings.Count(log.String(), "\n"); lines < 2 || lines > 21 {
					t.Errorf("%d lines were written:\n%s", lines, log)
				}
				if n := s.requests(); n > 20*60/10+20 {
					t.Errorf("%d requests in twenty minutes", n)
				}
				c.Notify(1, of("fraud", "scoring"))
				s.set(nil)
				pass(30 * time.Second)
				if got := s.took(); !slices.Equal(got, []string{"fraud", "scoring"}) {
					t.Errorf("30 s after it works again it was told %v", got)
				}
				if !strings.Contains(log.String(), "takes alerts again") {
					t.Errorf("nothing says that it works again:\n%s", log)
				}
			})
		})
	}
}

// A 400 may have stored some of the batch, and would be one the next time.
func TestWhatIsRefusedIsNotSentAgainUntilItIsToldAgain(t *testing.T) {
	for _, status := range []int{301, 400, 401, 404, 422} {
		s := &stub{answer: answers(status)}
		run(t, hosts{"a": s}, func(t *testing.T, c *Client, log *bytes.Buffer, registry *prometheus.Registry) {
			c.Notify(1, of("fraud"))
			pass(time.Hour)
			if n := s.requests(); n != 1 {
				t.Errorf("%d: %d requests", status, n)
			}
			if !strings.Contains(log.String(), "as the test says") {
				t.Errorf("%d: the log does not say what was answered:\n%s", status, log)
			}
			want := `
# HELP kolmo_alertmanager_dropped_total Alerts that were not sent, or not again: they come with the next time everything is told.
# TYPE kolmo_alertmanager_dropped_total counter
kolmo_alertmanager_dropped_total{alertmanager="http://a",reason="no_room"} 0
kolmo_alertmanager_dropped_total{alertmanager="http://a",reason="outdated"} 0
kolmo_alertmanager_dropped_total{alertmanager="http://a",reason="refused"} 1
`
			if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "kolmo_alertmanager_dropped_total"); err != nil {
				t.Errorf("%d: %v", status, err)
			}
			s.set(nil)
			c.Notify(1, of("fraud"))
			pass(10 * time.Second)
			if got := s.took(); len(got) != 1 {
				t.Errorf("%d: told again, it took %v", status, got)
			}
		})
	}
}

// The newest state of an alert is sent, and what its owner no longer vouches for is
// not.
func TestOnlyHowThingsStandIsSent(t *testing.T) {
	s := &stub{answer: answers(500)}
	run(t, hosts{"a": s}, func(t *testing.T, c *Client, _ *bytes.Buffer, _ *prometheus.Registry) {
		c.Notify(1, of("fraud"))
		c.Notify(1, of("scoring"))
		c.Notify(2, of("pricing"))
		c.Notify(3, of("catalog"))
		pass(time.Second)
		ended := fires("fraud")
		ended.Ended = time.Now()
		c.Notify(1, []alerts.Standing{ended})
		c.Release(2)
		s.set(nil)
		pass(30 * time.Second)
		if got := s.took(); !slices.Equal(got, []string{"fraud", "scoring", "catalog"}) {
			t.Fatalf("took %v", got)
		}
		if p := s.batches[0][0]; !p.EndsAt.Equal(ended.Ended) {
			t.Errorf("fraud ends at %v, want %v", p.EndsAt, ended.Ended)
		}
		s.set(answers(500))
		c.Notify(1, of("fraud"))
		pass(10 * time.Minute)
		s.set(nil)
		pass(10 * time.Minute)
		if got := s.took(); len(got) != 3 {
			t.Errorf("ten minutes later, without a word from the owner, it took %v", got[3:])
		}
	})
}

func TestAQueueThatIsFullDropsTheOldest(t *testing.T) {
	s := &stub{answer: hangs}
	run(t, hosts{"a": s}, func(t *testing.T, c *Client, _ *bytes.Buffer, registry *prometheus.Registry) {
		var names []string
		for n := range mostQueued + 3 {
			names = append(names, fmt.Sprintf("model-%05d", n))
		}
		c.Notify(1, of(names...))
		s.set(nil)
		pass(30 * time.Second)
		if got := s.took(); !slices.Equal(got, names[3:]) {
			t.Errorf("took %d, from %s to %s", len(got), got[0], got[len(got)-1])
		}
		for _, batch := range s.batches {
			if len(batch) > mostSent {
				t.Errorf("a batch of %d", len(batch))
			}
		}
		want := fmt.Sprintf(`
# HELP kolmo_alertmanager_queue_length Alerts that wait for an Alertmanager.
# TYPE kolmo_alertmanager_queue_length gauge
kolmo_alertmanager_queue_length{alertmanager="http://a"} 0
# HELP kolmo_alertmanager_sent_total Alerts that an Alertmanager took, each time they were sent.
# TYPE kolmo_alertmanager_sent_total counter
kolmo_alertmanager_sent_total{alertmanager="http://a"} %d
`, mostQueued)
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "kolmo_alertmanager_queue_length", "kolmo_alertmanager_sent_total"); err != nil {
			t.Error(err)
		}
	})
}

// The program that Queue is a fast form of: a list that is searched.
func TestQueueAgainstAList(t *testing.T) {
	q := queue{most: 4}
	var list []*entry
	for step := range 10_000 {
		e := &entry{identity: identity{model: fmt.Sprint(step * 7919 % 6)}, shard: step % 3, until: time.Unix(int64(step+20), 0)}
		switch step * 104729 % 11 {
		case 0:
			q.release(e.shard)
			list = slices.DeleteFunc(list, func(o *entry) bool { return o.shard == e.shard })
		case 1, 2:
			first, _ := q.first(2, time.Unix(int64(step), 0))
			list = slices.DeleteFunc(list, func(o *entry) bool { return o.until.Before(time.Unix(int64(step), 0)) })
			if want := list[:min(2, len(list))]; !slices.Equal(first, want) {
				t.Fatalf("step %d: %d entries, want %d", step, len(first), len(want))
			}
			q.remove(first)
			list = list[len(first):]
		default:
			q.add([]*entry{e})
			if at := slices.IndexFunc(list, func(o *entry) bool { return o.identity == e.identity }); at >= 0 {
				list[at] = e
			} else {
				list = append(list, e)
			}
			list = list[max(0, len(list)-4):]
		}
		if len(q.places) != len(q.waiting) {
			t.Fatalf("step %d: %d places of %d", step, len(q.places), len(q.waiting))
		}
	}
}

func TestWhatIsNoAlertmanagerIsNotTaken(t *testing.T) {
	for _, text := range []string{"", "localhost:9093", "ftp://localhost", "http://", "http://local host"} {
		if _, err := New(Options{URLs: []string{text}, Resend: time.Minute, Timeout: time.Second}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
