package windows

// Kind is what a value turned out to be.
type Kind uint8

// The kinds of values.
const (
	Missing   Kind = iota // null; an absent feature is simply not in the list
	Number                // finite
	NonFinite             // NaN or an infinity: counted, never tested
	Text
	Bool // Text holds "true" or "false"
)

// String returns the kind's name, for messages.
func (k Kind) String() string {
	switch k {
	case Missing:
		return "missing"
	case Number:
		return "number"
	case NonFinite:
		return "non-finite number"
	case Text:
		return "text"
	case Bool:
		return "bool"
	default:
		return "unknown kind"
	}
}

// A Value is one value of a feature. Text may alias a buffer of the caller's:
// it is copied where it is kept.
//
//	Kind       Number           Text
//	Missing    0                nil
//	Number     the number       nil
//	NonFinite  NaN, +Inf, -Inf  as it was written
//	Text       0                the string
//	Bool       0                "true" or "false"
type Value struct {
	Kind   Kind
	Number float64
	Text   []byte
}

// A Field is a named value. Name may alias a buffer of the caller's.
type Field struct {
	Name  []byte
	Value Value
}

// An Observation is one accepted event as the windows see it. Its slices may
// alias buffers of the caller's: a Partition keeps none of them.
type Observation struct {
	Offset     int64     // of the record
	RecordTime Timestamp // of the record
	Time       Timestamp // of the event

	Model, Version []byte

	HasFeatures bool // the event carries a features object
	Features    []Field

	IsPrediction bool // it came from a prediction topic, and what follows counts
	Prediction   Value
	Status       []byte
	HasLatency   bool
	Latency      float64 // milliseconds, zero or more
}
