package event_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// limits of the tables here: small, so that a case fits on a line.
var small = event.Limits{MaxBytes: 4096, MaxDepth: 4, MaxNameBytes: 12, MaxFeatures: 4}

// show writes an event on one line, leaving out what is absent.
func show(e *event.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "model=%s", e.Model)
	if len(e.Version) > 0 {
		fmt.Fprintf(&b, " version=%s", e.Version)
	}
	if len(e.RequestID) > 0 {
		fmt.Fprintf(&b, " request=%s", e.RequestID)
	}
	if e.HasTime {
		fmt.Fprintf(&b, " ts=%d", e.Time)
	}
	if e.HasFeatures {
		fmt.Fprintf(&b, " features=%s", showFields(e.Features))
	}
	if e.HasPrediction {
		fmt.Fprintf(&b, " prediction=%s", showValue(e.Prediction))
	}
	fmt.Fprintf(&b, " status=%s", e.Status)
	if e.HasLatency {
		fmt.Fprintf(&b, " latency=%s", showNumber(e.LatencyMillis))
	}
	if e.HasOutcome {
		fmt.Fprintf(&b, " outcome=%s", showValue(e.Outcome))
	}
	if len(e.Metrics) > 0 {
		fmt.Fprintf(&b, " metrics=%s", showFields(e.Metrics))
	}
	return b.String()
}

func showFields(fields []event.Field) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s:%s", f.Name, showValue(f.Value))
	}
	b.WriteByte(']')
	return b.String()
}

func showValue(v event.Value) string {
	switch v.Kind {
	case event.Number:
		return showNumber(v.Number)
	case event.Text:
		return strconv.Quote(string(v.Text))
	case event.NonFinite:
		return fmt.Sprintf("%s!%s", showNumber(v.Number), v.Text)
	case event.Bool:
		return string(v.Text)
	default:
		return "-"
	}
}

func showNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// unmeant says what the fields that a kind does not use must be.
func unmeant(t *testing.T, v event.Value) {
	t.Helper()
	ok := true
	switch v.Kind {
	case event.Missing:
		ok = v.Number == 0 && v.Text == nil
	case event.Number:
		ok = v.Text == nil && !math.IsNaN(v.Number) && !math.IsInf(v.Number, 0)
	case event.Text, event.Bool:
		ok = v.Number == 0 && v.Text != nil
	}
	if !ok {
		t.Errorf("a %s with number %v and text %q", v.Kind, v.Number, v.Text)
	}
}

