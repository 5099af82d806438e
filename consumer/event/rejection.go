package event

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Reason says why a record was refused. It is a metric label and the
// kolmo-reason header of the dead letter, so the set is closed and the strings
// are stable.
type Reason string

// The reasons, in the order in which they are judged.
const (
	// ReasonEmpty is a record without a value: a tombstone, or zero bytes.
	ReasonEmpty Reason = "empty"
	// ReasonTooLarge is a record of more than Limits.MaxBytes.
	ReasonTooLarge Reason = "too_large"
	// ReasonInvalidUTF8 is a byte sequence, or an escaped surrogate without its
	// other half, that is no Unicode text.
	ReasonInvalidUTF8 Reason = "invalid_utf8"
	// ReasonTooDeep is nesting beyond Limits.MaxDepth.
	ReasonTooDeep Reason = "too_deep"
	// ReasonInvalidJSON is what RFC 8259 does not allow.
	ReasonInvalidJSON Reason = "invalid_json"
	// ReasonTrailingData is anything but white space after the first value.
	ReasonTrailingData Reason = "trailing_data"
	// ReasonWrongType is a field whose value is not of the type it must have,
	// a latency below zero among them.
	ReasonWrongType Reason = "wrong_type"
	// ReasonDuplicateKey is a key that stands twice.
	ReasonDuplicateKey Reason = "duplicate_key"
	// ReasonNumberRange is a number beyond float64.
	ReasonNumberRange Reason = "number_range"
	// ReasonInvalidTime is a ts that is neither RFC 3339 nor whole milliseconds,
	// or lies outside the years 1 to 9999.
	ReasonInvalidTime Reason = "invalid_time"
	// ReasonNameTooLong is a name or identifier of more than Limits.MaxNameBytes.
	ReasonNameTooLong Reason = "name_too_long"
	// ReasonTooManyFeatures is more than Limits.MaxFeatures features or metrics.
	ReasonTooManyFeatures Reason = "too_many_features"
	// ReasonReservedName is a feature called "prediction": the name under which
	// the prediction itself is monitored.
	ReasonReservedName Reason = "reserved_name"
	// ReasonMissingModel is a record that names no model, or an empty one.
	ReasonMissingModel Reason = "missing_model"
	// ReasonTooFarAhead is an event time too far past the record's own time. The
	// decoder does not see that time: whoever consumes the record judges it.
	ReasonTooFarAhead Reason = "too_far_ahead"
	// ReasonBatchTooLarge is a batch of records that unpacks to more than is read.
	// Like the one before it is not the decoder's to say.
	ReasonBatchTooLarge Reason = "batch_too_large"
)

// Reasons lists every reason, in the order in which they are judged.
func Reasons() []Reason {
	return []Reason{
		ReasonEmpty, ReasonTooLarge, ReasonInvalidUTF8, ReasonTooDeep,
		ReasonInvalidJSON, ReasonTrailingData, ReasonWrongType, ReasonDuplicateKey,
		ReasonNumberRange, ReasonInvalidTime, ReasonNameTooLong,
		ReasonTooManyFeatures, ReasonReservedName, ReasonMissingModel, ReasonTooFarAhead,
		ReasonBatchTooLarge,
	}
}

// Rejection is the error of a record that is not an event.
type Rejection struct {
	Reason Reason
	// Detail says what was found where, in at most 300 bytes. Whatever it cites
	// from the record is quoted and cut short, so it is safe to log.
	Detail string
}

// Error returns the reason and the detail.
func (r *Rejection) Error() string {
	return "event rejected: " + string(r.Reason) + ": " + r.Detail
}

const maxDetail = 300

func reject(reason Reason, format string, args ...any) *Rejection {
	detail := fmt.Sprintf(format, args...)
	if len(detail) > maxDetail {
		detail = detail[:maxDetail] // quoted text is ASCII: no character is cut
	}
	return &Rejection{Reason: reason, Detail: detail}
}

// excerpt quotes the beginning of b, in ASCII, for a message.
func excerpt(b []byte) string {
	const most = 32
	if len(b) <= most {
		return strconv.QuoteToASCII(string(b))
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(b[cut]) {
		cut--
	}
	return strconv.QuoteToASCII(string(b[:cut])) + "..."
}
