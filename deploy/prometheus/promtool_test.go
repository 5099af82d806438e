package prometheus

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

// A story is what kolmo exposes over time, in promtool's notation with a minute
// between values, and which alerts fire at some of its minutes. All others do not.
type story struct {
	name   string
	series map[string]string
	fires  map[string][]fired // by the minute, such as 40m
}

// fired is an alert that fires, and what it says beside what it always says.
type fired struct {
	alert       string
	labels      map[string]string
	description string
}

// The notation of promtool test rules.
type unitTests struct {
	RuleFiles          []string   `yaml:"rule_files"`
	EvaluationInterval string     `yaml:"evaluation_interval"`
	Tests              []unitTest `yaml:"tests"`
}

type unitTest struct {
	Name      string       `yaml:"name"`
	Interval  string       `yaml:"interval"`
	Series    []unitSeries `yaml:"input_series"`
	AlertTest []alertTest  `yaml:"alert_rule_test"`
}

type unitSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type alertTest struct {
	At     string          `yaml:"eval_time"`
	Alert  string          `yaml:"alertname"`
	Expect []expectedAlert `yaml:"exp_alerts"`
}

type expectedAlert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

// promtool has it test a file's rules by stories, and fails for an alert that is never
// seen to fire, or never seen not to.
func promtool(t *testing.T, file *File, stories []story, explain func(f fired) map[string]string) {
	t.Helper()
	program, err := local.InstallPromtool(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	rules, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rulesFile := write("rules.yaml", rules)
	if out, err := exec.CommandContext(t.Context(), program, "check", "rules", rulesFile).CombinedOutput(); err != nil {
		t.Fatalf("promtool check rules: %v\n%s", err, out)
	}

	tests := unitTests{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "30s"}
	seen, quiet := make(map[string]bool), make(map[string]bool)
	for _, s := range stories {
		u := unitTest{Name: s.name, Interval: "1m"}
		for _, series := range slices.Sorted(maps.Keys(s.series)) {
			u.Series = append(u.Series, unitSeries{series, s.series[series]})
		}
		for _, at := range slices.Sorted(maps.Keys(s.fires)) {
			for _, alert := range file.Alerts() {
				test := alertTest{At: at, Alert: alert}
				for _, f := range s.fires[at] {
					if f.alert == alert {
						test.Expect = append(test.Expect, expectedAlert{f.labels, explain(f)})
					}
				}
				if len(test.Expect) > 0 {
					seen[alert] = true
				} else {
					quiet[alert] = true
				}
				u.AlertTest = append(u.AlertTest, test)
			}
			for _, f := range s.fires[at] {
				if !slices.Contains(file.Alerts(), f.alert) {
					t.Errorf("%s: there is no alert %s", s.name, f.alert)
				}
			}
		}
		tests.Tests = append(tests.Tests, u)
	}
	for _, alert := range file.Alerts() {
		if !seen[alert] || !quiet[alert] {
			t.Errorf("no story has %s fire, or none has it silent", alert)
		}
	}
	data, err := yaml.Marshal(tests)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "test", "rules", write("stories.yaml", data))
	var out bytes.Buffer
	command.Stdout, command.Stderr, command.Dir = &out, &out, folder
	if err := command.Run(); err != nil || strings.Contains(out.String(), "FAILED") {
		t.Errorf("promtool test rules: %v\n%s", err, out.String())
	}
}

// constantly is a value that stays for an hour and a half.
func constantly(value string) string { return fmt.Sprintf("%sx120", value) }
