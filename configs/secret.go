package configs

import (
	"fmt"
	"log/slog"
)

// redacted is what a Secret shows of itself.
const redacted = "<secret>"

// A Secret is a value that must not appear in logs or dumps: every way of
// printing it gives <secret>, or nothing when it is empty. Only Reveal tells.
//
// It holds a pointer, so that even fmt, which calls no methods on unexported
// fields, finds an address there and no text.
type Secret struct {
	value *string
}

// NewSecret is the secret that Reveal tells.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal is the value itself, for the connection that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == nil }

// String is <secret>, or empty when there is none.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format prints String whatever the verb: %v, %#v, %q and %x alike.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalJSON is String as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML is String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
