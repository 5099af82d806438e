//go:build unix

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/windows"
)

// The input topics, and how many partitions they begin with.
const (
	predictions           = "predictions"
	features              = "features"
	predictionsPartitions = 4
	featuresPartitions    = 3
)

// What the load is like.
const (
	eventsPerSecond = 500
	speed           = 10 // event time, in seconds a second
	maxAhead        = 20 * time.Second
	// markerAhead is how far in the future the last event of every partition is:
	// past the end of every window before it, lateness included.
	markerAhead = 90 * time.Second
	tickEvery   = 50 * time.Millisecond
	mostWaiting = 4 * eventsPerSecond // events that no broker has acknowledged
)

// A place is one input partition.
type place struct {
	topic     windows.TopicID
	name      string
	partition int32
}

func (p place) String() string { return fmt.Sprintf("%s/%d", p.name, p.partition) }

// compare orders partitions as kolmo merges them.
func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.name, q.name), cmp.Compare(p.partition, q.partition), bytes.Compare(p.topic[:], q.topic[:]))
}

// A target is what the load knows of a partition.
type target struct {
	place
	silent bool          // gets no events
	lag    time.Duration // how far its events are behind
	fresh  bool          // the next event is in order: it opens the partition, or ends a silence
}

// A load produces events, and keeps every record that a broker has acknowledged. Its
// clock is the events': it stands still while nothing is produced.
type load struct {
	client *kgo.Client
	// deliver hands a record over; the function is called once it is acknowledged.
	deliver func(*kgo.Record, func(*kgo.Record, error))
	// waiting is how many records were handed over and not acknowledged yet.
	waiting func() int64
	random  *rand.Rand // of the producing goroutine alone

	beginning windows.Timestamp

	mu      sync.Mutex
	now     windows.Timestamp           // guarded by mu
	targets []*target                   // guarded by mu
	records map[place][]*kgo.Record     // acknowledged; guarded by mu
	marks   map[place]windows.Timestamp // watermarks of what is acknowledged; guarded by mu
	failed  error                       // guarded by mu
	sent    uint64                      // guarded by mu
	ended   map[place]bool              // fed no more, and waited for by nobody; guarded by mu
	starts  map[place]int64             // up to where records were deleted; guarded by mu
	sources []source
}

func newLoad(brokers []string, seed uint64) (*load, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(10*time.Millisecond),
		kgo.MaxBufferedRecords(1<<20), kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(2*time.Second),
		kgo.UnknownTopicRetries(-1), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
	)
	if err != nil {
		return nil, fmt.Errorf("making the producer of the load: %w", err)
	}
	l := emptyLoad(seed, beginningFor(time.Now()))
	l.client = client
	l.waiting = client.BufferedProduceRecords
	l.deliver = func(r *kgo.Record, done func(*kgo.Record, error)) { client.Produce(context.Background(), r, done) }
	return l, nil
}

func emptyLoad(seed uint64, beginning windows.Timestamp) *load {
	return &load{
		random: rand.New(rand.NewPCG(seed, 1)), beginning: beginning, now: beginning, sources: sources(), records: make(map[place][]*kgo.Record),
		marks: make(map[place]windows.Timestamp), ended: make(map[place]bool), starts: make(map[place]int64),
	}
}

// addTopic creates a topic and has its partitions fed.
func (l *load) addTopic(ctx context.Context, name string, partitions int32) error {
	admin := kadm.NewClient(l.client)
	if _, err := admin.CreateTopic(ctx, partitions, 1, nil, name); err != nil {
		return fmt.Errorf("creating topic %s: %w", name, err)
	}
	fresh, err := l.meet(ctx, name, partitions)
	for _, p := range fresh {
		l.change(p, func(t *target) { t.silent = false })
	}
	return err
}

// meet waits until a topic has so many partitions, and returns those that are new.
// They are silent.
func (l *load) meet(ctx context.Context, name string, partitions int32) (fresh []place, err error) {
	admin := kadm.NewClient(l.client)
	var detail kadm.TopicDetail
	err = until(ctx, 30*time.Second, 50*time.Millisecond, func() (bool, error) {
		details, err := admin.ListTopics(ctx, name)
		if err != nil {
			return false, err
		}
		detail = details[name]
		// A producer that has the topic's partitions in mind would refuse another.
		first, _, _ := l.client.PartitionLeader(name, 0)
		if last, _, _ := l.client.PartitionLeader(name, partitions-1); first >= 0 && last < 0 {
			l.client.ForceMetadataRefresh()
			return false, nil
		}
		return detail.Err == nil && len(detail.Partitions) == int(partitions), nil
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for %d partitions of topic %s: %w", partitions, name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for partition := range partitions {
		p := place{topic: windows.TopicID(detail.ID), name: name, partition: partition}
		if _, known := l.marks[p]; !known {
			l.marks[p] = windows.Unset
			l.targets = append(l.targets, &target{place: p, fresh: true, silent: true})
			fresh = append(fresh, p)
		}
	}
	return fresh, nil
}

// dropTopic stops feeding a topic for good, and returns its partitions. What they
// took stays in their logs.
func (l *load) dropTopic(name string) []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	var dropped []place
	l.targets = slices.DeleteFunc(l.targets, func(t *target) bool {
		if t.name == name {
			dropped = append(dropped, t.place)
			l.ended[t.place] = true
		}
		return t.name == name
	})
	return dropped
}

