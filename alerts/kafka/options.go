package kafka

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// Topics are the names of the output topics.
type Topics struct {
	Verdicts, Progress, References, Alerts string
}

// Inputs knows the input partitions as the brokers last told them.
type Inputs interface {
	Partitions() []windows.PartitionID
	Name(windows.PartitionID) string
	// Topic is the name of an input topic.
	Topic(windows.TopicID) string
	// Changed is closed when the partitions are no longer those that Partitions
	// returned before.
	Changed() <-chan struct{}
}

// A Configured reference is a file that the configuration names for a pattern
// of model names.
type Configured struct {
	Pattern string
	// Source identifies the file's bytes, cheaply; Load reads it.
	Source func() (string, error)
	Load   func(ctx context.Context) (*reference.Reference, error)
}

// Model is what a closer must know about a model.
type Model struct {
	*alerts.Settings
	// Pattern is the entry of the configuration that names the model's reference
	// file; empty when none does.
	Pattern string
}

// Options of Closers. Everything is needed unless it says otherwise.
type Options struct {
	Group          string // of the instances' consumers; the closers' is Group-closers
	Topics         Topics
	SessionTimeout time.Duration
	Client         []kgo.Opt // how to reach the brokers

	Store    *redisstore.Store
	Inputs   Inputs
	Progress windows.TopicID
	Shards   int

	Model func(name string) Model
	// Numbering is what the configuration numbers windows by.
	Numbering string
	// Rewind tells which decisions may still be needed.
	Rewind     windows.Rewind
	Configured []Configured
	// Fingerprint is of the part of the configuration that verdicts depend on.
	Fingerprint string
	Instance    string // names this process in the records' headers

	// At is called at every step, in the goroutine that takes it; nil: nobody
	// wants to know.
	At func(Step)

	// Notifier is told which alerts stand: at every transition, when a shard comes to
	// this instance, and every Resend. nil: nobody is told.
	Notifier Notifier
	Resend   time.Duration
	// Retrainer asks for retraining that has been decided; nil: nobody is asked.
	Retrainer Retrainer

	Metrics *Metrics     // nil: not measured
	Log     *slog.Logger // nil: silent
}

// VerdictMaxBytes bounds a verdict: below Kafka's default limit of one
// megabyte for a record, with room for its key and headers.
const VerdictMaxBytes = 960 << 10
