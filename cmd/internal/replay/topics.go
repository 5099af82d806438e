package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
)

// History is the part of Kafka's history that is replayed: the records of topics
// whose times lie between two moments, as far as Kafka has kept them.
type History struct {
	Client []kgo.Opt // how to reach the brokers
	Topics []consumer.Topic
	From   time.Time
	To     time.Time // zero: to where the topics end now
	Limits event.Limits
	// Progress is told how many of so many records are done; nil: nobody is.
	Progress func(done, of int64)
}

// queueFull is how many records a partition may have waiting before no more of it
// are fetched.
const queueFull = 5000

// silence is how long the brokers may send nothing before the replay gives up.
const silence = time.Minute

// stretch is what is read of one partition.
type stretch struct {
	topic     consumer.Topic
	partition int32
	id        windows.PartitionID
	begin     int64
	end       int64 // the offset after the last one
	queue     []*kgo.Record
	paused    bool
	ended     bool

	// Each has a decoder of its own, since what is held keeps to its buffers.
	decoder *event.Decoder
	event   event.Event
	// ready says that the first of the queue has been decoded; taken, which
	// candidates have it.
	ready       bool
	observation windows.Observation
	taken       []bool
}

// Topics replays what Kafka has kept. It joins no group and writes nothing. Its
// memory is that of the open windows and of some records of each partition.
func Topics(ctx context.Context, h History, settings []Setting) (*Report, error) {
	client, err := kgo.NewClient(append(slices.Clone(h.Client), kgo.RequestTimeoutOverhead(5*time.Second))...)
	if err != nil {
		return nil, fmt.Errorf("making the Kafka client: %w", err)
	}
	defer client.Close()
	looking, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := client.Ping(looking); err != nil {
		return nil, fmt.Errorf("no Kafka broker can be reached: %w: start it, or mend kafka.brokers", err)
	}
	stretches, err := lookUp(looking, kadm.NewClient(client), &h)
	if err != nil {
		return nil, err
	}
	inputs := make([]alerts.Input, len(stretches))
	for i, s := range stretches {
		inputs[i] = alerts.Input{Topic: s.topic.Name, ID: s.id}
	}
	t := &topics{run: newRun(settings, inputs), history: &h, stretches: stretches}
	t.describe()
	if err := t.replay(ctx); err != nil {
		return nil, err
	}
	return t.run.report(), nil
}

// lookUp finds the stretches, in the order of their topics' names and their
// numbers.
func lookUp(ctx context.Context, admin *kadm.Client, h *History) ([]*stretch, error) {
	names := make([]string, len(h.Topics))
	roles := make(map[string]consumer.Topic)
	for i, t := range h.Topics {
		names[i], roles[t.Name] = t.Name, t
	}
	details, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("asking the brokers for the topics: %w", err)
	}
	for _, d := range details.Sorted() {
		if d.Err != nil {
			return nil, &consumer.MissingTopicError{Topic: d.Topic, Err: d.Err}
		}
	}
	begins, err := admin.ListOffsetsAfterMilli(ctx, h.From.UnixMilli(), names...)
	if err != nil {
		return nil, fmt.Errorf("asking the brokers for the offsets of %s: %w", h.From.Format(time.RFC3339), err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("asking the brokers where the topics end: %w", err)
	}
	until := ends
	if !h.To.IsZero() {
		if until, err = admin.ListOffsetsAfterMilli(ctx, h.To.UnixMilli(), names...); err != nil {
			return nil, fmt.Errorf("asking the brokers for the offsets of %s: %w", h.To.Format(time.RFC3339), err)
		}
	}
	var stretches []*stretch
	for _, d := range details.Sorted() {
		for _, p := range d.Partitions.Sorted() {
			s := &stretch{
				topic: roles[d.Topic], partition: p.Partition,
				id: windows.PartitionID{Topic: windows.TopicID(d.ID), Partition: p.Partition},
			}
			begin, _ := begins.Lookup(d.Topic, p.Partition)
			end, _ := ends.Lookup(d.Topic, p.Partition)
			last, _ := until.Lookup(d.Topic, p.Partition)
			if err := errors.Join(begin.Err, end.Err, last.Err); err != nil {
				return nil, fmt.Errorf("asking the brokers for the offsets of %s/%d: %w", d.Topic, p.Partition, err)
			}
			s.begin, s.end = begin.Offset, min(end.Offset, last.Offset)
			stretches = append(stretches, s)
		}
	}
	return stretches, nil
}

// topics is a replay of topics.
type topics struct {
	run       *run
	history   *History
	stretches []*stretch
	client    *kgo.Client
	total     int64
	done      int64
}

func (t *topics) describe() {
	source := &t.run.source
	for _, topic := range t.history.Topics {
		source.Topics = append(source.Topics, topic.Name)
	}
	slices.Sort(source.Topics)
	source.From = &t.history.From
	if !t.history.To.IsZero() {
		source.To = &t.history.To
	}
	source.Rejected = make(map[string]uint64)
}