func TestAccepted(t *testing.T) {
	cases := []struct {
		name string
		role event.Role
		in   string
		want string
	}{
		{"the least", event.Predictions, `{"model":"m"}`, `model=m status=success`},
		{"white space", event.Predictions, " \t\r\n{ \"model\" : \"m\" } \n", `model=m status=success`},
		{"every field of a prediction", event.Predictions,
			`{"model":"m","version":"3","ts":"2026-01-01T00:00:00Z","request_id":"r","features":{"a":1,"b":"x","c":true,"d":null},"prediction":0.5,"status":"ok","latency_ms":4.25}`,
			`model=m version=3 request=r ts=1767225600000 features=[a:1 b:"x" c:true d:-] prediction=0.5 status=ok latency=4.25`},
		{"what is not for predictions is ignored", event.Predictions,
			`{"model":"m","outcome":[1],"metrics":7,"mood":{"a":[{}]}}`, `model=m status=success`},
		{"what is not for features is ignored", event.Features,
			`{"model":"m","features":{"a":1},"prediction":[],"status":{},"latency_ms":-1,"outcome":{},"metrics":1}`,
			`model=m features=[a:1] status=success`},
		{"what is not for outcomes is ignored", event.Outcomes,
			`{"model":"m","features":[{"a":1,"a":1}],"prediction":[],"status":{},"latency_ms":-1,"outcome":3}`,
			`model=m status=success outcome=3`},
		{"outcome and metrics", event.Outcomes,
			`{"model":"m","request_id":"r","outcome":true,"metrics":{"revenue":12.5,"converted":true,"late":null}}`,
			`model=m request=r status=success outcome=true metrics=[revenue:12.5 converted:true late:-]`},
		{"an outcome may be a class", event.Outcomes, `{"model":"m","outcome":"fraud"}`, `model=m status=success outcome="fraud"`},
		{"nulls are absent", event.Predictions,
			`{"model":"m","version":null,"ts":null,"request_id":null,"features":null,"prediction":null,"status":null,"latency_ms":null}`,
			`model=m status=success`},
		{"null outcome and metrics are absent", event.Outcomes, `{"model":"m","outcome":null,"metrics":null}`, `model=m status=success`},
		{"an empty features object is one", event.Features, `{"model":"m","features":{}}`, `model=m features=[] status=success`},
		{"a version that is a number keeps its text", event.Predictions, `{"model":"m","version":1.10}`, `model=m version=1.10 status=success`},
		{"even beyond float64", event.Predictions, `{"model":"m","version":1e400}`, `model=m version=1e400 status=success`},
		{"an integer status keeps its text", event.Predictions, `{"model":"m","status":503}`, `model=m status=503`},
		{"time in milliseconds", event.Predictions, `{"model":"m","ts":1767225600123}`, `model=m ts=1767225600123 status=success`},
		{"time before 1970", event.Predictions, `{"model":"m","ts":-1}`, `model=m ts=-1 status=success`},
		{"non-finite values", event.Features, `{"model":"m","features":{"a":"NaN","b":"Infinity","c":"-Infinity","d":"nan"}}`,
			`model=m features=[a:NaN!NaN b:+Inf!Infinity c:-Inf!-Infinity d:"nan"] status=success`},
		{"a non-finite prediction", event.Predictions, `{"model":"m","prediction":"NaN"}`, `model=m prediction=NaN!NaN status=success`},
		{"a non-finite value, escaped", event.Predictions, `{"model":"m","prediction":"\u004eaN"}`, `model=m prediction=NaN!NaN status=success`},
		{"flattening", event.Features, `{"model":"m","features":{"user":{"age":3,"vip":false},"x":1,"y":{}}}`,
			`model=m features=[user.age:3 user.vip:false x:1] status=success`},
		{"a group and a feature of the same flattened name", event.Features,
			`{"model":"m","features":{"a":{"b":1},"a.b":{"c":2}}}`, `model=m features=[a.b:1 a.b.c:2] status=success`},
		{"the same, the other way round", event.Features,
			`{"model":"m","features":{"a.b":{"c":2},"a":{"b":1}}}`, `model=m features=[a.b.c:2 a.b:1] status=success`},
		{"empty names", event.Features, `{"model":"m","features":{"":1,"a":{"":2}}}`, `model=m features=[:1 a.:2] status=success`},
		{"an underflow is 0", event.Features, `{"model":"m","features":{"a":1e-400,"b":5e-324,"c":-0}}`,
			`model=m features=[a:0 b:5e-324 c:-0] status=success`},
		{"the largest float64", event.Features, `{"model":"m","features":{"a":1.7976931348623157e308}}`,
			`model=m features=[a:1.7976931348623157e+308] status=success`},
		{"a latency of minus zero is zero", event.Predictions, `{"model":"m","latency_ms":-0.0}`, `model=m status=success latency=0`},
		{"escapes", event.Features, `{"\u006dodel":"\u00e4\n\"\\\/\ud83d\ude00","features":{"a\tb":"\b\f\r"}}`,
			"model=ä\n\"\\/😀 features=[a\tb:\"\\b\\f\\r\"] status=success"},
		{"UTF-8", event.Features, `{"model":"größe","features":{"日本":"é"}}`, `model=größe features=[日本:"é"] status=success`},
		{"control characters and noncharacters by escape", event.Features, `{"model":"m\u0000","features":{"\uffff":"\ufffd"}}`,
			"model=m\x00 features=[\uffff:\"\ufffd\"] status=success"},
		{"keys are case-sensitive", event.Features, `{"model":"m","Model":"n","MODEL":1}`, `model=m status=success`},
		{"repeated keys where nobody looks", event.Features, `{"model":"m","x":{"a":1,"a":2}}`, `model=m status=success`},
		{"as deep as allowed", event.Features, `{"model":"m","x":[[[]]]}`, `model=m status=success`},
		{"brackets in strings are not depth", event.Features, `{"model":"m","x":"[[[[[[\"[[[","y":"{{{{\\"}`, `model=m status=success`},
		{"as many features as allowed", event.Features, `{"model":"m","features":{"a":1,"b":{"c":1,"d":1},"e":1}}`,
			`model=m features=[a:1 b.c:1 b.d:1 e:1] status=success`},
		{"as long as allowed", event.Features, `{"model":"twelve_bytes","features":{"group12":{"key4":1}}}`,
			`model=twelve_bytes features=[group12.key4:1] status=success`},
		{"a long category is kept", event.Features, `{"model":"m","features":{"a":"much more than twelve bytes"}}`,
			`model=m features=[a:"much more than twelve bytes"] status=success`},
	}
	d := event.NewDecoder(small)
	var e event.Event
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := d.Decode(c.role, []byte(c.in), &e); err != nil {
				t.Fatalf("%s\n%v", c.in, err)
			}
			if got := show(&e); got != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
			}
			for _, f := range append(e.Features, e.Metrics...) {
				unmeant(t, f.Value)
			}
			unmeant(t, e.Prediction)
			unmeant(t, e.Outcome)
		})
	}
}

