//go:build unix

// Package servers gives a test a real Kafka, Redis, Alertmanager or Prometheus of its own, which lives as long as the test.
//
//	kafka := servers.Kafka(t)
//	pages := servers.Alertmanager(t)
//	redis := servers.Redis(t, func(o *local.RedisOptions) { o.Settings = map[string]string{"requirepass": "secret"} })
//
// A server that cannot be had fails the test, with what to do about it; it never skips it: a promise about
// Kafka or Redis that was not tested against them was not tested.
package servers

import (
	"context"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

// stopTimeout is how long a server may take to end in good order before it is killed.
const stopTimeout = 30 * time.Second

// Kafka starts a Kafka in a folder of the test's own and stops it when the test ends. The log's end is printed
// when the test has failed. Each option may change how it is started.
func Kafka(tb testing.TB, options ...func(*local.KafkaOptions)) *local.Kafka {
	tb.Helper()
	o := local.KafkaOptions{Dir: tb.TempDir(), Log: tb.Output()}
	for _, option := range options {
		option(&o)
	}
	k, err := local.StartKafka(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	stopAtEnd(tb, "Kafka", k)
	return k
}

// Redis starts a redis-server in a folder of the test's own and stops it when the test ends. The log's end is
// printed when the test has failed. Each option may change how it is started.
func Redis(tb testing.TB, options ...func(*local.RedisOptions)) *local.Redis {
	tb.Helper()
	o := local.RedisOptions{Dir: tb.TempDir(), Log: tb.Output()}
	for _, option := range options {
		option(&o)
	}
	r, err := local.StartRedis(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	stopAtEnd(tb, "Redis", r)
	return r
}

// Alertmanager starts an Alertmanager in a folder of the test's own and stops it when the test ends. The log's end
// is printed when the test has failed. Each option may change how it is started.
func Alertmanager(tb testing.TB, options ...func(*local.AlertmanagerOptions)) *local.Alertmanager {
	tb.Helper()
	o := local.AlertmanagerOptions{Dir: tb.TempDir(), Log: tb.Output()}
	for _, option := range options {
		option(&o)
	}
	a, err := local.StartAlertmanager(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	stopAtEnd(tb, "Alertmanager", a)
	return a
}

// Prometheus starts a Prometheus in a folder of the test's own and stops it when the test ends. The log's end is
// printed when the test has failed. Each option may change how it is started.
func Prometheus(tb testing.TB, options ...func(*local.PrometheusOptions)) *local.Prometheus {
	tb.Helper()
	o := local.PrometheusOptions{Dir: tb.TempDir(), Log: tb.Output()}
	for _, option := range options {
		option(&o)
	}
	p, err := local.StartPrometheus(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	stopAtEnd(tb, "Prometheus", p)
	return p
}

type server interface {
	Stop(context.Context) error
	LogTail(lines int) string
}

func stopAtEnd(tb testing.TB, name string, s server) {
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of %s's log:\n%s", name, s.LogTail(40))
		}
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			tb.Error(err)
		}
	})
}
