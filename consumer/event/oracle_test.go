package event_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// oracle is the same decoder written to be obvious: on encoding/json, with a
// tree of the whole record, maps, and no thought for speed. It returns the
// shown event, or the reasons that are right for the record.
func oracle(role event.Role, value []byte, l event.Limits) (string, []event.Reason) {
	is := func(r ...event.Reason) (string, []event.Reason) { return "", r }
	switch {
	case len(value) == 0:
		return is(event.ReasonEmpty)
	case len(value) > l.MaxBytes:
		return is(event.ReasonTooLarge)
	case !utf8.Valid(value):
		return is(event.ReasonInvalidUTF8)
	case !json.Valid(value):
		// How deep a text is that is no JSON, whether its first value is
		// complete, and whether a lone surrogate comes before the mistake,
		// are not judged here.
		return is(event.ReasonTooDeep, event.ReasonInvalidJSON, event.ReasonTrailingData, event.ReasonInvalidUTF8)
	}
	root, depth := parse(value)
	if depth > l.MaxDepth {
		return is(event.ReasonTooDeep)
	}
	if hasLoneSurrogate(string(value)) {
		return is(event.ReasonInvalidUTF8)
	}
	object, ok := root.(members)
	if !ok {
		return is(event.ReasonWrongType)
	}
	e, reason := meaning(role, object, l)
	if reason != "" {
		return is(reason)
	}
	return show(e), nil
}

// members is an object with its order and its repeated keys.
type members []member

type member struct {
	key   string
	value any // nil, bool, string, json.Number, []any, members
}

func parse(value []byte) (root any, depth int) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var read func(level int) any
	read = func(level int) any {
		token, err := d.Token()
		if err != nil {
			panic(err) // json.Valid said otherwise
		}
		delim, ok := token.(json.Delim)
		if !ok {
			return token
		}
		depth = max(depth, level)
		var object members
		var array []any
		for d.More() {
			if delim == '{' {
				key, _ := d.Token()
				object = append(object, member{key.(string), read(level + 1)})
			} else {
				array = append(array, read(level+1))
			}
		}
		_, _ = d.Token()
		if delim == '{' {
			if object == nil {
				object = members{}
			}
			return object
		}
		return array
	}
	return read(1), depth
}

// hasLoneSurrogate looks at the escapes of valid JSON, one after the other.
func hasLoneSurrogate(s string) bool {
	var units []uint64
	for i := 0; i < len(s); i++ {
		unit := uint64(0)
		if s[i] == '\\' {
			i++
			if s[i] == 'u' {
				unit, _ = strconv.ParseUint(s[i+1:i+5], 16, 16)
				i += 4
			}
		}
		units = append(units, unit)
	}
	for i := 0; i < len(units); i++ {
		high := units[i] >= 0xd800 && units[i] < 0xdc00
		low := units[i] >= 0xdc00 && units[i] < 0xe000
		if low || (high && (i+1 == len(units) || units[i+1] < 0xdc00 || units[i+1] >= 0xe000)) {
			return true
		}
		if high {
			i++
		}
	}
	return false
}

var oracleFields = map[event.Role]string{
	event.Predictions: "model version ts request_id features prediction status latency_ms",
	event.Features:    "model version ts request_id features",
	event.Outcomes:    "model version ts request_id outcome metrics",
	event.Whole:       "model version ts request_id features prediction status latency_ms outcome metrics",
}

func meaning(role event.Role, object members, l event.Limits) (*event.Event, event.Reason) {
	e := &event.Event{Status: []byte("success")}
	asked := map[string]bool{}
	for _, name := range strings.Fields(oracleFields[role]) {
		asked[name] = true
	}
	seen := map[string]bool{}
	for _, m := range object {
		if seen[m.key] {
			return nil, event.ReasonDuplicateKey
		}
		seen[m.key] = true
		if !asked[m.key] || m.value == nil {
			continue
		}
		reason := event.Reason("")
		switch m.key {
		case "model":
			e.Model, reason = oracleName(m.value, l, false)
		case "version":
			e.Version, reason = oracleName(m.value, l, true)
		case "request_id":
			e.RequestID, reason = oracleName(m.value, l, false)
		case "status":
			if n, ok := m.value.(json.Number); ok && strings.ContainsAny(n.String(), ".eE") {
				return nil, event.ReasonWrongType
			}
			e.Status, reason = oracleName(m.value, l, true)
		case "ts":
			e.HasTime = true
			e.Time, reason = oracleTime(m.value)
		case "features":
			e.HasFeatures = true
			e.Features, reason = oracleFeatures(m.value, l)
		case "metrics":
			e.Metrics, reason = oracleMetrics(m.value, l)
		case "prediction":
			e.HasPrediction = true
			e.Prediction, reason = oracleValue(m.value)
		case "outcome":
			e.HasOutcome = true
			e.Outcome, reason = oracleValue(m.value)
		case "latency_ms":
			e.HasLatency = true
			if _, ok := m.value.(json.Number); !ok {
				return nil, event.ReasonWrongType
			}
			var v event.Value
			v, reason = oracleValue(m.value)
			if v.Number < 0 {
				return nil, event.ReasonWrongType
			}
			e.LatencyMillis = math.Abs(v.Number)
		}
		if reason != "" {
			return nil, reason
		}
	}
	if len(e.Model) == 0 {
		return nil, event.ReasonMissingModel
	}
	return e, ""
}

