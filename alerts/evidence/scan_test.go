package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// sameBrief holds the scanner against the decoder, the slow and obvious one: where
// the decoder takes a record, and the scanner is sure, they say the same.
func sameBrief(t *testing.T, record []byte) (sure bool) {
	t.Helper()
	scanned, sure := scanBrief(record)
	v, err := decodeVerdict(record)
	if !sure || err != nil {
		return sure
	}
	if decoded := briefOf(v); !reflect.DeepEqual(scanned, decoded) {
		t.Errorf("of %.2000s\nscanned %+v\ndecoded %+v", record, scanned, decoded)
	}
	return sure
}

// anyVerdict makes up a verdict in which everything that a brief has may be there
// or not.
func anyVerdict(r *rand.Rand, names []string) *drift.Verdict {
	one := func(some ...string) string { return some[r.IntN(len(some))] }
	maybe := func() bool { return r.IntN(2) == 0 }
	features := make(map[string]*drift.Feature)
	feature := func() *drift.Feature {
		f := numericFeature(r.Float64(), maybe())
		if maybe() {
			f = categoricalFeature(r.Float64(), maybe())
		}
		f.N, f.Missing, f.Broken = r.Uint64N(1e6), r.Uint64N(1000), maybe()
		f.Test, f.Error, f.Untested = one("ks", "chi2", ""), one("", "", one(names...)), one("", one(names...))
		f.Effect = []*drift.Number{nil, ptr(r.Float64()), ptr(math.NaN()), ptr(r.NormFloat64() * 1e20), ptr(0)}[r.IntN(5)]
		return f
	}
	for range r.IntN(6) {
		features[one(names...)] = feature()
	}
	v := storyVerdict(one(names...), one(names...), r.IntN(1000), features)
	v.Segment, v.Kind = one("", one(names...)), one("window", "outcome")
	v.Events, v.Incomplete, v.Error = r.Uint64(), maybe(), one("", "", one(names...))
	if maybe() {
		v.Prediction = feature()
	}
	if maybe() {
		v.Reference = nil
	}
	if v.Shed = nil; maybe() {
		v.Shed = []string{one(names...)}
	}
	for range r.IntN(3) {
		v.Alerts = append(v.Alerts, drift.AlertState{Kind: "feature_drift", State: one("inactive", "pending", "firing"), Silenced: one("", "", one(names...))})
	}
	switch r.IntN(4) {
	case 0:
		v.Performance = nil
	case 1:
		v.Performance.ErrorRate, v.Performance.Latency = nil, nil
	case 2:
		v.Performance.Requests[one(names...)] = 7
		v.Performance.Latency.P99 = drift.Number(math.Inf(1))
	}
	return v
}

