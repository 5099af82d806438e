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

// parsed is the config of a text that must have no problems.
func parsed(t testing.TB, text string) *configs.Config {
	t.Helper()
	c, problems := configs.Parse(filepath.Join(t.TempDir(), "kolmo.yaml"), []byte(text), environment)
	if len(problems) > 0 {
		t.Fatalf("problems:\n%v", problems)
	}
	return c
}

// least is what every config needs.
const least = "kafka: {brokers: [localhost:9092]}\nredis: {addresses: [localhost:6379]}\n"

func TestDefaultsAreThoseDocumented(t *testing.T) {
	hour := windows.DurationSpan(time.Hour)
	c := parsed(t, least)
	wantKafka := configs.Kafka{
		Brokers:        []string{"localhost:9092"},
		Group:          "kolmo",
		SessionTimeout: 10 * time.Second,
		FetchMaxBytes:  50 << 20,
		Inputs:         configs.Inputs{Predictions: []string{"predictions"}},
		Outputs: configs.Outputs{
			Alerts: "alerts", Verdicts: "kolmo.verdicts", Progress: "kolmo.progress",
			References: "kolmo.references", DeadLetters: "kolmo.dead-letters",
		},
		CreateOutputs: configs.CreateOutputs{Enabled: true, Partitions: 8, ReplicationFactor: 1},
	}
	wantLimits := configs.Limits{
		MaxEventBytes: 1 << 20, MaxDepth: 32, Models: 1000, VersionsPerModel: 50, FeaturesPerModel: 4000,
		FeatureSeries: 50000, Categories: 1000, NameLength: 256, OpenWindows: 10000, MetricsBytes: 8 << 20,
		MaxAhead: time.Hour, IdleAfter: 30 * time.Second, ForgetAfter: 24 * time.Hour, MaxBinMass: 0.05,
	}
	wantDefaults := configs.Settings{
		Window:     windows.Definition{Size: hour, Lateness: 2 * time.Minute, Location: time.UTC, Origin: windows.Unset},
		Reference:  configs.Reference{Kind: "first", Windows: 24, Period: windows.Span{Unit: windows.Weeks, Count: 1}, Cycles: 4, Size: 10000},
		SampleSize: 1024,
		Drift: configs.Drift{
			Alpha: 0.05, Correction: "bh", MinEffect: 0.1, MinEvents: 50, Numeric: "auto", Categorical: "chi2",
			Measures: []string{"psi", "wasserstein", "jensen_shannon"}, Decision: "floor", Ties: "continuous",
			Quality: configs.Quality{Alpha: 0.01, MinIncrease: 0.01, MinRatio: 3},
		},
		Alert:      configs.Alert{For: 2, Of: 3, ResolveAfter: 2, Severity: configs.Severity{Least: "critical"}},
		Objectives: configs.Objectives{Alpha: 0.001, Severity: configs.Severity{Least: "critical"}},
		Traffic:    configs.Traffic{Period: "1w", Cycles: 4, Below: 0.5, Above: 3, Alpha: 0.001, Severity: configs.Severity{Least: "critical"}},
		Retraining: configs.RetrainingPolicy{
			Alerts: []string{"feature_drift", "prediction_drift"}, MinSeverity: "info", Cooldown: 24 * time.Hour, PerDay: 1, ExpireAfter: 24 * time.Hour,
		},
	}
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"kafka", c.Kafka, wantKafka},
		{"redis", c.Redis, configs.Redis{Addresses: []string{"localhost:6379"}, Prefix: "kolmo"}},
		{"listen", c.Listen, "127.0.0.1:9464"},
		{"alertmanager", c.Alertmanager, configs.Alertmanager{Resend: time.Minute, Timeout: 10 * time.Second}},
		{"retraining", c.Retraining, configs.Retraining{Timeout: 10 * time.Second}},
		{"checkpoint_every", c.CheckpointEvery, 5 * time.Second},
		{"memory_limit", c.MemoryLimit, int64(800 << 20)},
		{"limits", c.Limits, wantLimits},
		{"defaults", c.Defaults, wantDefaults},
		{"models", len(c.Models), 0},
		{"closers' group", c.Kafka.ClosersGroup(), "kolmo-closers"},
	} {
		if !reflect.DeepEqual(part.got, part.want) {
			t.Errorf("%s:\n%+v\nexpected:\n%+v", part.name, part.got, part.want)
		}
	}
}

