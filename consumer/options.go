package consumer

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// A Topic is an input topic and what its records are for.
type Topic struct {
	Name string
	Role event.Role
}

// Start is where a partition begins that has never been read.
type Start struct {
	Latest bool      // at the end
	At     time.Time // at the first record not older; zero: at the earliest
}

// Model is what the consumer must know about a model.
type Model struct {
	windows.Settings
	// Pattern is the entry of the configuration that names the model's reference
	// file; empty when none does. Such a model has a grid before its first event.
	Pattern string
}

// Options of a Consumer. Everything is needed unless it says otherwise.
type Options struct {
	Group          string
	Topics         []Topic
	Start          Start
	SessionTimeout time.Duration
	FetchMaxBytes  int32 // bound on what one fetch of all partitions brings

	// Client options that say how to reach the brokers.
	Client []kgo.Opt
	// Hooks watch the client that consumes; nil: none.
	Hooks []kgo.Hook
	// DeadLetters is the topic of rejected records.
	DeadLetters string
	// Progress is the topic whose partitions are the shards.
	Progress string

	Store *redisstore.Store
	Model func(name string) Model
	// Decided reads what the shards have made durable of the partitions.
	Decided func(ctx context.Context) (*windows.Decided, error)
	// Numbering is what the configuration numbers windows by.
	Numbering string
	// Rewind tells from where a partition is read again whose state is lost.
	Rewind windows.Rewind

	Event  event.Limits
	Limits windows.Limits
	// Named are the models that the configuration has by name: they have a place
	// whatever else comes.
	Named       map[string]bool
	ForgetAfter time.Duration
	// StateBytes bounds what all partitions of this instance keep; 0: nothing does.
	StateBytes      int64
	MaxAhead        time.Duration
	IdleAfter       time.Duration
	CheckpointEvery time.Duration
	// CommitEvery is how often the group is told the offsets of checkpoints, for
	// lag tools alone; 0: every 5 s, negative: never.
	CommitEvery time.Duration

	Metrics *Metrics     // nil: not measured
	Log     *slog.Logger // nil: silent
}