// deleted notes that the records of a partition before an offset are about to be
// deleted.
func (l *load) deleted(p place, start int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.starts[p] = max(l.starts[p], start)
}

// end is the offset after the last record that a partition acknowledged.
func (l *load) end(p place) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.records[p]))
}

// change changes how a partition is fed.
func (l *load) change(p place, change func(*target)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.targets {
		if t.place == p {
			change(t)
		}
	}
}

// places are the partitions that are fed.
func (l *load) places() []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []place
	for _, t := range l.targets {
		all = append(all, t.place)
	}
	return all
}

// run produces until the context ends.
func (l *load) run(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.tick()
		case <-ctx.Done():
			return
		}
	}
}

// tick produces what belongs to one tick. Like a service that cannot get rid of its
// events, it produces nothing more while too many wait.
func (l *load) tick() {
	const events = int(eventsPerSecond * tickEvery / time.Second)
	if l.waiting() > mostWaiting {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for range events {
		l.now = l.now.Add(speed * tickEvery / time.Duration(events))
		if t, s := l.draw(); t != nil {
			l.produce(t, s)
		}
	}
}

// draw chooses a partition and a source for it.
func (l *load) draw() (*target, *source) {
	t := l.targets[l.random.IntN(len(l.targets))]
	if t.silent {
		return nil, nil
	}
	for {
		s := &l.sources[l.random.IntN(len(l.sources))]
		if l.random.IntN(20) < s.weight && (t.name != features || s.features) {
			return t, s
		}
	}
}

// produce sends one record: mostly an event of now; now and then one out of order,
// ahead of its record, late, or none at all.
func (l *load) produce(t *target, s *source) {
	r := l.random
	now := l.now.Add(-t.lag)
	l.sent++
	at, moves := now, true
	bad := false
	if t.fresh {
		t.fresh = false
	} else {
		switch n := r.IntN(1000); {
		case n < 200: // out of order, mostly not late
			at = now.Add(-time.Duration(r.IntN(6000)) * time.Millisecond)
		case n < 250: // ahead of its record: the watermark does not follow
			at = now.Add(time.Duration(r.IntN(int(maxAhead.Milliseconds()))) * time.Millisecond)
		case n < 260: // late
			at = now.Add(-20*time.Second - time.Duration(r.IntN(60_000))*time.Millisecond)
		case n < 265: // too far ahead
			at, moves = now.Add(maxAhead+time.Millisecond+time.Duration(r.IntN(60_000))*time.Millisecond), false
		case n < 275:
			bad, moves = true, false
		}
	}
	var value []byte
	if bad {
		value = s.malformed(r, at)
	} else {
		value = s.event(r, at, l.sent, t.name == predictions, s.drifting(int64(at-l.beginning)))
	}
	mark := windows.Unset
	if moves {
		mark = min(at, now)
	}
	l.send(t.place, value, now, mark)
}

// send produces a record without waiting for it. mark is the watermark it brings.
func (l *load) send(p place, value []byte, recordTime, mark windows.Timestamp) {
	record := &kgo.Record{Topic: p.name, Partition: p.partition, Value: value, Timestamp: recordTime.Time()}
	l.deliver(record, func(r *kgo.Record, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			l.failed = fmt.Errorf("producing to %s: %w", p, err)
			return
		}
		l.records[p] = append(l.records[p], r)
		l.marks[p] = max(l.marks[p], mark)
	})
}

// through is the lowest watermark of what is acknowledged.
func (l *load) through() windows.Timestamp {
	l.mu.Lock()
	defer l.mu.Unlock()
	low := windows.Forever
	for _, t := range l.targets {
		if !t.silent {
			low = min(low, l.marks[t.place])
		}
	}
	return low
}

// position is the event time that the load has come to.
func (l *load) position() windows.Timestamp {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// finish sends every partition an event so far ahead that all windows before it
// close, and waits until everything is acknowledged. run must have ended.
func (l *load) finish(ctx context.Context) error {
	l.mark()
	return l.flush(ctx)
}

func (l *load) mark() {
	l.mu.Lock()
	defer l.mu.Unlock()
	marker := l.now.Add(markerAhead)
	for _, t := range l.targets {
		s := &l.sources[0]
		l.sent++
		l.send(t.place, s.event(l.random, marker, l.sent, t.name == predictions, false), marker, marker)
	}
}

// flush waits until everything is acknowledged.
func (l *load) flush(ctx context.Context) error {
	limited, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, fmt.Errorf("not within 2 minutes"))
	defer cancel()
	if err := l.client.Flush(limited); err != nil {
		return fmt.Errorf("waiting for the load to be acknowledged: %w", context.Cause(limited))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// logs are the records of every partition in offset order, the partitions by topic
// and number. It fails where a log would not be what was acknowledged: a record
// missing, or there twice.
func (l *load) logs() (map[place][]*kgo.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, records := range l.records {
		slices.SortFunc(records, func(a, b *kgo.Record) int { return cmp.Compare(a.Offset, b.Offset) })
		for i, r := range records {
			if r.Offset != int64(i) {
				return nil, fmt.Errorf("the log of %s is not what was acknowledged: record %d has offset %d", p, i, r.Offset)
			}
		}
	}
	return l.records, nil
}
