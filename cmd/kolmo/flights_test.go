package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/consumer/event"
)

// expectation is what expected.json says of a window, by scipy.
type expectation struct {
	Start      string                     `json:"start"`
	Events     uint64                     `json:"n_events"`
	Features   map[string]expectedFeature `json:"features"`
	Prediction expectedFeature            `json:"prediction"`
}

type expectedFeature struct {
	N       uint64   `json:"n"`
	Missing uint64   `json:"n_missing"`
	Mean    *float64 `json:"mean"`
	KS      *struct {
		D float64 `json:"D"`
		P float64 `json:"p"`
	} `json:"ks"`
	Chi2 *struct {
		Statistic float64 `json:"stat"`
	} `json:"chi2"`
	NewCategories []string `json:"new_categories"`
}

func expectations(t *testing.T) []expectation {
	t.Helper()
	data, err := os.ReadFile("../internal/flights/testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Windows []expectation `json:"windows"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Windows
}

const (
	// exactFlights keeps every value of both sides.
	exactFlights = `    window: {size: 168h}
    reference: {kind: fixed, file: reference.csv.gz, size: 200000}
    sample_size: 20000
    drift: {numeric: ks}
`
	defaultFlights = `    window: {size: 168h}
    reference: {kind: fixed, file: reference.csv.gz}
    drift: {numeric: ks}
`
	firstFlights = `    window: {size: 168h}
    reference: {kind: first, windows: 4}
    drift: {numeric: ks}
`
)

// TestFlights runs the bundled case on a real Kafka and a real Redis.
func TestFlights(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.emitFlights(t, "predictions", 4)
	want := expectations(t)
	inputs := "{predictions: [predictions]}"

	// With every value kept, the numbers are scipy's.
	t.Run("exact", func(t *testing.T) {
		i := s.run(t, s.write(t, setup{name: "exact", inputs: inputs, model: exactFlights}))
		verdicts := byStart(t, s.verdicts(t, "exact", len(want)))
		i.stop()
		for _, w := range want {
			got, ok := verdicts[w.Start]
			if !ok {
				t.Errorf("no verdict for the week of %s", w.Start)
				continue
			}
			if got.Events != w.Events || got.Late != 0 {
				t.Errorf("week of %s: %d events and %d late, want %d and none", w.Start, got.Events, got.Late, w.Events)
			}
			w.Features["prediction"] = w.Prediction
			if len(got.all()) != len(w.Features) {
				t.Errorf("week of %s: %d features, want %d", w.Start, len(got.all()), len(w.Features))
			}
			for name, f := range w.Features {
				compareExact(t, w.Start+" "+name, got.all()[name], f)
			}
		}
	})

	// With the default sample the true D lies within the stated error.
	var single map[string][]byte
	t.Run("default", func(t *testing.T) {
		config := s.write(t, setup{name: "default", inputs: inputs, model: defaultFlights})
		i := s.run(t, config)
		single = s.verdicts(t, "default", len(want))
		i.stop()
		// What the service published is what the reference program says, byte for
		// byte.
		sameVerdicts(t, single, programVerdicts(t, config, s.readLogs(t, "predictions", event.Limits{})))
		verdicts := byStart(t, single)
		for _, w := range want {
			w.Features["prediction"] = w.Prediction
			for name, f := range w.Features {
				got := verdicts[w.Start].all()[name]
				if got.N != f.N || got.Missing != f.Missing {
					t.Errorf("%s %s: n %d missing %d, want %d and %d", w.Start, name, got.N, got.Missing, f.N, f.Missing)
				}
				if f.KS == nil || got.Statistic == nil {
					continue
				}
				low, high := *got.Statistic, *got.Statistic+*got.StatisticError
				if f.KS.D < low-1e-11 || f.KS.D > high+1e-11 {
					t.Errorf("%s %s: D is %v, the verdict says %v to %v (%s)", w.Start, name, f.KS.D, low, high, got.Method)
				}
			}
		}
	})

	// Three instances, two of which are killed in the middle, publish the same
	// bytes.
	t.Run("killed", func(t *testing.T) {
		config := s.write(t, setup{name: "killed", inputs: inputs, model: defaultFlights})
		running := []*instance{s.runChecked(t, config), s.runChecked(t, config), s.runChecked(t, config)}
		for kill := range 2 {
			count := 4 + 5*kill
			s.records(t, "killed.verdicts", 2*time.Minute, func(all []*kgo.Record) bool { return len(all) >= count })
			running[kill].kill()
		}
		sameVerdicts(t, s.verdicts(t, "killed", len(want)), single)
		running[2].stop()
	})

	// The reference may also grow out of the first windows.
	t.Run("first", func(t *testing.T) {
		config := s.write(t, setup{name: "first", inputs: inputs, model: firstFlights})
		i := s.run(t, config)
		s.records(t, "first.verdicts", 2*time.Minute, func(all []*kgo.Record) bool { return len(all) >= 2 })
		i.kill() // while the reference grows
		i = s.run(t, config)
		verdicts := byStart(t, s.verdicts(t, "first", len(want)))
		i.stop()
		for n, w := range want {
			f := verdicts[w.Start].Features["dep_delay"]
			if tested := f.Test != ""; tested != (n >= 4) {
				t.Errorf("week %d: tested is %v with a reference of the first 4 weeks", n, tested)
			}
			if n >= 8 && f.Method != "binned" && f.Method != "sampled" {
				t.Errorf("week %d: method %q", n, f.Method)
			}
		}
	})

	// One partition or twelve: the same counts and statistics.
	t.Run("partitions", func(t *testing.T) {
		results := make([]map[string]decoded, 2)
		for n, partitions := range []int32{1, 12} {
			name := []string{"one", "twelve"}[n]
			s.emitFlights(t, "predictions-"+name, partitions)
			i := s.run(t, s.write(t, setup{name: name, inputs: "{predictions: [predictions-" + name + "]}", model: defaultFlights}))
			results[n] = byStart(t, s.verdicts(t, name, len(want)))
			i.stop()
		}
		for start, one := range results[0] {
			twelve := results[1][start]
			if one.Events != twelve.Events || one.Late != twelve.Late {
				t.Errorf("%s: %d events and %d late on one partition, %d and %d on twelve", start, one.Events, one.Late, twelve.Events, twelve.Late)
			}
			for name, a := range one.all() {
				b := twelve.all()[name]
				if a.N != b.N || a.Missing != b.Missing || !same(a.Statistic, b.Statistic, 0) || !same(a.P, b.P, 0) || !same(a.Mean, b.Mean, 1e-12) {
					t.Errorf("%s %s: %+v on one partition, %+v on twelve", start, name, a, b)
				}
			}
		}
	})
}

func byStart(t *testing.T, values map[string][]byte) map[string]decoded {
	t.Helper()
	verdicts := make(map[string]decoded, len(values))
	for _, value := range values {
		v := decodeVerdict(t, value)
		verdicts[v.Window.Start] = v
	}
	return verdicts
}

func compareExact(t *testing.T, where string, got decodedFeature, want expectedFeature) {
	t.Helper()
	if got.N != want.N || got.Missing != want.Missing {
		t.Errorf("%s: n %d missing %d, want %d and %d", where, got.N, got.Missing, want.N, want.Missing)
	}
	switch {
	case got.Statistic == nil:
		t.Errorf("%s: there is no statistic", where)
	case want.KS != nil:
		if got.Test != "ks" || got.Method != "exact" || *got.StatisticError != 0 || !near(*got.Statistic, want.KS.D, 1e-11) {
			t.Errorf("%s: %s %s %v, want D %v", where, got.Test, got.Method, *got.Statistic, want.KS.D)
		}
		// expected.json has twelve digits.
		if !near(*got.P, want.KS.P, 1e-9) {
			t.Errorf("%s: p %v, want %v", where, *got.P, want.KS.P)
		}
		if !same(got.Mean, want.Mean, 1e-9) {
			t.Errorf("%s: mean %v, want %v", where, *got.Mean, *want.Mean)
		}
	case want.Chi2 != nil:
		if got.Test != "chi2" || !near(*got.Statistic, want.Chi2.Statistic, 1e-9) {
			t.Errorf("%s: %s %v, want chi-square %v", where, got.Test, *got.Statistic, want.Chi2.Statistic)
		}
		if len(got.NewCategories) != len(want.NewCategories) {
			t.Errorf("%s: new categories %q, want %q", where, got.NewCategories, want.NewCategories)
		}
	}
}

func same(a, b *float64, relative float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return near(*a, *b, relative)
}