func oracleName(v any, l event.Limits, orNumber bool) ([]byte, event.Reason) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		if !orNumber {
			return nil, event.ReasonWrongType
		}
		text = v.String()
	default:
		return nil, event.ReasonWrongType
	}
	if len(text) > l.MaxNameBytes {
		return nil, event.ReasonNameTooLong
	}
	return []byte(text), ""
}

func oracleTime(v any) (int64, event.Reason) {
	switch v := v.(type) {
	case json.Number:
		millis, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil || outside(time.UnixMilli(millis)) {
			return 0, event.ReasonInvalidTime
		}
		return millis, ""
	case string:
		at, ok := oracleRFC3339(v)
		if !ok {
			return 0, event.ReasonInvalidTime
		}
		return at.UnixMilli(), ""
	default:
		return 0, event.ReasonWrongType
	}
}

var rfc3339 = regexp.MustCompile(
	`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)(?:[Zz]|([+-](?:[01]\d|2[0-3]):[0-5]\d))$`)

// oracleRFC3339 checks the shape by an expression and leaves the calendar to
// package time, whose own parser takes a comma and offsets of 24 hours as well.
func oracleRFC3339(s string) (time.Time, bool) {
	m := rfc3339.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, m[1]+"T"+m[2]+cmp.Or(m[3], "Z"))
	return at, err == nil && !outside(at)
}

func outside(at time.Time) bool { return at.UTC().Year() < 1 || at.UTC().Year() > 9999 }

func oracleValue(v any) (event.Value, event.Reason) {
	switch v := v.(type) {
	case nil:
		return event.Value{}, ""
	case bool:
		return event.Value{Kind: event.Bool, Text: strconv.AppendBool(nil, v)}, ""
	case json.Number:
		f, err := strconv.ParseFloat(v.String(), 64)
		if errors.Is(err, strconv.ErrRange) && math.IsInf(f, 0) {
			return event.Value{}, event.ReasonNumberRange
		}
		return event.Value{Kind: event.Number, Number: f}, ""
	case string:
		if v == "NaN" || v == "Infinity" || v == "-Infinity" {
			f, _ := strconv.ParseFloat(v, 64)
			return event.Value{Kind: event.NonFinite, Number: f, Text: []byte(v)}, ""
		}
		return event.Value{Kind: event.Text, Text: []byte(v)}, ""
	default:
		return event.Value{}, event.ReasonWrongType
	}
}

func oracleFeatures(v any, l event.Limits) ([]event.Field, event.Reason) {
	object, ok := v.(members)
	if !ok {
		return nil, event.ReasonWrongType
	}
	var fields []event.Field
	keys, flat := map[string]bool{}, map[string]bool{}
	leaf := func(name string, v any) event.Reason {
		if len(fields) >= l.MaxFeatures {
			return event.ReasonTooManyFeatures
		}
		if len(name) > l.MaxNameBytes {
			return event.ReasonNameTooLong
		}
		if flat[name] {
			return event.ReasonDuplicateKey
		}
		flat[name] = true
		value, reason := oracleValue(v)
		fields = append(fields, event.Field{Name: []byte(name), Value: value})
		return reason
	}
	for _, m := range object {
		group, nested := m.value.(members)
		if m.key == "prediction" && !nested {
			return nil, event.ReasonReservedName
		}
		if len(m.key) > l.MaxNameBytes && (nested || len(fields) < l.MaxFeatures) {
			return nil, event.ReasonNameTooLong
		}
		if keys[m.key] && (nested || len(fields) < l.MaxFeatures) {
			return nil, event.ReasonDuplicateKey
		}
		keys[m.key] = true
		if !nested {
			if reason := leaf(m.key, m.value); reason != "" {
				return nil, reason
			}
			continue
		}
		inner := map[string]bool{}
		for _, g := range group {
			if len(g.key) > l.MaxNameBytes {
				return nil, event.ReasonNameTooLong
			}
			if inner[g.key] && len(fields) < l.MaxFeatures {
				return nil, event.ReasonDuplicateKey
			}
			inner[g.key] = true
			if reason := leaf(m.key+"."+g.key, g.value); reason != "" {
				return nil, reason
			}
		}
	}
	return fields, ""
}

func oracleMetrics(v any, l event.Limits) ([]event.Field, event.Reason) {
	object, ok := v.(members)
	if !ok {
		return nil, event.ReasonWrongType
	}
	var fields []event.Field
	seen := map[string]bool{}
	for _, m := range object {
		switch {
		case len(fields) >= l.MaxFeatures:
			return nil, event.ReasonTooManyFeatures
		case len(m.key) > l.MaxNameBytes:
			return nil, event.ReasonNameTooLong
		case seen[m.key]:
			return nil, event.ReasonDuplicateKey
		}
		seen[m.key] = true
		if _, ok := m.value.(string); ok {
			return nil, event.ReasonWrongType
		}
		value, reason := oracleValue(m.value)
		if reason != "" {
			return nil, reason
		}
		fields = append(fields, event.Field{Name: []byte(m.key), Value: value})
	}
	return fields, ""
}
