package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
)

// verdictArchive reads single verdicts again, for the page. Each read has a
// client of its own: they are rare, and there is none to be in the way when the
// brokers are slow.
type verdictArchive struct {
	options []kgo.Opt
	topic   string
}

func newVerdictArchive(o Options) *verdictArchive {
	return &verdictArchive{topic: o.Outputs.Verdicts, options: append(append([]kgo.Opt{}, o.Client...),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), // what is deleted is an error
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// As little as there can be: the batch that the record is in.
		kgo.FetchMaxBytes(1), kgo.FetchMaxPartitionBytes(1), kgo.MaxConcurrentFetches(1),
	)}
}

// Read implements evidence.Archive.
func (a *verdictArchive) Read(ctx context.Context, place evidence.Place) ([]byte, error) {
	what := func(err error) error {
		return fmt.Errorf("reading the verdict at offset %d of partition %d of topic %q again: %w", place.Offset, place.Partition, a.topic, err)
	}
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, a.options...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		a.topic: {place.Partition: kgo.NewOffset().At(place.Offset)},
	}))...)
	if err != nil {
		return nil, what(err)
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if records := fetches.Records(); len(records) > 0 {
			if records[0].Offset != place.Offset {
				return nil, what(evidence.ErrGone)
			}
			return records[0].Value, nil
		}
		if failed := fetches.Errors(); len(failed) > 0 {
			if errors.Is(failed[0].Err, kerr.OffsetOutOfRange) {
				return nil, what(evidence.ErrGone)
			}
			return nil, what(failed[0].Err)
		}
	}
}
