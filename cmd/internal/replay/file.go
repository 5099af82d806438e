package replay

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
)

// File replays a file of events in its order, as one partition whose records have
// the times of their events: what a topic of one partition holds after `kolmo emit`.
// progress is told how many bytes have been read, now and then.
func File(ctx context.Context, path string, limits event.Limits, settings []Setting, progress func(bytes int64)) (*Report, error) {
	file, err := dataset.Open(path, limits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only
	run := newRun(settings, []alerts.Input{{}})
	run.source.Events = filepath.ToSlash(path)
	taken := make([]bool, len(run.runners))
	var row dataset.Row
	var o windows.Observation
	for offset := int64(0); ; offset++ {
		if offset%1024 == 0 {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			progress(file.BytesRead())
		}
		err := file.Next(&row)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := observe(&row, offset, &o); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if err := run.offer(0, &o, taken); err != nil {
			return nil, err // the only partition waits for nobody
		}
		run.source.Records++
	}
	if err := run.end(0); err != nil {
		return nil, err
	}
	return run.report(), nil
}

// observe reads a row as the record of a prediction topic.
func observe(row *dataset.Row, offset int64, o *windows.Observation) error {
	e := &row.Event
	switch {
	case !e.HasTime:
		return fmt.Errorf("%s has no ts: windows need the time of every event", place(row))
	case len(e.Model) == 0:
		return fmt.Errorf("%s names no model: an event needs one", place(row))
	}
	at := windows.Timestamp(e.Time)
	*o = windows.Observation{
		Offset: offset, RecordTime: at, Time: at, Model: e.Model, Version: e.Version,
		HasFeatures: e.HasFeatures, Features: e.Features,
		IsPrediction: true, Prediction: e.Prediction, Status: e.Status, HasLatency: e.HasLatency, Latency: e.LatencyMillis,
	}
	return nil
}

func place(row *dataset.Row) string {
	if row.Line == 0 {
		return fmt.Sprintf("row %d", row.Number)
	}
	return fmt.Sprintf("line %d", row.Line)
}
