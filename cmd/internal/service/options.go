package service

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/alerts/webhook"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
)

// Model is everything about one model, resolved.
type Model struct {
	alerts.Settings
	// Pattern is the entry of the configuration that names the model's reference
	// file; empty when none does.
	Pattern string
}

// Outputs are the output topics, and how those that are missing are created.
type Outputs struct {
	Verdicts, Progress, References, Alerts, DeadLetters string

	Create      bool
	Partitions  int32
	Replication int16
}

// Options of a Service.
type Options struct {
	Brokers []string  // as the configuration names them, for messages
	Client  []kgo.Opt // how to reach the brokers
	// Secured and Authenticated: Client speaks TLS, and says who it is. For messages.
	Secured, Authenticated bool
	Redis                  redis.UniversalClient
	RedisSecured           bool   // Redis is spoken to over TLS; for messages
	Prefix                 string // of the Redis keys

	Group          string
	Inputs         []consumer.Topic
	Outputs        Outputs
	Start          consumer.Start
	SessionTimeout time.Duration
	FetchMaxBytes  int32

	Models func(name string) Model
	// Configured are the references that the configuration names.
	Configured  []kafka.Configured
	Fingerprint string
	// Numbering is what all windows are numbered by.
	Numbering string
	// Rewind tells from where a partition is read again whose state is lost.
	Rewind windows.Rewind

	Event           event.Limits
	Limits          windows.Limits
	MaxAhead        time.Duration
	IdleAfter       time.Duration
	CheckpointEvery time.Duration
	CommitEvery     time.Duration // of offsets to the group, as in consumer.Options
	FeatureSeries   int
	ForgetAfter     time.Duration
	// Named are the models that the configuration has by name.
	Named map[string]bool
	// MemoryLimit is what the process should take, in bytes: half of it is for what
	// partitions keep. MetricsBytes bounds what names make of the metrics page. 0:
	// nothing does.
	MemoryLimit, MetricsBytes int64

	// Alertmanagers are told which alerts stand; nil: nobody is.
	Alertmanagers *Alertmanagers
	// Subscribers are sent a webhook for every alert.
	Subscribers []webhook.Subscriber
	// Retraining is who can be asked to train models again.
	Retraining Retraining

	// At is called at every step of a checkpoint and of a close, where a crash can
	// come in between; nil: nobody wants to know.
	At func(step string)

	Listen   string // empty: no listener
	Web      Web
	Registry *prometheus.Registry
	Version  string
	Commit   string
	Log      *slog.Logger
}
