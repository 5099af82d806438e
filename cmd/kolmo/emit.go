package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// emitOptions are the flags of emit.
type emitOptions struct {
	config  string
	brokers []string
	events  string
	topic   string
}

func newEmitCommand(stderr io.Writer) *cobra.Command {
	var o emitOptions
	c := &cobra.Command{
		Use:   "emit (--config FILE | --brokers LIST) --events FILE --topic T",
		Short: "Send a file of events to Kafka",
		Long: `Sends the events of an NDJSON file (gzipped or not) to a topic. A record's key
is its request_id and its timestamp the event's time. Kafka deletes records by
their timestamp, so a topic whose retention is shorter than the events' age is
refused, with the command that mends it.`,
		Example: `  kolmo emit --brokers localhost:9092 --events events.ndjson.gz --topic predictions`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (o.config == "") == (len(o.brokers) == 0) {
				return &exitError{code: exitUsage, err: errors.New("give either --config or --brokers")}
			}
			opts := []kgo.Opt{kgo.SeedBrokers(o.brokers...), kgo.ClientID("kolmo-emit"), kgo.DialTimeout(5 * time.Second)}
			if o.config != "" {
				config, err := loadConfig(o.config, stderr)
				if err != nil {
					return err
				}
				if opts, err = service.KafkaClient(config.Kafka); err != nil {
					return failed(err)
				}
				o.brokers = config.Kafka.Brokers
			}
			return failed(emit(c.Context(), o, opts, stderr))
		},
	}
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "configuration file that says how to reach the brokers")
	f.StringSliceVar(&o.brokers, "brokers", nil, "brokers, as host:port, separated by commas")
	f.StringVar(&o.events, "events", "", "NDJSON file of events, gzipped or not")
	f.StringVar(&o.topic, "topic", "", "topic to send them to")
	for _, name := range []string{"events", "topic"} {
		_ = c.MarkFlagRequired(name) // fails only for a flag that does not exist
	}
	return c
}

func emit(ctx context.Context, o emitOptions, opts []kgo.Opt, stderr io.Writer) error {
	file, err := dataset.Open(o.events, event.Limits{})
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // read only
	if file.Format() != dataset.NDJSON {
		return fmt.Errorf("%s is %s: events are NDJSON, one object a line", o.events, file.Format())
	}
	client, err := kgo.NewClient(append(opts, kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.MaxBufferedRecords(50_000))...)
	if err != nil {
		return fmt.Errorf("making the Kafka client: %w", err)
	}
	defer client.Close()
	starting, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := client.Ping(starting); err != nil {
		return fmt.Errorf("no Kafka broker can be reached at %v: %w: start it, or mend --brokers", o.brokers, err)
	}
	bar := newProgress(stderr, file.Size(), "sending "+o.events)
	defer bar.done()
	sender := &sender{client: client, topic: o.topic}
	retention, err := topicRetention(starting, kadm.NewClient(client), o.topic)
	if err != nil {
		return err
	}
	var row dataset.Row
	for sent := 0; ; sent++ {
		err := file.Next(&row)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		timestamp := time.Now()
		if row.HasTime {
			timestamp = time.UnixMilli(row.Time)
		}
		if age := time.Since(timestamp); retention > 0 && age > retention {
			return fmt.Errorf("the event on line %d is %v old, and topic %q keeps records for %v only, so Kafka would delete it: run `kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config retention.ms=-1` first",
				row.Line, age.Round(time.Hour), o.topic, retention, o.brokers[0], o.topic)
		}
		if err := sender.send(ctx, &row, timestamp); err != nil {
			return err
		}
		if sent%1024 == 0 {
			bar.set(file.BytesRead())
		}
	}
	if err := client.Flush(ctx); err != nil {
		return fmt.Errorf("waiting for the last events to be acknowledged: %w", err)
	}
	bar.done()
	if err := sender.failure(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stderr, "%d events sent to %s\n", sender.count, o.topic)
	return nil
}

// sender produces events and remembers the first failure.
type sender struct {
	client *kgo.Client
	topic  string
	count  int

	mu    sync.Mutex
	first error // guarded by mu
}

func (s *sender) send(ctx context.Context, row *dataset.Row, timestamp time.Time) error {
	s.client.Produce(ctx, &kgo.Record{
		Topic: s.topic, Key: bytes.Clone(row.RequestID), Value: bytes.Clone(row.Raw), Timestamp: timestamp,
	}, func(_ *kgo.Record, err error) {
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.first == nil {
				s.first = fmt.Errorf("sending to topic %q: %w", s.topic, err)
			}
		}
	})
	s.count++
	return s.failure()
}

func (s *sender) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// topicRetention is how long the topic keeps records; 0: for ever.
func topicRetention(ctx context.Context, admin *kadm.Client, topic string) (time.Duration, error) {
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("asking for topic %q: %w", topic, err)
	}
	if d := details[topic]; d.Err != nil {
		return 0, fmt.Errorf("topic %q cannot be written: %w: create it, as with `kafka-topics.sh --create --topic %s`", topic, d.Err, topic)
	}
	described, err := admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("asking for the retention of topic %q: %w", topic, err)
	}
	for _, resource := range described {
		if resource.Err != nil {
			return 0, fmt.Errorf("asking for the retention of topic %q: %w", topic, resource.Err)
		}
		var deletes, milliseconds = true, int64(0)
		for _, c := range resource.Configs {
			switch {
			case c.Value == nil:
			case c.Key == "cleanup.policy":
				deletes = *c.Value != "compact"
			case c.Key == "retention.ms":
				if milliseconds, err = strconv.ParseInt(*c.Value, 10, 64); err != nil {
					return 0, fmt.Errorf("topic %q has a retention.ms of %q: %w", topic, *c.Value, err)
				}
			}
		}
		if deletes && milliseconds > 0 {
			return time.Duration(milliseconds) * time.Millisecond, nil
		}
	}
	return 0, nil
}
