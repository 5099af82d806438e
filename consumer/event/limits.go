package event

import (
	"bytes"
	"unicode/utf8"
)

// Limits bound what one record may cost. A field that is not positive means its
// default.
type Limits struct {
	// MaxBytes is the size of a record in bytes. Default 1 MiB.
	MaxBytes int
	// MaxDepth is how deep objects and arrays may nest; the record itself is
	// level 1. Default 32, and never more than 1,000, because what checks the
	// grammar recurses.
	MaxDepth int
	// MaxNameBytes is the length in bytes, after unescaping and flattening, of
	// a model, version, request id, status, feature name or metric name.
	// Default 256. The texts of categories are bounded by MaxBytes only.
	MaxNameBytes int
	// MaxFeatures is the number of features, and of metrics, in one record.
	// Default 4,000.
	MaxFeatures int
}

const deepest = 1000

// WithDefaults returns the limits that apply: those of l, and the defaults for
// the fields that are not positive.
func (l Limits) WithDefaults() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = 1 << 20
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = 32
	}
	l.MaxDepth = min(l.MaxDepth, deepest)
	if l.MaxNameBytes <= 0 {
		l.MaxNameBytes = 256
	}
	if l.MaxFeatures <= 0 {
		l.MaxFeatures = 4000
	}
	return l
}

// admit refuses what must not reach a parser at all.
func (l Limits) admit(value []byte) *Rejection {
	if len(value) == 0 {
		return reject(ReasonEmpty, "the record has no value")
	}
	if len(value) > l.MaxBytes {
		return reject(ReasonTooLarge, "%d bytes, at most %d are read", len(value), l.MaxBytes)
	}
	if !utf8.Valid(value) {
		return reject(ReasonInvalidUTF8, "byte %d begins no UTF-8 character", firstInvalid(value))
	}
	if deeperThan(value, l.MaxDepth) {
		return reject(ReasonTooDeep, "nested deeper than %d levels", l.MaxDepth)
	}
	return nil
}

// deeperThan says whether value, as far as it is JSON, nests deeper than limit.
// A record with fewer opening brackets than that, which is nearly every one, is
// answered by two counts.
func deeperThan(value []byte, limit int) bool {
	if bytes.Count(value, []byte{'{'})+bytes.Count(value, []byte{'['}) <= limit {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			inString = !inString
		case inString:
			if c == '\\' {
				i++
			}
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func firstInvalid(value []byte) int {
	for i := 0; i < len(value); {
		r, n := utf8.DecodeRune(value[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(value)
}
