package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// What reading requests for the page may take.
const (
	requestsTimeout = 2 * time.Second
	// requestsBytes bounds one answer of the brokers, and requestsUnpacked one batch
	// unpacked. A record stands in a batch, which cannot be read in part.
	requestsBytes    = 1 << 20
	requestsUnpacked = 32 << 20
)

// requestReader reads single events from the input topics. It is in no group and
// writes nothing.
type requestReader struct {
	client []kgo.Opt
	roles  map[string]event.Role // of the input topics: no other is read
	limits event.Limits
	busy   chan struct{} // holds one while somebody reads
}

func newRequestReader(client []kgo.Opt, inputs []consumer.Topic, limits event.Limits) *requestReader {
	r := &requestReader{client: client, roles: make(map[string]event.Role), limits: limits, busy: make(chan struct{}, 1)}
	for _, topic := range inputs {
		r.roles[topic.Name] = topic.Role
	}
	return r
}

// read implements evidence.ReadRequests. One reads at a time; whoever comes
// meanwhile waits for as long as reading may take.
func (r *requestReader) read(ctx context.Context, places []drift.Place) ([]evidence.Request, error) {
	ctx, cancel := context.WithTimeout(ctx, requestsTimeout)
	defer cancel()
	select {
	case r.busy <- struct{}{}:
		defer func() { <-r.busy }()
	case <-ctx.Done():
		return nil, evidence.ErrBusy
	}
	requests := make([]evidence.Request, len(places))
	// A client reads a partition from one place on: each round takes at most one of a
	// partition.
	var left []int
	for i, p := range places {
		if _, known := r.roles[p.Topic]; !known {
			requests[i].Absent = "Its topic is not among those that kolmo reads."
		} else if p.Offset < 0 || p.Partition < 0 {
			requests[i].Absent = "It is no place in a topic."
		} else {
			left = append(left, i)
		}
	}
	for len(left) > 0 {
		wanted := make(map[string]map[int32]int)
		left = slices.DeleteFunc(left, func(i int) bool {
			p := places[i]
			if wanted[p.Topic] == nil {
				wanted[p.Topic] = make(map[int32]int)
			}
			if _, taken := wanted[p.Topic][p.Partition]; taken {
				return false
			}
			wanted[p.Topic][p.Partition] = i
			return true
		})
		if err := r.round(ctx, wanted, places, requests); err != nil {
			return nil, err
		}
	}
	return requests, nil
}

// round reads one place of each partition: wanted are their numbers.
func (r *requestReader) round(ctx context.Context, wanted map[string]map[int32]int, places []drift.Place, requests []evidence.Request) error {
	offsets := make(map[string]map[int32]kgo.Offset)
	open := 0
	for topic, partitions := range wanted {
		offsets[topic] = make(map[int32]kgo.Offset)
		for partition, i := range partitions {
			offsets[topic][partition] = kgo.NewOffset().At(places[i].Offset)
			open++
		}
	}
	client, err := kgo.NewClient(append(slices.Clone(r.client),
		kgo.ConsumePartitions(offsets), kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(requestsBytes), kgo.FetchMaxPartitionBytes(requestsBytes/8), kgo.MaxConcurrentFetches(1),
		kgo.FetchMaxWait(requestsTimeout/8), kgo.MaxDecompressBatchBytes(requestsUnpacked))...)
	if err != nil {
		return fmt.Errorf("making the reader of requests for the page: %w", err)
	}
	defer client.Close()
	decoder := event.NewDecoder(r.limits)
	settle := func(topic string, partition int32, with func(*evidence.Request, int64)) {
		i, waits := wanted[topic][partition]
		if !waits {
			return // a later record of a partition that is done, or an error of nobody's
		}
		delete(wanted[topic], partition)
		open--
		with(&requests[i], places[i].Offset)
		client.PauseFetchPartitions(map[string][]int32{topic: {partition}})
	}
	for open > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			for _, partitions := range wanted {
				for _, i := range partitions {
					requests[i].Absent = "Kafka did not answer in time. Load the page again."
				}
			}
			return nil
		}
		fetches.EachRecord(func(record *kgo.Record) {
			settle(record.Topic, record.Partition, func(request *evidence.Request, offset int64) {
				if record.Offset != offset {
					request.Absent = "The topic no longer holds it: compaction or an abort took it."
					return
				}
				r.decode(decoder, record, request)
			})
		})
		fetches.EachError(func(topic string, partition int32, err error) {
			settle(topic, partition, func(request *evidence.Request, _ int64) { request.Absent = unreadable(err) })
		})
	}
	return nil
}

// unreadable says why a place cannot be read.
func unreadable(err error) string {
	var large *kgo.ErrDecompressTooLarge
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return "The topic no longer holds it: its retention, or somebody, has deleted it."
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return "The topic, or its partition, is gone."
	case errors.As(err, &large):
		return "It stands in a batch that is too large to be unpacked for a page."
	}
	return "Kafka refuses it: " + err.Error()
}

// decode reads an event for people.
func (r *requestReader) decode(decoder *event.Decoder, record *kgo.Record, request *evidence.Request) {
	role := r.roles[record.Topic]
	var e event.Event
	if err := decoder.Decode(role, record.Value, &e); err != nil {
		request.Absent = "It is no event that kolmo understands: " + err.Error()
		return
	}
	request.Model, request.Version, request.ID = string(e.Model), string(e.Version), string(e.RequestID)
	request.Time = record.Timestamp.UTC()
	if e.HasTime {
		request.Time = time.UnixMilli(e.Time).UTC()
	}
	if role == event.Predictions {
		request.Prediction, request.Status = written(e.Prediction), string(e.Status)
		if e.HasLatency {
			request.Latency = strconv.FormatFloat(e.LatencyMillis, 'g', -1, 64)
		}
	}
	for _, f := range e.Features {
		request.Fields = append(request.Fields, evidence.RequestField{Name: string(f.Name), Value: written(f.Value)})
	}
}

// written is a value as people read it, never empty.
func written(v event.Value) string {
	switch v.Kind {
	case event.Missing:
		return "null"
	case event.Number:
		return strconv.FormatFloat(v.Number, 'g', -1, 64)
	}
	if len(v.Text) == 0 {
		return `""`
	}
	return string(v.Text)
}