// The example of the documentation writes the defaults out, so it must mean
// what the least config means.
func TestDocumentedExampleWritesTheDefaultsOut(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"kolmo.yaml":                readFile(t, "testdata/documented.yaml"),
		"fraud-v3-training.parquet": "",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := configs.Load(filepath.Join(folder, "kolmo.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	least := parsed(t, least)
	if want := (configs.Inputs{Predictions: []string{"predictions"}, Features: []string{"features"}, Outcomes: []string{"outcomes"}}); !reflect.DeepEqual(c.Kafka.Inputs, want) {
		t.Errorf("inputs %v", c.Kafka.Inputs)
	}
	c.Kafka.Inputs = least.Kafka.Inputs
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"kafka", c.Kafka, least.Kafka},
		{"redis", c.Redis, least.Redis},
		{"listen", c.Listen, least.Listen},
		{"checkpoint_every", c.CheckpointEvery, least.CheckpointEvery},
		{"limits", c.Limits, least.Limits},
		{"defaults", c.Defaults, least.Defaults},
		{"a model without an entry", c.For("churn"), least.For("churn")},
	} {
		if !reflect.DeepEqual(part.got, part.want) {
			t.Errorf("%s:\n%+v\nexpected:\n%+v", part.name, part.got, part.want)
		}
	}
	fraud := c.For("fraud")
	if fraud.Window.Size != windows.DurationSpan(10*time.Minute) || fraud.Window.Lateness != 2*time.Minute {
		t.Errorf("window %+v", fraud.Window)
	}
	if want := filepath.Join(folder, "fraud-v3-training.parquet"); fraud.Reference.File != want ||
		fraud.Reference.FileAsWritten != "fraud-v3-training.parquet" || fraud.ReferencePattern != "fraud" {
		t.Errorf("reference %+v of %q", fraud.Reference, fraud.ReferencePattern)
	}
}

// The shipped full example writes the defaults out, too.
func TestFullExampleShowsTheDefaults(t *testing.T) {
	c, err := configs.Load("kolmo.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	minimal, err := configs.Load("minimal.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.File, c.Models = minimal.File, nil
	if !reflect.DeepEqual(c.Kafka, minimal.Kafka) || !reflect.DeepEqual(c.Redis, minimal.Redis) || c.Listen != minimal.Listen ||
		c.CheckpointEvery != minimal.CheckpointEvery || c.Limits != minimal.Limits || !reflect.DeepEqual(c.Defaults, minimal.Defaults) {
		t.Errorf("kolmo.yaml:\n%+v\nminimal.yaml:\n%+v", c, minimal)
	}
}

// Every default that the reference documents, written into a config, changes
// nothing: the documented text is a valid one and means the default.
func TestDocumentedDefaultsReadBack(t *testing.T) {
	want := parsed(t, least)
	tested := 0
	for _, k := range configs.Keys() {
		if !strings.HasPrefix(k.Default, "`") || strings.Count(k.Default, "`") != 2 {
			continue // required, none, or said in words
		}
		if strings.Contains(k.Path, "[]") {
			continue // of an item, which needs more than this: TestTargetsOfRetraining
		}
		value := strings.Trim(k.Default, "`")
		if k.Path == "kafka.inputs" {
			value = "{" + value + "}"
		}
		text := nested(k.Path, value)
		switch {
		case strings.HasPrefix(k.Path, "kafka."):
			text = strings.Replace(text, "kafka:\n", "kafka:\n  brokers: [localhost:9092]\n", 1) + "redis: {addresses: [localhost:6379]}\n"
		case strings.HasPrefix(k.Path, "redis."):
			text = strings.Replace(text, "redis:\n", "redis:\n  addresses: [localhost:6379]\n", 1) + "kafka: {brokers: [localhost:9092]}\n"
		default:
			text += least
		}
		want := want
		if k.Path == "defaults.reference.period" || k.Path == "defaults.reference.cycles" { // another kind has none
			text = strings.Replace(text, "reference:\n", "reference:\n    kind: seasonal\n", 1)
			want = parsed(t, least+"defaults: {reference: {kind: seasonal}}")
		}
		if strings.HasPrefix(k.Path, "alertmanager.") { // it tells somebody
			const urls = "  urls: [http://localhost:9093]\n"
			text = strings.Replace(text, "alertmanager:\n", "alertmanager:\n"+urls, 1)
			want = parsed(t, least+"alertmanager:\n"+urls)
		}
		got := parsed(t, text)
		got.File = want.File
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s is not the default", k.Path, value)
		}
		tested++
	}
	if tested < 40 {
		t.Errorf("only %d defaults were found", tested)
	}
}

// nested is the YAML of one key given by its path.
func nested(path, value string) string {
	var b strings.Builder
	keys := strings.Split(path, ".")
	for i, key := range keys {
		b.WriteString(strings.Repeat("  ", i) + key + ":")
		if i < len(keys)-1 {
			b.WriteString("\n")
		}
	}
	return b.String() + " " + value + "\n"
}
