package configs_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/windows"
)

func TestTheBestEntryIsUsed(t *testing.T) {
	c := parsed(t, least+`
models:
  - {name: "*"}
  - {name: "fraud-*"}
  - {name: "fraud-eu-*"}
  - {name: fraud-eu-1}
  - {name: "?raud-*"}
  - {name: "*-batch"}
  - {name: team/churn}
  - {name: "team/*/v?"}
  - {name: "größe-?"}
`)
	for model, pattern := range map[string]string{
		"fraud-eu-1":    "fraud-eu-1", // exact before any glob
		"fraud-eu-2":    "fraud-eu-*", // the longest glob
		"fraud-us":      "fraud-*",    // as long as ?raud-*, and before it in the file
		"braud-us":      "?raud-*",
		"fraud-batch":   "fraud-*", // *-batch is as long, and after it
		"churn-batch":   "*-batch",
		"team/churn":    "team/churn",
		"team/a/b/v1":   "team/*/v?", // * is also a slash
		"team/a/b/v12":  "*",
		"größe-ß":       "größe-?", // ? is a character, not a byte
		"anything else": "*",
		"":              "*",
	} {
		if got := c.For(model).Pattern; got != pattern {
			t.Errorf("%q takes the entry %q, expected %q", model, got, pattern)
		}
	}
}

func TestWithoutAnEntryTheDefaultsHold(t *testing.T) {
	c := parsed(t, least+"defaults: {sample_size: 7, window: {size: 1d, time_zone: Europe/Berlin}}\nmodels: [{name: fraud}]\n")
	m := c.For("churn")
	if m.Pattern != "" || m.SampleSize != 7 || m.Window.Size != (windows.Span{Unit: windows.Days, Count: 1}) {
		t.Errorf("%+v", m)
	}
	// The definition is ready for use: a day in Berlin begins at 23:00 UTC.
	w, _, _ := m.Window.Window(m.Window.FirstWindow(m.Window.PaneIndex(windows.TimestampOf(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)))))
	if w.String() != "2025-12-31T23:00:00Z/2026-01-01T23:00:00Z" {
		t.Errorf("window %v", w)
	}
}

// Only the keys an entry has are its own; the others come from defaults, also
// those beside a key it has, wherever defaults stands in the file.
func TestDefaultsAreMergedKeyByKey(t *testing.T) {
	c := parsed(t, least+`
models:
  - name: fraud
    window: {size: 10m}
    drift: {alpha: 0.01}
    alert: {for: 1}
    reference: {windows: 6}
    success_statuses: [done, "204", 206]
defaults:
  window: {size: 2h, lateness: 5m, min_events: 100}
  drift: {correction: holm, min_effect: 0.2}
  alert: {of: 5, severity: info}
  success_statuses: [fine]
`)
	m := c.For("fraud")
	if w := m.Window; w.Size != windows.DurationSpan(10*time.Minute) || w.Every != w.Size || w.Lateness != 5*time.Minute ||
		w.MinEvents != 100 || w.MaxSize != windows.DurationSpan(4*time.Hour) || w.Origin != windows.Unset {
		t.Errorf("window %+v", w)
	}
	want := configs.Default().Defaults.Drift
	want.Alpha, want.Correction, want.MinEffect = 0.01, "holm", 0.2
	if !reflect.DeepEqual(m.Drift, want) {
		t.Errorf("drift %+v", m.Drift)
	}
	if want := (configs.Alert{For: 1, Of: 5, ResolveAfter: 2, Severity: configs.Severity{Least: "info"}}); !reflect.DeepEqual(m.Alert, want) {
		t.Errorf("alert %+v", m.Alert)
	}
	if want := (configs.Reference{Kind: "first", Windows: 6, Size: 10000}); m.Reference != want {
		t.Errorf("reference %+v", m.Reference)
	}
	if want := []string{"done", "204", "206"}; !reflect.DeepEqual(m.SuccessStatuses, want) {
		t.Errorf("success statuses %q", m.SuccessStatuses)
	}
	if other := c.For("churn"); !reflect.DeepEqual(other.SuccessStatuses, []string{"fine"}) || other.Alert.For != 2 {
		t.Errorf("an entry changed the defaults: %+v", other)
	}
}

func TestWhoSuppliesTheReferenceFile(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"all.csv", "fraud.csv"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("amount\n1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, problems := configs.Parse(filepath.Join(folder, "kolmo.yaml"), []byte(least+`
defaults: {reference: {kind: fixed, file: all.csv}}
models:
  - {name: "fraud-*", reference: {file: fraud.csv}}
  - {name: churn, sample_size: 10}
  - {name: new, reference: {kind: first, windows: 3}}
`), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, want := range []struct{ model, file, pattern string }{
		{"fraud-eu", "fraud.csv", "fraud-*"},
		{"churn", "all.csv", ""},
		{"other", "all.csv", ""},
		{"new", "", ""},
	} {
		m := c.For(want.model)
		if m.Reference.FileAsWritten != want.file || m.ReferencePattern != want.pattern {
			t.Errorf("%s: %+v of %q", want.model, m.Reference, m.ReferencePattern)
		}
		if want.file != "" && m.Reference.File != filepath.Join(folder, want.file) {
			t.Errorf("%s: the file is %s", want.model, m.Reference.File)
		}
	}
}

func TestReservedKeysAreReportedAndOtherwiseIgnored(t *testing.T) {
	c := parsed(t, `external_url: https://kolmo.example.org
`+least+`defaults: {schedule: daily}
models:
  - name: fraud
    segments: [country]
    outcomes: {within: 1d}
    success_statuses: [success]
`)
	var got []string
	for _, r := range c.Reserved {
		got = append(got, r.Path)
	}
	want := "defaults.schedule " +
		"models[0].segments models[0].outcomes"
	if strings.Join(got, " ") != want || c.Reserved[0].Line != 4 || c.Reserved[1].Line != 7 {
		t.Errorf("reserved: %v", c.Reserved)
	}
}

func TestStartIsAPlaceOrATime(t *testing.T) {
	for text, want := range map[string]configs.Start{
		"earliest":                  {Position: configs.StartEarliest},
		"latest":                    {Position: configs.StartLatest},
		"2026-01-01T01:00:00+01:00": {Position: configs.StartTime, Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		"2026-01-01T00:00:00.001Z":  {Position: configs.StartTime, Time: time.Date(2026, 1, 1, 0, 0, 0, 1e6, time.UTC)},
	} {
		for _, written := range []string{text, `"` + text + `"`} {
			c := parsed(t, "kafka: {brokers: [a:1], start: "+written+"}\nredis: {addresses: [b:2]}\n")
			if c.Kafka.Start != want {
				t.Errorf("%s: %v", written, c.Kafka.Start)
			}
		}
	}
}

func TestWithInputsARoleLeftOutHasNoTopic(t *testing.T) {
	c := parsed(t, "kafka: {brokers: [a:1], inputs: {features: [f, g]}}\nredis: {addresses: [b:2]}\n")
	if want := (configs.Inputs{Features: []string{"f", "g"}}); !reflect.DeepEqual(c.Kafka.Inputs, want) {
		t.Errorf("inputs %+v", c.Kafka.Inputs)
	}
}
