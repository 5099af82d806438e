package consumer

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kolmo-ml/kolmo/windows"
)

// An Inputs knows the input topics, their ids and partitions, and the shards.
type Inputs struct {
	Progress windows.TopicID
	Shards   int

	mu         sync.RWMutex
	ids        map[string]windows.TopicID // guarded by mu
	names      map[windows.TopicID]string // guarded by mu
	partitions []windows.PartitionID      // ordered by topic name and number; guarded by mu
}

// LookUpInputs asks the brokers for the topics. Every one must exist.
func LookUpInputs(ctx context.Context, admin *kadm.Client, topics []Topic, progress string) (*Inputs, error) {
	in := &Inputs{ids: make(map[string]windows.TopicID), names: make(map[windows.TopicID]string)}
	names := []string{progress}
	for _, t := range topics {
		names = append(names, t.Name)
	}
	details, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("asking the brokers for the topics: %w", err)
	}
	for _, d := range details.Sorted() {
		if d.Err != nil {
			return nil, &MissingTopicError{Topic: d.Topic, Err: d.Err}
		}
		id := windows.TopicID(d.ID)
		if d.Topic == progress {
			in.Progress, in.Shards = id, len(d.Partitions)
			continue
		}
		in.ids[d.Topic], in.names[id] = id, d.Topic
		for _, p := range d.Partitions.Sorted() {
			in.partitions = append(in.partitions, windows.PartitionID{Topic: id, Partition: p.Partition})
		}
	}
	return in, nil
}

// A MissingTopicError names an input topic that does not exist, or that may not
// be seen.
type MissingTopicError struct {
	Topic string
	Err   error
}

func (e *MissingTopicError) Error() string {
	return fmt.Sprintf("topic %q cannot be read: %v: create it, as with `kafka-topics.sh --create --topic %s`, or mend kafka.inputs in the configuration", e.Topic, e.Err, e.Topic)
}

func (e *MissingTopicError) Unwrap() error { return e.Err }

// ID is the id of an input topic.
func (in *Inputs) ID(topic string) (windows.TopicID, bool) {
	in.mu.RLock()
	defer in.mu.RUnlock()
	id, ok := in.ids[topic]
	return id, ok
}

// Name is a partition as people know it.
func (in *Inputs) Name(id windows.PartitionID) string {
	in.mu.RLock()
	defer in.mu.RUnlock()
	name, ok := in.names[id.Topic]
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%s/%d", name, id.Partition)
}

// Partitions are all input partitions, ordered by topic name and number: the
// order in which closers merge.
func (in *Inputs) Partitions() []windows.PartitionID {
	in.mu.RLock()
	defer in.mu.RUnlock()
	return in.partitions
}
