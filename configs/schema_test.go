package configs_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/kolmo-ml/kolmo/configs"
)

func compiledSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(configs.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("kolmo.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("kolmo.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// inJSON is a YAML text as an editor hands it to a schema.
func inJSON(text string) (any, error) {
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, err
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(data))
}

func TestSchemaAcceptsGoodConfigs(t *testing.T) {
	schema := compiledSchema(t)
	for name, text := range map[string]string{
		"kolmo.yaml":               readFile(t, "kolmo.yaml"),
		"minimal.yaml":             readFile(t, "minimal.yaml"),
		"testdata/documented.yaml": readFile(t, "testdata/documented.yaml"),
		"sections without keys":    least + "limits:\ndefaults:\n  window:\nmodels:\n",
		"the environment":          "kafka: {brokers: [\"${A}\"], session_timeout: \"${B}\", create_outputs: {partitions: \"1${C}\"}}\nredis: {addresses: [\"a:1\"]}\n",
		"reserved keys":            least + "models: [{name: a, segments: {b: 1}}]\n",
		"an Alertmanager":          least + "alertmanager: {urls: [\"https://a.example.org/path\", \"http://[::1]:9093\"], basic_auth: {username: a, password: b}}\n",
		"who trains again":         least + "retraining: {targets: [{name: a, airflow: {url: \"http://a:8080\", version: 2, dag_id: b, username: c, password: d}}, {name: b, webhook: {url: \"http://b\", secret: \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}}]}\ndefaults: {retraining: {targets: [a, b], every: 1w, dry_run: true}}\n",
		"who is sent webhooks":     least + "webhooks: [{name: a, url: \"http://b\", secret: \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\", tls: {}}]\n",
		"a plain number of bytes":  least + "limits: {max_event_bytes: 2048}\n",
		"calendar sizes":           least + "defaults: {window: {size: 1mo, time_zone: America/Argentina/Buenos_Aires}}\n",
		"tls":                      "kafka: {brokers: [\"a:1\"], tls: {}}\nredis: {addresses: [\"[::1]:1\"], tls: {server_name: x}}\n",
	} {
		value, err := inJSON(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.HasPrefix(name, "testdata") {
			continue // names a file that is not there
		}
		set := func(string) (string, bool) { return "1:1", true }
		if name == "the environment" {
			set = func(name string) (string, bool) {
				return map[string]string{"A": "a:1", "B": "3s", "C": "2"}[name], true
			}
		}
		if _, problems := configs.Parse("kolmo.yaml", []byte(text), set); len(problems) > 0 {
			t.Errorf("%s is no good config: %v", name, problems)
		}
	}
}

// What the schema lets pass although it is bad, and why.
var beyondSchema = map[string]string{
	"absent-files":               "files are outside",
	"alertmanager-nobody":        "depends on what is left out",
	"aliases":                    "the text of the YAML is not seen",
	"default-input-is-an-output": "compares keys",
	"environment":                "variables are outside",
	"fetch-too-small":            "compares keys",
	"keys-twice":                 "JSON has lost the first",
	"no-inputs":                  "depends on what is left out",
	"reference-histories":        "compares keys",
	"two-documents":              "a schema sees one",
	"window-contradictions":      "compares keys",
	"window-default-contradicts": "compares keys",
	"topics-twice":               "", // the list that repeats is seen
}

func TestSchemaRefusesBadConfigs(t *testing.T) {
	schema := compiledSchema(t)
	refused := 0
	for _, name := range badFiles(t) {
		base := strings.TrimSuffix(filepath.Base(name), ".yaml")
		value, err := inJSON(readFile(t, name))
		if err != nil {
			continue // not YAML, or not for every parser
		}
		reason := beyondSchema[base]
		switch err := schema.Validate(value); {
		case err == nil && reason == "":
			t.Errorf("%s is accepted", base)
		case err != nil && reason != "":
			t.Errorf("%s is refused, so it is not true that %q:\n%v", base, reason, err)
		case err != nil:
			refused++
		}
	}
	if refused < 15 {
		t.Errorf("only %d bad configs were refused", refused)
	}
}

func TestSchemaHasEveryKey(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(configs.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("dialect %v", schema["$schema"])
	}
	for _, k := range configs.Keys() {
		at := schema
		for _, key := range strings.Split(k.Path, ".") {
			key, items := strings.CutSuffix(key, "[]")
			at = property(at, key)
			if at != nil && items {
				at = itemsOf(at)
			}
		}
		if at == nil {
			t.Errorf("%s is not in the schema", k.Path)
			continue
		}
		if text, _ := at["description"].(string); !strings.HasPrefix(text, k.Meaning) {
			t.Errorf("%s: description %q", k.Path, text)
		}
		if _, hasDefault := at["default"]; !hasDefault && strings.HasPrefix(k.Default, "`") && !strings.Contains(k.Default, " ") {
			t.Errorf("%s: no default, documented is %s", k.Path, k.Default)
		}
	}
}

// property is the schema of a key, be it within one that also allows null.
func property(schema map[string]any, key string) map[string]any {
	for _, s := range alternatives(schema) {
		if properties, ok := s["properties"].(map[string]any); ok {
			found, _ := properties[key].(map[string]any)
			return found
		}
	}
	return nil
}

func itemsOf(schema map[string]any) map[string]any {
	for _, s := range alternatives(schema) {
		if items, ok := s["items"].(map[string]any); ok {
			return items
		}
	}
	return nil
}

func alternatives(schema map[string]any) []map[string]any {
	all := []map[string]any{schema}
	anyOf, _ := schema["anyOf"].([]any)
	for _, s := range anyOf {
		all = append(all, s.(map[string]any))
	}
	return all
}
