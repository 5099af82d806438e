package consumer

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kolmo-ml/kolmo/windows"
)

// An Inputs knows the input topics, their ids and partitions as the brokers last
// told them, and the shards.
type Inputs struct {
	Progress windows.TopicID
	Shards   int

	topics   []Topic
	progress string

	mu         sync.RWMutex
	ids        map[string]windows.TopicID // guarded by mu
	names      map[windows.TopicID]string // of former ones, too; guarded by mu
	partitions []windows.PartitionID      // ordered by topic name and number; replaced, never changed; guarded by mu
	changed    chan struct{}              // closed and replaced when partitions are; guarded by mu
}

// LookUpInputs asks the brokers for the topics. Every one must exist.
func LookUpInputs(ctx context.Context, admin *kadm.Client, topics []Topic, progress string) (*Inputs, error) {
	in := &Inputs{
		topics: topics, progress: progress,
		ids: make(map[string]windows.TopicID), names: make(map[windows.TopicID]string), changed: make(chan struct{}),
	}
	details, err := in.ask(ctx, admin, progress)
	if err != nil {
		return nil, err
	}
	for _, d := range details.Sorted() {
		if d.Err != nil {
			return nil, &MissingTopicError{Topic: d.Topic, Err: d.Err}
		}
		if d.Topic == progress {
			in.Progress, in.Shards = windows.TopicID(d.ID), len(d.Partitions)
		}
	}
	in.take(details)
	return in, nil
}

func (in *Inputs) ask(ctx context.Context, admin *kadm.Client, more ...string) (kadm.TopicDetails, error) {
	names := more
	for _, t := range in.topics {
		names = append(names, t.Name)
	}
	details, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("asking the brokers for the topics: %w", err)
	}
	return details, nil
}

// Refresh asks the brokers again. What they say of a topic that they do not know
// at the moment is not believed, since it may yet come back as it was: its
// partitions stay, and the error says so.
func (in *Inputs) Refresh(ctx context.Context, admin *kadm.Client) error {
	if len(in.topics) == 0 {
		return nil
	}
	details, err := in.ask(ctx, admin)
	if err != nil {
		return err
	}
	in.take(details)
	for _, d := range details.Sorted() {
		if d.Err != nil {
			return &MissingTopicError{Topic: d.Topic, Err: d.Err}
		}
	}
	return nil
}

// take takes over what the brokers say. Partitions never become fewer while a
// topic keeps its id: brokers that say so have not heard of the new ones.
func (in *Inputs) take(details kadm.TopicDetails) {
	in.mu.Lock()
	defer in.mu.Unlock()
	numbers := make(map[windows.TopicID]int)
	for _, id := range in.partitions {
		numbers[id.Topic]++
	}
	var partitions []windows.PartitionID
	for _, d := range in.topics {
		told, found := details[d.Name]
		if found && told.Err == nil && len(told.Partitions) > 0 {
			id := windows.TopicID(told.ID)
			if _, former := in.names[id]; former && in.ids[d.Name] != id {
				continue // a broker that has not heard of the new topic yet
			}
			in.ids[d.Name], in.names[id] = id, d.Name
			numbers[id] = max(numbers[id], len(told.Partitions))
		}
	}
	names := make([]string, 0, len(in.ids))
	for name := range in.ids {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		id := in.ids[name]
		for n := range numbers[id] {
			partitions = append(partitions, windows.PartitionID{Topic: id, Partition: int32(n)})
		}
	}
	if !slices.Equal(partitions, in.partitions) {
		in.partitions = partitions
		close(in.changed)
		in.changed = make(chan struct{})
	}
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

// Changed is closed when Partitions would return something else than before.
func (in *Inputs) Changed() <-chan struct{} {
	in.mu.RLock()
	defer in.mu.RUnlock()
	return in.changed
}

// ID is the id of an input topic.
func (in *Inputs) ID(topic string) (windows.TopicID, bool) {
	in.mu.RLock()
	defer in.mu.RUnlock()
	id, ok := in.ids[topic]
	return id, ok
}

// Topic is the name of an input topic, or of one that was: "unknown" for any
// other.
func (in *Inputs) Topic(id windows.TopicID) string {
	in.mu.RLock()
	defer in.mu.RUnlock()
	if name, ok := in.names[id]; ok {
		return name
	}
	return "unknown"
}

// Name is a partition as people know it.
func (in *Inputs) Name(id windows.PartitionID) string {
	return fmt.Sprintf("%s/%d", in.Topic(id.Topic), id.Partition)
}

// Partitions are all input partitions, ordered by topic name and number.
func (in *Inputs) Partitions() []windows.PartitionID {
	in.mu.RLock()
	defer in.mu.RUnlock()
	return in.partitions
}
