package event_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// FuzzDecode holds the decoder to the slow one: the same event, or a reason
// that is right. The corpus in testdata has one file for each kind of nastiness.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"model":"m","version":"3","ts":"2026-01-01T00:00:00.5+01:00","request_id":"r","features":{"a":1,"b":"x","u":{"age":null}},"prediction":0.5,"status":200,"latency_ms":4}`))
	f.Add([]byte(`{"model":"m","outcome":"NaN","metrics":{"revenue":1e2,"converted":true}}`))
	limits := event.Limits{MaxBytes: 1 << 16, MaxDepth: 5, MaxNameBytes: 16, MaxFeatures: 6}
	d := event.NewDecoder(limits)
	var e event.Event
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, role := range []event.Role{event.Predictions, event.Features, event.Outcomes, event.Whole} {
			want, reasons := oracle(role, value, limits)
			err := d.Decode(role, value, &e)
			rejection, rejected := errors.AsType[*event.Rejection](err)
			switch {
			case err == nil && !json.Valid(value):
				t.Fatalf("%s: accepted what is not JSON: %q", role, value)
			case err == nil && len(reasons) > 0:
				t.Fatalf("%s: accepted, want %v: %q", role, reasons, value)
			case err == nil:
				if got := show(&e); got != want {
					t.Fatalf("%s: %q\ngot  %s\nwant %s", role, value, got, want)
				}
			case !rejected:
				t.Fatalf("%s: an error that is no rejection: %v", role, err)
			case !slices.Contains(reasons, rejection.Reason):
				t.Fatalf("%s: got %v, want one of %v: %q", role, rejection, reasons, value)
			default:
				checkDetail(t, rejection)
			}
		}
	})
}

// FuzzTimestamp compares with package time, by way of a record.
func FuzzTimestamp(f *testing.F) {
	for _, s := range timestamps {
		f.Add(s.in)
	}
	d := event.NewDecoder(event.Limits{})
	var e event.Event
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := oracleRFC3339(decoded(t, quoted))
		err = d.Decode(event.Features, slices.Concat([]byte(`{"model":"m","ts":`), quoted, []byte(`}`)), &e)
		switch {
		case ok != (err == nil):
			t.Fatalf("%q: got %v, package time says %v", s, err, ok)
		case ok && e.Time != want.UnixMilli():
			t.Fatalf("%q: got %d, want %d", s, e.Time, want.UnixMilli())
		}
	})
}

// decoded is s after the replacement of what is no UTF-8.
func decoded(t *testing.T, quoted []byte) (s string) {
	if err := json.Unmarshal(quoted, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

var timestamps = []struct {
	in   string
	want string // RFC 3339 in UTC with milliseconds; empty: refused
}{
	{"2026-01-31T23:59:59Z", "2026-01-31T23:59:59.000Z"},
	{"2026-01-31t23:59:59z", "2026-01-31T23:59:59.000Z"},
	{"2026-01-31 23:59:59+00:00", "2026-01-31T23:59:59.000Z"},
	{"2026-01-31T23:59:59.9Z", "2026-01-31T23:59:59.900Z"},
	{"2026-01-31T23:59:59.123456789123Z", "2026-01-31T23:59:59.123Z"},
	{"2026-01-31T23:59:59.9999Z", "2026-01-31T23:59:59.999Z"},
	{"1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"}, // towards the past
	{"1969-12-31T23:59:59.0001Z", "1969-12-31T23:59:59.000Z"},
	{"2026-01-01T00:30:00+05:45", "2025-12-31T18:45:00.000Z"},
	{"2026-01-01T00:30:00-23:59", "2026-01-02T00:29:00.000Z"},
	{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
	{"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"},
	{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
	{"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
	{"0001-01-01T00:00:00+00:01", ""}, // in UTC, the year 0
	{"9999-12-31T23:59:59-00:01", ""},
	{"0000-01-01T00:00:00Z", ""},
	{"1900-02-29T00:00:00Z", ""},
	{"2026-02-29T00:00:00Z", ""},
	{"2026-04-31T00:00:00Z", ""},
	{"2026-13-01T00:00:00Z", ""},
	{"2026-00-01T00:00:00Z", ""},
	{"2026-01-00T00:00:00Z", ""},
	{"2026-01-01T24:00:00Z", ""},
	{"2026-01-01T00:60:00Z", ""},
	{"2016-12-31T23:59:60Z", ""}, // a leap second
	{"2026-01-01T00:00:00", ""},
	{"2026-01-01T00:00:00.Z", ""},
	{"2026-01-01T00:00:00,5Z", ""},
	{"2026-01-01T00:00:00.5", ""},
	{"2026-01-01T00:00:00+0100", ""},
	{"2026-01-01T00:00:00+24:00", ""},
	{"2026-01-01T00:00:00+00:60", ""},
	{"2026-01-01T00:00:00ZZ", ""},
	{"2026-01-01T00:00Z", ""},
	{"2026-01-01", ""},
	{"2026-1-1T00:00:00Z000", ""},
	{"20260101T000000Z", ""},
	{"+026-01-01T00:00:00Z", ""},
	{" 2026-01-01T00:00:00Z", ""},
	{"2026-01-01T00:00:00Z ", ""},
}

func TestTimestamps(t *testing.T) {
	d := event.NewDecoder(event.Limits{})
	var e event.Event
	for _, c := range timestamps {
		got := ""
		if err := d.Decode(event.Features, []byte(`{"model":"m","ts":"`+c.in+`"}`), &e); err == nil {
			got = time.UnixMilli(e.Time).UTC().Format("2006-01-02T15:04:05.000Z")
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.in, got, c.want)
		}
	}
}
