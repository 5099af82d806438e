package configs_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/configs"
)

// wellWritten are ways to write a config that YAML allows.
func wellWritten(t testing.TB) map[string]string {
	example := readFile(t, "kolmo.yaml")
	return map[string]string{
		"lines of Windows":      strings.ReplaceAll(example, "\n", "\r\n"),
		"a byte order mark":     "\ufeff" + example,
		"no newline at the end": strings.TrimSuffix(example, "\n"),
		"one JSON object": `{"kafka":{"brokers":["a:1"],"create_outputs":{"enabled":false,"partitions":3}},
			"redis":{"addresses":["b:2"]},"listen":":80","defaults":{"drift":{"alpha":0.01},"sample_size":5}}`,
		"a document's begin and end":   "---\n" + least + "...\n",
		"quoted keys":                  "\"kafka\": {'brokers': [\"a:1\"]}\nredis: {addresses: ['[::1]:2']}",
		"flow over lines":              "kafka: {\n  brokers: [\n a:1,\n b:2,\n ],\n}\nredis: {addresses: [b:2]} # c: d\n",
		"comments everywhere":          "kafka: # x\n  # y\n  brokers: # z\n    # w\n    - a:1 # v\n    # u\nredis: {addresses: [b:2]}\nmodels:\n  # first\n  - name: a # one\n    # two\n    sample_size: 3\n",
		"lists as deep as their key":   "kafka:\n  brokers:\n  - a:1\n  - b:2\nredis:\n    addresses:\n        - 'c:3'\n",
		"texts in blocks":              "listen: |-\n  :80\nkafka:\n  group: >-\n    a\n    b\n  brokers: [a:1]\nredis: {addresses: [b:2]}\n",
		"sections without keys":        least + "limits:\n  # models: 5\ndefaults:\nmodels:\n",
		"a time in a flow":             least + "defaults: {window: {origin: 2026-01-01T00:00:00Z}}",
		"numbers in their other forms": least + "defaults: {drift: {alpha: 1e-3, min_effect: .5}}",
		"a password with signs":        "kafka: {brokers: [a:1]}\nredis: {addresses: [b:2], password: a#b:c}",
	}
}

func TestWellWrittenConfigsAreRead(t *testing.T) {
	for name, text := range wellWritten(t) {
		if _, problems := configs.Parse("kolmo.yaml", []byte(text), nil); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestValuesAreWhatTheirYAMLSays(t *testing.T) {
	texts := wellWritten(t)
	blocks := parsed(t, texts["texts in blocks"])
	if blocks.Listen != ":80" || blocks.Kafka.Group != "a b" {
		t.Errorf("blocks: %q, %q", blocks.Listen, blocks.Kafka.Group)
	}
	if got := parsed(t, texts["a password with signs"]).Redis.Password.Reveal(); got != "a#b:c" {
		t.Errorf("password %q", got)
	}
	if got := parsed(t, texts["numbers in their other forms"]).Defaults.Drift; got.Alpha != 0.001 || got.MinEffect != 0.5 {
		t.Errorf("numbers: %+v", got)
	}
	if got := parsed(t, texts["one JSON object"]); got.Kafka.CreateOutputs.Enabled || got.Kafka.CreateOutputs.Partitions != 3 || got.Defaults.SampleSize != 5 {
		t.Errorf("JSON: %+v", got)
	}
}

// Inside { } a colon without white space after it is part of a text, as it is
// elsewhere.
func TestAddressesStandUnquotedInFlows(t *testing.T) {
	for _, text := range []string{
		"kafka: {brokers: [kafka-1.internal:9092,10.0.0.2:9093 , 127.0.0.1:9094]}\nredis: {addresses: [a:1]}",
		"kafka: {brokers: [\n  kafka-1.internal:9092,\n  10.0.0.2:9093, '127.0.0.1:9094']}\nredis: {addresses: [a:1]}",
		"{kafka: {brokers: [kafka-1.internal:9092, 10.0.0.2:9093, 127.0.0.1:9094]}, redis: {addresses: [a:1]}}",
		"kafka:\n  brokers: [kafka-1.internal:9092, 10.0.0.2:9093, 127.0.0.1:9094]\nredis: {addresses: [a:1]}",
	} {
		want := []string{"kafka-1.internal:9092", "10.0.0.2:9093", "127.0.0.1:9094"}
		if got := parsed(t, text).Kafka.Brokers; !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nbrokers %q", text, got)
		}
	}
}

func TestAmountsReadAsWritten(t *testing.T) {
	for text, want := range map[string]int{
		"1MiB": 1 << 20, "1024KiB": 1 << 20, "1 MiB": 1 << 20, "1048576": 1 << 20, "1048576B": 1 << 20, "2MB": 2e6, "3kB": 3000, "3KB": 3000,
	} {
		if got := parsed(t, least+"limits: {max_event_bytes: "+text+"}").Limits.MaxEventBytes; got != want {
			t.Errorf("%s is %d", text, got)
		}
	}
}
