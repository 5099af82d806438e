package event

import "github.com/kolmo-ml/kolmo/windows"

// Kind says what a [Value] holds. The types of values are those of the windows
// that count them, so that nothing is converted on the way.
type Kind = windows.Kind

// The kinds of values.
const (
	// Missing is null, or the absence of the field.
	Missing = windows.Missing
	// Number is a finite float64.
	Number = windows.Number
	// NonFinite is one of the strings "NaN", "Infinity" and "-Infinity", which
	// stand for the values JSON cannot write.
	NonFinite = windows.NonFinite
	// Text is any other string: a category.
	Text = windows.Text
	// Bool is true or false: a category as well.
	Bool = windows.Bool
)

// Value is the value of a feature, a prediction, an outcome or a metric.
type Value = windows.Value

// Field is a named value. A feature nested in an object carries the flattened
// name, "user.age".
type Field = windows.Field

// Event is a decoded record. Which fields can be set depends on the [Role] it
// was decoded for.
//
// Every []byte in it aliases the record's bytes or the decoder's own buffer:
// it holds until the next Decode of that [Decoder], and no longer than the
// record itself. The backing arrays of Features and Metrics belong to the
// Event and are used again when it is decoded into again.
type Event struct {
	// Model is never empty.
	Model []byte
	// Version is empty when the record has none. A JSON number is kept as its text.
	Version []byte
	// RequestID is empty when the record has none.
	RequestID []byte

	// Time is the event time in milliseconds since the Unix epoch, rounded
	// towards the past. Without HasTime the record's own timestamp is meant.
	HasTime bool
	Time    int64

	// HasFeatures says that the record carries a features object, if only an
	// empty one. Features stand in input order, explicit nulls included.
	HasFeatures bool
	Features    []Field

	// HasPrediction says that the record carries a prediction that is not null.
	// Without it Prediction is Missing.
	HasPrediction bool
	Prediction    Value

	// Status is the text as it came, or "success" when absent. An integer is
	// kept as its text.
	Status []byte

	// LatencyMillis is at least 0, and 0 without HasLatency.
	HasLatency    bool
	LatencyMillis float64

	// HasOutcome says that the record carries an outcome that is not null.
	// Without it Outcome is Missing.
	HasOutcome bool
	Outcome    Value

	// Metrics holds numbers, bools and missing values, in input order.
	Metrics []Field
}

// reset empties the event, keeping the arrays of Features and Metrics.
func (e *Event) reset() {
	*e = Event{Features: e.Features[:0], Metrics: e.Metrics[:0]}
}
