package dataset

import "github.com/kolmo-ml/kolmo/windows"

// Observations reads the rows as the windows count them: every row one
// prediction event. It is what references are built from.
type Observations struct {
	Reader *Reader
	// After is called behind every row; nil: nothing is.
	After func()

	row Row
}

// Rewind goes back to before the first row.
func (o *Observations) Rewind() error { return o.Reader.Rewind() }

// Next reads the next row into the observation, whose slices hold until the
// next call. It returns io.EOF behind the last row.
func (o *Observations) Next(observation *windows.Observation) error {
	if err := o.Reader.Next(&o.row); err != nil {
		return err
	}
	e := &o.row.Event
	*observation = windows.Observation{
		Model: e.Model, Version: e.Version, HasFeatures: true, Features: e.Features,
		IsPrediction: true, Prediction: e.Prediction, Status: e.Status, HasLatency: e.HasLatency, Latency: e.LatencyMillis,
	}
	if e.HasTime {
		observation.Time = windows.Timestamp(e.Time)
	}
	if o.After != nil {
		o.After()
	}
	return nil
}