func TestScannedAsDecoded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := append([]string{"amount", "country", predictionName, "N", "é", "x\xffy", `"`, `\`, "\u2028"}, hostileNames...)
	plain := []string{"amount", "country", "velocity_24h", predictionName, "user.age"}
	unsure := 0
	const rounds = 3000
	for range rounds {
		sameBrief(t, encode(t, anyVerdict(r, names)))
		v := anyVerdict(r, plain)
		v.Model = "m"
		record, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if !sameBrief(t, record) {
			unsure++
		}
		// As other programs would write it.
		var indented bytes.Buffer
		if err := json.Indent(&indented, record, " \t", "\r\n "); err != nil {
			t.Fatal(err)
		}
		sameBrief(t, indented.Bytes())
	}
	// Where a latency is not finite it is null, which only the decoder understands:
	// a quarter at the most.
	if unsure > rounds/3 {
		t.Errorf("of %d records such as kolmo writes, %d had to be decoded", rounds, unsure)
	}
}

// What no kolmo writes is left to the decoder, or means the same to both.
func TestRecordsTheScannerLeavesToTheDecoder(t *testing.T) {
	head := `"schema":1,"kind":"window","model":"m","version":"","segment":"","window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"}`
	for record, sure := range map[string]bool{
		`{` + head + `}`: true,
		`{` + head + `,"events":3,"features":{}}`:                                      true,
		` {` + head + "}\n":                                                            true,
		`{` + head + `,"later":{"a":[1,{"b":null}],"c":"\u00e9"}}`:                     true,
		`{` + head + `,"reference":null}`:                                              true,
		`{` + head + `,"features":{"a\u0062":{"effect":0.5,"n":1}}}`:                   true,
		`{` + head + `,"features":{"a":{"effect":null}}}`:                              true,
		`{` + head + `,"Events":3}`:                                                    false,
		`{` + head + `,"event\u0073":3}`:                                               false,
		`{` + head + `,"eventſ":3}`:                                                    false,
		`{` + head + `,"events":3,"events":4}`:                                         false,
		`{` + head + `,"events":3.0}`:                                                  false,
		`{` + head + `,"events":-1}`:                                                   false,
		`{` + head + `,"events":18446744073709551616}`:                                 false,
		`{` + head + `,"events":null}`:                                                 false,
		`{` + head + `,"features":null}`:                                               false,
		`{` + head + `,"features":{"a":null}}`:                                         false,
		`{` + head + `,"features":{"a":{"n":1},"a":{"missing":2}}}`:                    false,
		`{` + head + `,"features":{"a":{"n":1},"\u0061":{"n":2}}}`:                     false,
		`{` + head + `,"features":{"a":{"effect":1e999}}}`:                             false,
		`{` + head + `,"features":{"a":{"effect":01}}}`:                                false,
		`{` + head + `,"features":{"a":{"drifted":1}}}`:                                false,
		`{` + head + `,"alerts":null}`:                                                 false,
		`{` + head + `,"alerts":[]}`:                                                   true,
		`{` + head + `,"alerts":[null]}`:                                               false,
		`{` + head + `,"alerts":[{"state":"pending","since":null}]}`:                   true,
		`{` + head + `,"prediction":null}`:                                             false,
		`{` + head + `,"performance":{"latency_ms":{"p99":null}}}`:                     true,
		`{` + head + `,"performance":{"latency_ms":null}}`:                             false,
		`{` + head + `,"x":[1,2,]}`:                                                    false,
		`{` + head + `,"x":{"a" 1}}`:                                                   false,
		`{` + head + `,"x":tru}`:                                                       false,
		`{` + head + `,"x":"` + "\n" + `"}`:                                            false,
		`{` + head + `,"x":"\x"}`:                                                      false,
		`{` + head + `,"x":1.}`:                                                        false,
		`{` + head + `,"x":-}`:                                                         false,
		`{` + head + `,"x":` + strings.Repeat("[", 1<<20):                              false,
		`{` + head + `,"x":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + `}`: false,
		`{` + head + `}{}`:                                                             false,
		`{` + head:                                                                     false,
		`{}`:                                                                           false,
		``:                                                                             false,
		`[]`:                                                                           false,
	} {
		if sameBrief(t, []byte(record)) != sure {
			t.Errorf("the scanner is sure of %.400s: %v", record, !sure)
		}
		// A JSON text that ends too soon is none.
		for cut := range min(len(record), 400) {
			if _, sure := scanBrief([]byte(record)[:cut]); sure && !json.Valid([]byte(record)[:cut]) {
				t.Errorf("the scanner is sure of %q", record[:cut])
			}
		}
	}
}

// What the scanner takes is JSON: the decoder may still refuse the type of what
// the scanner passed over, and nothing else.
func FuzzScannedAsDecoded(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		f.Add(encode(f, anyVerdict(r, []string{"a", "b", "<&>", predictionName})))
	}
	f.Add([]byte(`{"schema":1,"kind":"window","model":"m","window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"},"features":{"a":{"effect":1e-400}},"x":[[],{},"\ud800",-0.0e+1]}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		if sameBrief(t, record) && !json.Valid(record) {
			t.Errorf("the scanner is sure of what is no JSON: %q", record)
		}
	})
}

// A verdict as large ones are: twenty numeric features with their quantiles.
func largeVerdict(tb testing.TB, model string, hour int) []byte {
	features := make(map[string]*drift.Feature)
	for i := range 20 {
		features[fmt.Sprintf("feature_%02d", i)] = numericFeature(0.01+0.005*float64((i*7+hour)%23), (i+hour)%37 == 0)
	}
	features["country"] = categoricalFeature(0.02, false)
	features["country"].Type = windows.Categorical
	return encode(tb, storyVerdict(model, "1", hour, features))
}

func BenchmarkBriefScanned(b *testing.B) {
	record := largeVerdict(b, "m", 3)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := scanBrief(record); !ok {
			b.Fatal("the scanner is not sure of a record such as kolmo writes")
		}
	}
}

func BenchmarkBriefDecoded(b *testing.B) {
	record := largeVerdict(b, "m", 3)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		v, err := decodeVerdict(record)
		if err != nil {
			b.Fatal(err)
		}
		briefOf(v)
	}
}