func TestRejected(t *testing.T) {
	p, f, o := event.Predictions, event.Features, event.Outcomes
	cases := []struct {
		role event.Role
		in   string
		want event.Reason
	}{
		{p, ``, event.ReasonEmpty},

		{p, `{"model":"m","x":"` + strings.Repeat("x", 4096) + `"}`, event.ReasonTooLarge},

		{p, `{"model":"m","x":[[[[]]]]}`, event.ReasonTooDeep},
		{p, `[[[[[`, event.ReasonTooDeep},
		{p, `{"a":{"a":{"a":{"a":{`, event.ReasonTooDeep},

		{p, "{\"model\":\"\xff\"}", event.ReasonInvalidUTF8},
		{p, "{\"model\":\"m\",\"x\":\"\xc3\"}", event.ReasonInvalidUTF8},
		{p, "{\"model\":\"\xed\xa0\x80\"}", event.ReasonInvalidUTF8},
		{p, "{\"model\":\"m\"}\xff", event.ReasonInvalidUTF8},
		{p, `{"model":"\ud800"}`, event.ReasonInvalidUTF8},
		{p, `{"model":"\udc00\ud800"}`, event.ReasonInvalidUTF8},
		{p, `{"model":"\ud800\u0041"}`, event.ReasonInvalidUTF8},
		{p, `{"model":"\ud800\n"}`, event.ReasonInvalidUTF8},
		{p, `{"model":"m","x":["\uD800"]}`, event.ReasonInvalidUTF8},
		{p, `{"model":"m","\uDFFF":1}`, event.ReasonInvalidUTF8},

		{p, ` `, event.ReasonInvalidJSON},
		{p, `{`, event.ReasonInvalidJSON},
		{p, `}`, event.ReasonInvalidJSON},
		{p, `,`, event.ReasonInvalidJSON},
		{p, `:`, event.ReasonInvalidJSON},
		{p, `nul`, event.ReasonInvalidJSON},
		{p, `NaN`, event.ReasonInvalidJSON},
		{p, "\ufeff{\"model\":\"m\"}", event.ReasonInvalidJSON},
		{p, "\x00\x00\x00\x00\x07{\"model\":\"m\"}", event.ReasonInvalidJSON},
		{p, `{"model":"m"`, event.ReasonInvalidJSON},
		{p, `{"model":"m",}`, event.ReasonInvalidJSON},
		{p, `{,"model":"m"}`, event.ReasonInvalidJSON},
		{p, `{"model":"m" "x":1}`, event.ReasonInvalidJSON},
		{p, `{"model" "m"}`, event.ReasonInvalidJSON},
		{p, `{"model"::"m"}`, event.ReasonInvalidJSON},
		{p, `{"model":}`, event.ReasonInvalidJSON},
		{p, `{"model","m"}`, event.ReasonInvalidJSON},
		{p, `{model:"m"}`, event.ReasonInvalidJSON},
		{p, `{1:"m"}`, event.ReasonInvalidJSON},
		{p, `{null:"m"}`, event.ReasonInvalidJSON},
		{p, `{'model':'m'}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":[1,]}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":[,1]}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":[1 2]}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":[1:2]}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":[1}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":{1]}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":01}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":-}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":+1}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":1.}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":.5}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":1e}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":1e+}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":0x10}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":1_000}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":truefalse}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":True}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":1"a"}`, event.ReasonInvalidJSON},
		{p, "{\"model\":\"m\",\"x\":\"a\tb\"}", event.ReasonInvalidJSON},
		{p, "{\"model\":\"m\",\"x\":\"a\x00b\"}", event.ReasonInvalidJSON},
		{p, `{"model":"m","x":"\x"}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":"\u12G4"}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":"\u12"}`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":"\`, event.ReasonInvalidJSON},
		{p, `{"model":"m","x":"`, event.ReasonInvalidJSON},
		{p, "{\"model\":\"m\",\v\"x\":1}", event.ReasonInvalidJSON},
		{p, `{"model":"m" /* no */}`, event.ReasonInvalidJSON},
		{p, `{"model":7,"x":[1,]}`, event.ReasonInvalidJSON}, // the grammar comes before the meaning
		{p, `{"model":"m","model":"m",`, event.ReasonInvalidJSON},

		{p, `{"model":"m"}{"model":"m"}`, event.ReasonTrailingData},
		{p, `{"model":"m"} x`, event.ReasonTrailingData},
		{p, `{"model":"m"}}`, event.ReasonTrailingData},
		{p, `{"model":"m"},`, event.ReasonTrailingData},
		{p, "{\"model\":\"m\"}\x00", event.ReasonTrailingData},
		{p, `{} {}`, event.ReasonTrailingData},
		{p, `1 2`, event.ReasonTrailingData},

		{p, `null`, event.ReasonWrongType},
		{p, `"model"`, event.ReasonWrongType},
		{p, `[{"model":"m"}]`, event.ReasonWrongType},
		{p, `{"model":1}`, event.ReasonWrongType},
		{p, `{"model":["m"]}`, event.ReasonWrongType},
		{p, `{"model":"m","version":true}`, event.ReasonWrongType},
		{p, `{"model":"m","version":{}}`, event.ReasonWrongType},
		{p, `{"model":"m","request_id":7}`, event.ReasonWrongType},
		{p, `{"model":"m","ts":true}`, event.ReasonWrongType},
		{p, `{"model":"m","ts":{}}`, event.ReasonWrongType},
		{p, `{"model":"m","features":[]}`, event.ReasonWrongType},
		{p, `{"model":"m","features":"a"}`, event.ReasonWrongType},
		{p, `{"model":"m","features":{"a":[]}}`, event.ReasonWrongType},
		{p, `{"model":"m","features":{"a":{"b":{}}}}`, event.ReasonWrongType},
		{p, `{"model":"m","features":{"a":{"b":[1]}}}`, event.ReasonWrongType},
		{p, `{"model":"m","prediction":{}}`, event.ReasonWrongType},
		{p, `{"model":"m","prediction":[0.1,0.9]}`, event.ReasonWrongType},
		{p, `{"model":"m","status":true}`, event.ReasonWrongType},
		{p, `{"model":"m","status":200.0}`, event.ReasonWrongType},
		{p, `{"model":"m","status":2e2}`, event.ReasonWrongType},
		{p, `{"model":"m","latency_ms":"4"}`, event.ReasonWrongType},
		{p, `{"model":"m","latency_ms":-0.001}`, event.ReasonWrongType},
		{o, `{"model":"m","outcome":{}}`, event.ReasonWrongType},
		{o, `{"model":"m","outcome":[]}`, event.ReasonWrongType},
		{o, `{"model":"m","metrics":[]}`, event.ReasonWrongType},
		{o, `{"model":"m","metrics":{"a":"1"}}`, event.ReasonWrongType},
		{o, `{"model":"m","metrics":{"a":"NaN"}}`, event.ReasonWrongType},
		{o, `{"model":"m","metrics":{"a":{"b":1}}}`, event.ReasonWrongType},

		{p, `{"model":"m","model":"m"}`, event.ReasonDuplicateKey},
		{p, `{"model":"m","\u006dodel":"m"}`, event.ReasonDuplicateKey},
		{p, `{"model":"m","version":null,"version":null}`, event.ReasonDuplicateKey},
		{p, `{"model":"m","metrics":1,"metrics":1}`, event.ReasonDuplicateKey},
		{p, `{"model":"m","x":1,"y":2,"x":3}`, event.ReasonDuplicateKey},
		{p, `{"model":"m","é":1,"\u00e9":3}`, event.ReasonDuplicateKey},
		{f, `{"model":"m","features":{"a":1,"a":1}}`, event.ReasonDuplicateKey},
		{f, `{"model":"m","features":{"a":1,"a":{"b":1}}}`, event.ReasonDuplicateKey},
		{f, `{"model":"m","features":{"a":{"b":1},"a":1}}`, event.ReasonDuplicateKey},
		{f, `{"model":"m","features":{"a":{},"a":{}}}`, event.ReasonDuplicateKey},
		{f, `{"model":"m","features":{"a":{"b":1,"b":2}}}`, event.ReasonDuplicateKey},
		{f, `{"model":"m","features":{"a":{"b":1},"a.b":2}}`, event.ReasonDuplicateKey},
		{f, `{"model":"m","features":{"a.b":2,"a":{"b":1}}}`, event.ReasonDuplicateKey},
		{f, `{"model":"m","features":{"a":{"b.c":1},"a.b":{"c":1}}}`, event.ReasonDuplicateKey},
		{o, `{"model":"m","metrics":{"a":1,"a":1}}`, event.ReasonDuplicateKey},

		{f, `{"model":"m","features":{"a":1e400}}`, event.ReasonNumberRange},
		{f, `{"model":"m","features":{"a":{"b":-1e400}}}`, event.ReasonNumberRange},
		{f, `{"model":"m","features":{"a":1.797693134862315808e308}}`, event.ReasonNumberRange},
		{p, `{"model":"m","prediction":1e99999999999}`, event.ReasonNumberRange},
		{p, `{"model":"m","latency_ms":1e309}`, event.ReasonNumberRange},
		{o, `{"model":"m","outcome":1e309}`, event.ReasonNumberRange},
		{o, `{"model":"m","metrics":{"a":1e309}}`, event.ReasonNumberRange},

		{p, `{"model":"m","ts":"yesterday"}`, event.ReasonInvalidTime},
		{p, `{"model":"m","ts":""}`, event.ReasonInvalidTime},
		{p, `{"model":"m","ts":"2026-01-01T00:00:00"}`, event.ReasonInvalidTime},
		{p, `{"model":"m","ts":"1767225600123"}`, event.ReasonInvalidTime},
		{p, `{"model":"m","ts":1767225600.123}`, event.ReasonInvalidTime},
		{p, `{"model":"m","ts":1.7e12}`, event.ReasonInvalidTime},
		{p, `{"model":"m","ts":253402300800000}`, event.ReasonInvalidTime},
		{p, `{"model":"m","ts":99999999999999999999999999}`, event.ReasonInvalidTime},

		{p, `{"model":"thirteen_byte"}`, event.ReasonNameTooLong},
		{p, `{"model":"m","version":"thirteen_byte"}`, event.ReasonNameTooLong},
		{p, `{"model":"m","version":1234567890123}`, event.ReasonNameTooLong},
		{p, `{"model":"m","request_id":"thirteen_byte"}`, event.ReasonNameTooLong},
		{p, `{"model":"m","status":"thirteen_byte"}`, event.ReasonNameTooLong},
		{p, `{"model":"m","status":1234567890123}`, event.ReasonNameTooLong},
		{f, `{"model":"m","features":{"thirteen_byte":1}}`, event.ReasonNameTooLong},
		{f, `{"model":"m","features":{"thirteen_byte":{}}}`, event.ReasonNameTooLong},
		{f, `{"model":"m","features":{"group_12":{"key4":1}}}`, event.ReasonNameTooLong},
		{o, `{"model":"m","metrics":{"thirteen_byte":1}}`, event.ReasonNameTooLong},

		{f, `{"model":"m","features":{"a":1,"b":1,"c":1,"d":1,"e":1}}`, event.ReasonTooManyFeatures},
		{f, `{"model":"m","features":{"a":1,"b":{"a":1,"b":1,"c":1,"d":1}}}`, event.ReasonTooManyFeatures},
		{o, `{"model":"m","metrics":{"a":1,"b":1,"c":1,"d":1,"e":1}}`, event.ReasonTooManyFeatures},

		{f, `{"model":"m","features":{"prediction":1}}`, event.ReasonReservedName},

		{p, `{}`, event.ReasonMissingModel},
		{p, `{"model":null}`, event.ReasonMissingModel},
		{p, `{"model":""}`, event.ReasonMissingModel},
		{o, `{"Model":"m"}`, event.ReasonMissingModel},
	}
	seen := map[event.Reason]bool{event.ReasonTooFarAhead: true, event.ReasonBatchTooLarge: true} // not the decoder's to say
	d := event.NewDecoder(small)
	var e event.Event
	for _, c := range cases {
		err := d.Decode(c.role, []byte(c.in), &e)
		rejection, ok := errors.AsType[*event.Rejection](err)
		if !ok {
			t.Errorf("%s: got %v, want %s", c.in, err, c.want)
			continue
		}
		seen[rejection.Reason] = true
		if rejection.Reason != c.want {
			t.Errorf("%s: got %v, want %s", c.in, rejection, c.want)
		}
		checkDetail(t, rejection)
	}
	for _, reason := range event.Reasons() {
		if !seen[reason] {
			t.Errorf("no case here is rejected as %s", reason)
		}
	}
	if len(seen) != len(event.Reasons()) {
		t.Errorf("%d reasons seen, %d listed", len(seen), len(event.Reasons()))
	}
}

// checkDetail holds every detail to what Rejection promises of it.
func checkDetail(t *testing.T, r *event.Rejection) {
	t.Helper()
	if r.Detail == "" || len(r.Detail) > 300 {
		t.Errorf("%s: a detail of %d bytes", r.Reason, len(r.Detail))
	}
	for _, c := range []byte(r.Detail) {
		if c < 0x20 || c > 0x7e {
			t.Errorf("%s: the detail holds the byte %#x: %q", r.Reason, c, r.Detail)
			return
		}
	}
}

func TestHostile(t *testing.T) {
	cases := []struct {
		name string
		in   []byte
		want event.Reason // empty: accepted
	}{
		{"4 MB of open brackets", bytes.Repeat([]byte("["), 4<<20), event.ReasonTooLarge},
		{"1 MiB of open brackets", bytes.Repeat([]byte("["), 1<<20), event.ReasonTooDeep},
		{"1 MiB of open objects", bytes.Repeat([]byte(`{"":`), 1<<18), event.ReasonTooDeep},
		{"1,000 levels in an unknown field",
			fmt.Appendf(nil, `{"model":"m","x":%s%s}`, strings.Repeat("[", 1000), strings.Repeat("]", 1000)), event.ReasonTooDeep},
		{"31 levels in an unknown field",
			fmt.Appendf(nil, `{"model":"m","x":%s%s}`, strings.Repeat("[", 31), strings.Repeat("]", 31)), ""},
		{"32 levels in an unknown field",
			fmt.Appendf(nil, `{"model":"m","x":%s%s}`, strings.Repeat("[", 32), strings.Repeat("]", 32)), event.ReasonTooDeep},
		{"a record of 2 MiB", fmt.Appendf(nil, `{"model":"m","x":"%s"}`, strings.Repeat("x", 2<<20)), event.ReasonTooLarge},
		{"a huge unknown key", fmt.Appendf(nil, `{"model":"m","%s":1}`, strings.Repeat("k", 1<<19)), ""},
		{"a huge escaped unknown key", fmt.Appendf(nil, `{"model":"m","%s":1}`, strings.Repeat(`\u00e9`, 1<<17)), ""},
		{"a huge feature name", fmt.Appendf(nil, `{"model":"m","features":{"%s":1}}`, strings.Repeat("k", 1<<19)), event.ReasonNameTooLong},
		{"a huge number", fmt.Appendf(nil, `{"model":"m","prediction":%s}`, strings.Repeat("9", 1<<19)), event.ReasonNumberRange},
		{"a long number", fmt.Appendf(nil, `{"model":"m","prediction":0.%s}`, strings.Repeat("9", 1<<19)), ""},
		{"100,000 unknown keys", manyKeys(`{"model":"m"`, 100_000, `}`), ""},
		{"4,000 features", manyKeys(`{"model":"m","features":{"z":0`, 3999, `}}`), ""},
		{"4,001 features", manyKeys(`{"model":"m","features":{"z":0`, 4000, `}}`), event.ReasonTooManyFeatures},
		{"half a million commas", []byte("{" + strings.Repeat(",", 1<<19)), event.ReasonInvalidJSON},
		{"half a million backslashes", []byte(`{"` + strings.Repeat(`\`, 1<<19)), event.ReasonInvalidJSON},
	}
	d := event.NewDecoder(event.Limits{})
	var e event.Event
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := d.Decode(event.Predictions, c.in, &e)
			rejection, ok := errors.AsType[*event.Rejection](err)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want it accepted", err)
			case c.want != "" && (!ok || rejection.Reason != c.want):
				t.Errorf("got %v, want %s", err, c.want)
			case ok:
				checkDetail(t, rejection)
			}
		})
	}
}

// manyKeys puts n members between the start and the end of an object.
func manyKeys(start string, n int, end string) []byte {
	b := []byte(start)
	for i := range n {
		b = fmt.Appendf(b, `,"%x":1`, i)
	}
	return append(b, end...)
}

func TestAnEventBelongsToOneRecord(t *testing.T) {
	d := event.NewDecoder(event.Limits{})
	var e event.Event
	full := `{"model":"m","version":"1","ts":1,"request_id":"r","features":{"a":1},"prediction":1,"status":"error","latency_ms":1}`
	if err := d.Decode(event.Predictions, []byte(full), &e); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(event.Predictions, []byte(`{"model":"n"}`), &e); err != nil {
		t.Fatal(err)
	}
	if got, want := show(&e), "model=n status=success"; got != want {
		t.Errorf("after a fuller record: got %s, want %s", got, want)
	}
}

// What was cut from the scratch buffer must survive the buffer's growth.
func TestTextsOutliveTheGrowthOfTheBuffer(t *testing.T) {
	var in, want strings.Builder
	in.WriteString(`{"model":"\u006d","features":{`)
	want.WriteString("model=m features=[")
	for i := range 500 {
		if i > 0 {
			in.WriteByte(',')
			want.WriteByte(' ')
		}
		fmt.Fprintf(&in, `"g\u0020%d":{"\u006b":"\u0076%d"}`, i, i)
		fmt.Fprintf(&want, `g %d.k:"v%d"`, i, i)
	}
	in.WriteString(`}}`)
	want.WriteString(`] status=success`)
	var e event.Event
	if err := event.NewDecoder(event.Limits{}).Decode(event.Features, []byte(in.String()), &e); err != nil {
		t.Fatal(err)
	}
	if got := show(&e); got != want.String() {
		t.Errorf("got  %s\nwant %s", got, want.String())
	}
}

func TestTheDepthLimitIsBounded(t *testing.T) {
	in := fmt.Appendf(nil, `{"model":"m","x":%s%s}`, strings.Repeat("[", 400_000), strings.Repeat("]", 400_000))
	var e event.Event
	err := event.NewDecoder(event.Limits{MaxDepth: math.MaxInt}).Decode(event.Features, in, &e)
	if r, ok := errors.AsType[*event.Rejection](err); !ok || r.Reason != event.ReasonTooDeep {
		t.Errorf("got %v, want too_deep", err)
	}
}
