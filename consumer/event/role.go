package event

// Role is what a topic's records are for: it decides which fields matter.
type Role uint8

const (
	// Predictions carry features, prediction, status and latency_ms.
	Predictions Role = iota
	// Features carry features alone.
	Features
	// Outcomes carry outcome and metrics.
	Outcomes
	// Whole is no topic's role: it reads every field, for lines of a file, where
	// a prediction may stand beside its outcome.
	Whole
)

// String returns the role's name as the configuration writes it.
func (r Role) String() string {
	switch r {
	case Predictions:
		return "predictions"
	case Features:
		return "features"
	case Outcomes:
		return "outcomes"
	case Whole:
		return "whole"
	default:
		return "unknown role"
	}
}

// fieldID is one of the top-level fields that have a meaning in some role.
type fieldID uint8

const (
	fieldUnknown fieldID = iota
	fieldModel
	fieldVersion
	fieldTime
	fieldRequestID
	fieldFeatures
	fieldPrediction
	fieldStatus
	fieldLatency
	fieldOutcome
	fieldMetrics
)

// identify returns the field a top-level key names. Keys are case-sensitive.
func identify(key []byte) fieldID {
	switch string(key) {
	case "model":
		return fieldModel
	case "version":
		return fieldVersion
	case "ts":
		return fieldTime
	case "request_id":
		return fieldRequestID
	case "features":
		return fieldFeatures
	case "prediction":
		return fieldPrediction
	case "status":
		return fieldStatus
	case "latency_ms":
		return fieldLatency
	case "outcome":
		return fieldOutcome
	case "metrics":
		return fieldMetrics
	default:
		return fieldUnknown
	}
}

// reads says whether records of this role are asked for the field.
func (r Role) reads(f fieldID) bool {
	switch f {
	case fieldModel, fieldVersion, fieldTime, fieldRequestID:
		return true
	case fieldFeatures:
		return r != Outcomes
	case fieldPrediction, fieldStatus, fieldLatency:
		return r == Predictions || r == Whole
	case fieldOutcome, fieldMetrics:
		return r == Outcomes || r == Whole
	default:
		return false
	}
}