func (t *topics) replay(ctx context.Context) error {
	from := make(map[string]map[int32]kgo.Offset)
	for number, s := range t.stretches {
		s.taken, s.decoder = make([]bool, len(t.run.runners)), event.NewDecoder(t.history.Limits)
		if s.begin >= s.end {
			if err := t.end(number); err != nil {
				return err
			}
			continue
		}
		t.total += s.end - s.begin
		if from[s.topic.Name] == nil {
			from[s.topic.Name] = make(map[int32]kgo.Offset)
		}
		from[s.topic.Name][s.partition] = kgo.NewOffset().At(s.begin)
	}
	if len(from) == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(slices.Clone(t.history.Client),
		kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the last offset may be a transaction's marker
		kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.MaxConcurrentFetches(2),
		kgo.FetchMaxWait(250*time.Millisecond), kgo.MaxDecompressBatchBytes(64<<20),
	)...)
	if err != nil {
		return fmt.Errorf("making the Kafka client: %w", err)
	}
	defer client.Close()
	t.client = client
	for {
		if err := t.work(); err != nil {
			return err
		}
		if t.history.Progress != nil {
			t.history.Progress(t.done, t.total)
		}
		if t.allEnded() {
			return nil
		}
		if err := t.fetch(ctx); err != nil {
			return err
		}
	}
}

func (t *topics) allEnded() bool {
	return !slices.ContainsFunc(t.stretches, func(s *stretch) bool { return !s.ended })
}

// fetch waits for more records. There is always a partition that has none
// waiting: of all that wait, the one with the earliest event is held back by
// nobody but those that have nothing to offer.
func (t *topics) fetch(ctx context.Context) error {
	starving := false
	for _, s := range t.stretches {
		starving = starving || !s.ended && len(s.queue) == 0
		pause := s.ended || len(s.queue) >= queueFull
		if pause == s.paused {
			continue
		}
		s.paused = pause
		which := map[string][]int32{s.topic.Name: {s.partition}}
		if pause {
			t.client.PauseFetchPartitions(which)
		} else {
			t.client.ResumeFetchPartitions(which)
		}
	}
	if !starving {
		return errors.New("all partitions wait for each other, which settings with different limits can cause: replay the candidates one by one")
	}
	waiting, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	fetches := t.client.PollRecords(waiting, 10_000)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if waiting.Err() != nil && fetches.NumRecords() == 0 {
		return fmt.Errorf("no record came for %v, and %s not been read to the end: are the brokers well, and the topics not compacted?", silence, t.unread())
	}
	var failure error
	fetches.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) {
			failure = errors.Join(failure, fmt.Errorf("reading %s/%d: %w", topic, partition, err))
		}
	})
	if failure != nil {
		return failure
	}
	for _, s := range t.stretches {
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if p.Topic == s.topic.Name && p.Partition == s.partition && !s.ended {
				s.queue = append(s.queue, p.Records...)
			}
		})
	}
	return nil
}

func (t *topics) unread() string {
	var names []string
	for _, s := range t.stretches {
		if !s.ended {
			names = append(names, fmt.Sprintf("%s/%d", s.topic.Name, s.partition))
		}
	}
	if len(names) == 1 {
		return names[0] + " has"
	}
	return strings.Join(names, ", ") + " have"
}

// work goes round the partitions until every one has nothing to offer or is held.
func (t *topics) work() error {
	for moved := true; moved; {
		moved = false
		for number, s := range t.stretches {
			for !s.ended && len(s.queue) > 0 {
				took, err := t.take(number, s)
				if err != nil {
					return err
				}
				if !took {
					break
				}
				moved = true
			}
		}
	}
	return nil
}

// take offers the first record that waits. It is false when that is held.
func (t *topics) take(number int, s *stretch) (bool, error) {
	r := s.queue[0]
	if r.Offset >= s.end {
		return true, t.end(number)
	}
	if !s.ready && !r.Attrs.IsControl() {
		t.run.source.Records++
		s.ready = t.decode(s, r)
	}
	if s.ready {
		if err := t.run.offer(number, &s.observation, s.taken); err != nil {
			if errors.Is(err, errHeld) {
				return false, nil
			}
			return false, err
		}
	}
	s.queue[0] = nil
	s.queue, s.ready = s.queue[1:], false
	t.done++
	if r.Offset == s.end-1 {
		return true, t.end(number)
	}
	return true, nil
}

// decode reads a record into the partition's observation. It is false for one
// that is no event.
func (t *topics) decode(s *stretch, r *kgo.Record) bool {
	if err := s.decoder.Decode(s.topic.Role, r.Value, &s.event); err != nil {
		reason := string(event.ReasonInvalidJSON)
		var rejection *event.Rejection
		if errors.As(err, &rejection) {
			reason = string(rejection.Reason)
		}
		t.run.source.Rejected[reason]++
		return false
	}
	at := windows.TimestampOf(r.Timestamp)
	e := &s.event
	s.observation = windows.Observation{
		Offset: r.Offset, RecordTime: at, Time: at, Model: e.Model, Version: e.Version,
		HasFeatures: e.HasFeatures, Features: e.Features,
		IsPrediction: s.topic.Role == event.Predictions, Prediction: e.Prediction,
		Status: e.Status, HasLatency: e.HasLatency, Latency: e.LatencyMillis,
	}
	if e.HasTime {
		s.observation.Time = windows.Timestamp(e.Time)
	}
	return true
}

func (t *topics) end(number int) error {
	s := t.stretches[number]
	s.ended, s.queue = true, nil
	return t.run.end(number)
}
