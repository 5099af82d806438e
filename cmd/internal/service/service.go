package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
	"github.com/twmb/franz-go/plugin/kslog"

	"github.com/kolmo-ml/kolmo/alerts/alertmanager"
	"github.com/kolmo-ml/kolmo/alerts/evidence"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/alerts/webhook"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// A Service is one instance of kolmo. Start it with Start; it ends when the
// context does.
type Service struct {
	options  Options
	consumer *consumer.Consumer
	closers  *kafka.Closers
	pages    *alertmanager.Client // nil: no Alertmanager is told
	webhooks *webhook.Notifier    // nil: no webhook is
	trainer  *webhook.Retrainer
	history  *evidence.History
	tail     *historyTail
	listener *listener
}

// startTimeout bounds how long Start tries to reach Kafka and Redis.
const startTimeout = 15 * time.Second

// Start checks everything that can be checked before anything runs: the
// brokers, Redis and its policy, the topics. Every error is one sentence that
// says what to do.
func Start(ctx context.Context, o Options) (*Service, error) {
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	o.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(o.Version, o.Commit))
	// What was just created must be seen, so metadata is not kept for long. It has
	// no log: what goes wrong is the error of Start.
	probe, err := kgo.NewClient(append(slices.Clone(o.Client), kgo.MetadataMinAge(20*time.Millisecond),
		// What a connection begins with is bounded by this alone, not by a context.
		kgo.RequestTimeoutOverhead(5*time.Second))...)
	if err != nil {
		return nil, fmt.Errorf("making the Kafka client: %w", err)
	}
	defer probe.Close()
	o.Client = append(slices.Clone(o.Client), kgo.WithLogger(kslog.New(quiet(o.Log))))
	if err := probe.Ping(starting); err != nil {
		return nil, unreachable(o.Brokers, o.Secured, o.Authenticated, err)
	}
	admin := kadm.NewClient(probe)
	if o.Outputs.Create {
		if err := createOutputs(starting, admin, o.Outputs); err != nil {
			return nil, err
		}
	}
	if err := awaitOutputs(starting, admin, o.Outputs); err != nil {
		return nil, err
	}
	if err := checkGroups(starting, admin, o.Group); err != nil {
		return nil, err
	}
	inputs, err := consumer.LookUpInputs(starting, admin, o.Inputs, o.Outputs.Progress)
	if unauthorized(err) != "" {
		names := make([]string, len(o.Inputs))
		for i, topic := range o.Inputs {
			names[i] = topic.Name
		}
		return nil, topicsDenied("input", names, errors.Unwrap(err))
	}
	if err != nil {
		return nil, err
	}
	atCheckpoint, atClose := steppers(o.At)
	store, err := OpenStore(starting, o, redisstore.WithShards(inputs.Shards), redisstore.WithStepper(atCheckpoint))
	if err != nil {
		return nil, err
	}
	s := &Service{options: o, history: evidence.NewHistory(evidence.Limits{Bytes: historyBytes(o.MemoryLimit)})}
	s.consumer, err = consumer.New(consumer.Options{
		Group: o.Group, Topics: o.Inputs, Start: o.Start, SessionTimeout: o.SessionTimeout, FetchMaxBytes: o.FetchMaxBytes,
		Client:      o.Client,
		Hooks:       []kgo.Hook{kprom.NewMetrics("kolmo_kafka", kprom.Registry(o.Registry), kprom.Subsystem("consumer"))},
		DeadLetters: o.Outputs.DeadLetters, Progress: o.Outputs.Progress, Store: store,
		Model: func(name string) consumer.Model {
			m := o.Models(name)
			return consumer.Model{Settings: m.Settings.Settings, Pattern: m.Pattern}
		},
		Decided: func(ctx context.Context) (*windows.Decided, error) {
			return kafka.Decided(ctx, o.Client, o.Outputs.Progress, inputs.Shards)
		},
		Numbering: o.Numbering, Rewind: o.Rewind, Event: o.Event, Limits: o.Limits, MaxAhead: o.MaxAhead, IdleAfter: o.IdleAfter,
		CheckpointEvery: o.CheckpointEvery, CommitEvery: o.CommitEvery,
		Named: o.Named, ForgetAfter: o.ForgetAfter, StateBytes: o.MemoryLimit / 2,
		Metrics: consumer.NewMetrics(o.Registry, newSeriesRoom(o.MetricsBytes/2, o.Named).take), Log: o.Log,
	}, inputs)
	if err != nil {
		return nil, err
	}
	closing := kafka.Options{
		Group:          o.Group,
		Topics:         kafka.Topics{Verdicts: o.Outputs.Verdicts, Progress: o.Outputs.Progress, References: o.Outputs.References, Alerts: o.Outputs.Alerts},
		SessionTimeout: o.SessionTimeout, Client: o.Client,
		Store: store, Inputs: inputs, Progress: inputs.Progress, Shards: inputs.Shards,
		Model: func(name string) kafka.Model {
			m := o.Models(name)
			return kafka.Model{Settings: &m.Settings, Pattern: m.Pattern}
		},
		Numbering: o.Numbering, Rewind: o.Rewind, Configured: o.Configured, Fingerprint: o.Fingerprint, Instance: instanceName(), At: atClose,
		Metrics: kafka.NewMetrics(o.Registry, o.FeatureSeries, newSeriesRoom(o.MetricsBytes/2, o.Named).take), Log: o.Log,
	}
	if o.Alertmanagers != nil {
		if s.pages, err = o.Alertmanagers.client(o.Registry, o.Log); err != nil {
			return nil, err
		}
		closing.Notifier, closing.Resend = s.pages, o.Alertmanagers.Resend
	}
	if len(o.Subscribers) > 0 {
		if s.webhooks, err = notifyWebhooks(&o, &closing); err != nil {
			return nil, err
		}
	}
	if s.trainer, err = o.Retraining.retrainer(o.Registry, o.Log); err != nil {
		return nil, err
	}
	closing.Retrainer = s.trainer
	if s.closers, err = kafka.New(closing); err != nil {
		return nil, err
	}
	if s.tail, err = newHistoryTail(o, s.history); err != nil {
		return nil, err
	}
	if o.Listen != "" {
		if s.listener, err = newListener(o, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Address is where the listener listens; empty without one.
func (s *Service) Address() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.net.Addr().String()
}

// URL is Address with its scheme.
func (s *Service) URL() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.scheme + "://" + s.Address()
}

// History is what the page shows.
func (s *Service) History() *evidence.History { return s.history }

// Run works until the context ends, and then comes to an end in good order:
// partitions are checkpointed and released first, shards after them.
func (s *Service) Run(ctx context.Context) {
	var group sync.WaitGroup
	closing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group.Go(func() { s.closers.Run(closing) })
	group.Go(func() { s.tail.run(closing) })
	if s.pages != nil {
		group.Go(func() { s.pages.Run(closing) })
	}
	if s.webhooks != nil {
		group.Go(func() { s.webhooks.Run(closing) })
	}
	group.Go(func() { s.trainer.Run(closing) })
	if s.listener != nil {
		group.Go(func() { s.listener.serve(closing) })
	}
	s.consumer.Run(ctx)
	stop()
	group.Wait()
}

// ready reports whether both groups have been joined.
func (s *Service) ready() error {
	for name, joined := range map[string]<-chan struct{}{"the consumer group": s.consumer.Ready(), "the closers' group": s.closers.Ready()} {
		select {
		case <-joined:
		default:
			return errors.New(name + " has not been joined yet")
		}
	}
	return nil
}
