package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/kolmo-ml/kolmo/consumer"
)

// createOutputs creates the output topics that do not exist, with the policies
// their records need.
func createOutputs(ctx context.Context, admin *kadm.Client, o Outputs) error {
	const day = "86400000"
	text := func(s string) *string { return &s }
	topics := []struct {
		name    string
		configs map[string]*string
	}{
		{o.Verdicts, map[string]*string{"cleanup.policy": text("delete"), "retention.ms": text("7776000000")}},
		{o.Alerts, map[string]*string{"cleanup.policy": text("delete"), "retention.ms": text("7776000000")}},
		{o.Progress, map[string]*string{"cleanup.policy": text("compact"), "min.cleanable.dirty.ratio": text("0.1"), "delete.retention.ms": text(day)}},
		{o.References, map[string]*string{"cleanup.policy": text("compact"), "delete.retention.ms": text(day)}},
		{o.DeadLetters, map[string]*string{
			"cleanup.policy": text("delete"), "retention.ms": text("1209600000"),
			"max.message.bytes": text(fmt.Sprint(consumer.DeadLetterMaxBytes)),
		}},
	}
	// Creating takes a right of its own, even where there is nothing to create.
	names := []string{o.Verdicts, o.Alerts, o.Progress, o.References, o.DeadLetters}
	existing, err := admin.ListTopics(ctx, names...)
	if unauthorized(err) != "" {
		return topicsDenied("output", names, err)
	}
	if err != nil {
		return fmt.Errorf("asking the brokers for the output topics: %w", err)
	}
	for _, topic := range topics {
		if existing.Has(topic.name) {
			continue
		}
		response, err := admin.CreateTopic(ctx, o.Partitions, o.Replication, topic.configs, topic.name)
		if err == nil {
			err = response.Err
		}
		if err != nil && unauthorized(err) != "" {
			return fmt.Errorf("creating output topic %q: %w: create it by hand, or %s", topic.name, err, unauthorized(err))
		}
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("creating output topic %q with %d partitions and replication factor %d: %w: create it by hand, or mend kafka.create_outputs",
				topic.name, o.Partitions, o.Replication, err)
		}
	}
	return nil
}

// awaitOutputs is checkOutputs that waits for topics just created: brokers learn
// of them one after the other.
func awaitOutputs(ctx context.Context, admin *kadm.Client, o Outputs) error {
	for began := time.Now(); ; {
		err := checkOutputs(ctx, admin, o)
		if err == nil || !o.Create || time.Since(began) > 10*time.Second {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// checkOutputs makes sure that the outputs exist and that the shards agree: a
// shard's verdicts, alerts and references go to the partition with its number.
func checkOutputs(ctx context.Context, admin *kadm.Client, o Outputs) error {
	names := []string{o.Verdicts, o.Alerts, o.Progress, o.References, o.DeadLetters}
	details, err := admin.ListTopics(ctx, names...)
	if unauthorized(err) != "" {
		return topicsDenied("output", names, err)
	}
	if err != nil {
		return fmt.Errorf("asking the brokers for the output topics: %w", err)
	}
	for _, name := range names {
		switch d := details[name]; {
		case d.Err != nil:
			return fmt.Errorf("output topic %q cannot be used: %w: create it, or set kafka.create_outputs.enabled", name, d.Err)
		case len(d.Partitions) == 0:
			return fmt.Errorf("output topic %q does not exist: create it, or set kafka.create_outputs.enabled", name)
		}
	}
	shards := len(details[o.Progress].Partitions)
	for _, name := range []string{o.Verdicts, o.Alerts, o.References} {
		if n := len(details[name].Partitions); n != shards {
			return fmt.Errorf("topic %q has %d partitions and topic %q has %d: they must have the same number, one for each shard", name, n, o.Progress, shards)
		}
	}
	return nil
}

// checkGroups makes sure that the user may be in the groups, and may have the
// transactions of the shards. What goes wrong otherwise is for those who use
// them to find: it can pass.
func checkGroups(ctx context.Context, admin *kadm.Client, group string) error {
	for what, of := range map[string]kadm.FindCoordinatorResponses{
		"group":            admin.FindGroupCoordinators(ctx, group, group+"-closers"),
		"transactional id": admin.FindTxnCoordinators(ctx, group+"-shard-0"),
	} {
		for name, response := range of {
			if mend := unauthorized(response.Err); mend != "" {
				return fmt.Errorf("the Kafka brokers deny kolmo the %s %q: %w: %s", what, name, response.Err, mend)
			}
		}
	}
	return nil
}
