package dataset

import (
	"testing"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// TestNoNativeEventIsOverlooked: what the quick look passes over holds no fields.
func TestNoNativeEventIsOverlooked(t *testing.T) {
	decoder := event.NewDecoder(event.Limits{}.WithDefaults())
	for line, native := range map[string]bool{
		`{"model":"m","features":{"a":1}}`:       true,
		`{"model":"m","metrics":{}}`:             true,
		`{"model":"m","\u0066eatures":{"a":1}}`:  true, // another way to write features
		`{"model":"m","metr\u0069cs":{}}`:        true,
		`{ "features" : {} }`:                    true,
		`{"a":1,"b":"text"}`:                     false,
		`{"a":"features","b":"\\"}`:              false,
		`{"features":5,"metrics":[]}`:            false,
		`{"user":{"features":{"a":1}}}`:          false,
		`{"feature":{"a":1},"Features":{"b":2}}`: false,
		`{"features"`:                            false,
	} {
		if got := decoder.HoldsFields([]byte(line)); got != native {
			t.Errorf("%s holds fields: %v, want %v", line, got, native)
		}
		if native && !mayHoldFields([]byte(line)) {
			t.Errorf("%s is passed over", line)
		}
	}
}
