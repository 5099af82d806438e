package event_test

import (
	"errors"
	"testing"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

func TestDecodeColumns(t *testing.T) {
	cases := []struct{ in, want string }{
		{`{}`, `model= features=[] status=success`},
		{`{"a":"NaN","b":"x","c":true,"d":null}`, `model= features=[a:NaN!NaN b:"x" c:true d:-] status=success`},
		{`{"model":"m","version":1,"ts":0,"request_id":"r","a":2,"prediction":0.5,"status":"ok","latency_ms":1,"outcome":1,"label":[1]}`,
			`model=m version=1 request=r ts=0 features=[a:2] prediction=0.5 status=ok latency=1 outcome=1`},
		{`{"user":{"age":3},"features":4,"metrics":{"x":5}}`, `model= features=[user.age:3 features:4 metrics.x:5] status=success`},
		{`{"a":1,"a":1}`, `duplicate_key`},
		{`{"label":1,"label":1}`, `duplicate_key`},
		{`{"ts":null,"ts":1}`, `duplicate_key`},
		{`{"a":{"b":1},"a.b":1}`, `duplicate_key`},
		{`{"a":[1]}`, `wrong_type`},
		{`{"a":{"b":{}}}`, `wrong_type`},
		{`[1]`, `wrong_type`},
		{`{"a":[1],}`, `invalid_json`},
		{`{"a":1}x`, `trailing_data`},
		{`{"thirteen_byte":1}`, `name_too_long`},
		{`{"a":1,"b":1,"c":1,"d":1,"e":1}`, `too_many_features`},
		{``, `empty`},
	}
	d := event.NewDecoder(small)
	var e event.Event
	for _, c := range cases {
		got := ""
		if err := d.DecodeColumns([]byte(c.in), &e); err == nil {
			got = show(&e)
		} else if rejection, ok := errors.AsType[*event.Rejection](err); ok {
			got = string(rejection.Reason)
			checkDetail(t, rejection)
		}
		if got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestHoldsFields(t *testing.T) {
	d := event.NewDecoder(small)
	for in, want := range map[string]bool{
		`{"model":"m","x":[{}],"features":{}}`: true,
		`{"metrics":{"a":1}}`:                  true,
		`{"\u0066eatures":{}}`:                 true,
		`{"features":3,"metrics":null}`:        false,
		`{"x":{"features":{}}}`:                false,
		`{"a":1}`:                              false,
		`{"a":1,}`:                             false,
		`[{"features":{}}]`:                    false,
		``:                                     false,
	} {
		if got := d.HoldsFields([]byte(in)); got != want {
			t.Errorf("%s: got %v", in, got)
		}
	}
}

func TestWholeReadsAPredictionAndItsOutcome(t *testing.T) {
	var e event.Event
	in := `{"model":"m","features":{"a":1},"prediction":2,"latency_ms":3,"status":4,"outcome":5,"metrics":{"b":6}}`
	if err := event.NewDecoder(small).Decode(event.Whole, []byte(in), &e); err != nil {
		t.Fatal(err)
	}
	if got, want := show(&e), `model=m features=[a:1] prediction=2 status=4 latency=3 outcome=5 metrics=[b:6]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
