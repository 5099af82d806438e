package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/alerts/runbooks"
)

// printed runs a command that should end well, and returns what it prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var output, complaints bytes.Buffer
	if code := run(t.Context(), args, &output, &complaints); code != exitFine {
		t.Fatalf("kolmo %v ends with %d: %s", args, code, complaints.String())
	}
	return output.String()
}

// What is shipped is what the program prints when it is told nothing.
func TestRulesAreThoseThatAreShipped(t *testing.T) {
	for file, args := range map[string][]string{"kolmo-rules.yaml": {"rules"}, "model-rules.yaml": {"rules", "--models"}} {
		shipped, err := os.ReadFile(filepath.Join(repository, "deploy/prometheus", file))
		if err != nil {
			t.Fatal(err)
		}
		if printed(t, args...) != string(shipped) {
			t.Errorf("kolmo %v does not print %s", args, file)
		}
	}
}

func TestRulesOfOtherAddresses(t *testing.T) {
	text := printed(t, "rules", "--external-url", "https://kolmo.example.com/ml/", "--grafana-url", "", "--behind", "26h", "--no-data", "8h")
	for _, wanted := range []string{"https://kolmo.example.com/ml/runbooks/KolmoBehind", "> 93600", "increase(kolmo_events_total[480m])", "for 8 hours"} {
		if !strings.Contains(text, wanted) {
			t.Errorf("the rules lack %q", wanted)
		}
	}
	for _, unwanted := range []string{"localhost", "dashboard_url", "30 minutes"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("the rules have %q", unwanted)
		}
	}
	config := filepath.Join(t.TempDir(), "kolmo.yaml")
	if err := os.WriteFile(config, []byte("kafka: {brokers: [localhost:9092]}\nredis: {addresses: [localhost:6379]}\nexternal_url: https://of-the-config.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := printed(t, "rules", "--models", "--config", config); !strings.Contains(text, "https://of-the-config.example.com/runbooks/ModelTraffic") {
		t.Error("the rules are not of the configuration's external_url")
	}
	if text := printed(t, "rules", "--config", config, "--external-url", "https://said.example.com"); strings.Contains(text, "of-the-config") {
		t.Error("what is said does not take precedence over the configuration")
	}
	for _, bad := range [][]string{
		{"--external-url", "kolmo.example.com"}, {"--external-url", "https://a/{{ .X }}"}, {"--external-url", ""}, {"--grafana-url", "ftp://a"},
		{"--config", "no-such.yaml"}, {"--behind", "1s"}, {"--no-data", "0s"}, {"a.yaml"},
	} {
		if code := run(t.Context(), append([]string{"rules"}, bad...), io.Discard, io.Discard); code != exitUsage {
			t.Errorf("kolmo rules %v ends with %d", bad, code)
		}
	}
}

// TestRunbookCommands: every command of kolmo's in a runbook exists, with its flags.
func TestRunbookCommands(t *testing.T) {
	fenced, inline := regexp.MustCompile("(?s)```sh\n(.*?)```"), regexp.MustCompile("(?s)`([^`]+)`")
	found := 0
	for _, name := range runbooks.Names() {
		text, err := runbooks.Text(name)
		if err != nil {
			t.Fatal(err)
		}
		var code []string
		for _, m := range fenced.FindAllStringSubmatch(text, -1) {
			code = append(code, strings.Split(m[1], "\n")...)
		}
		for _, m := range inline.FindAllStringSubmatch(regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, ""), -1) {
			code = append(code, m[1])
		}
		for _, line := range code {
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "kolmo" {
				continue
			}
			found++
			var names []string
			for _, word := range words[1:] {
				if !regexp.MustCompile(`^[a-z]+$`).MatchString(word) {
					break
				}
				names = append(names, word)
			}
			command, rest, err := newRoot(io.Discard, io.Discard).Find(names)
			if err != nil || !command.Runnable() || len(rest) > 0 {
				t.Errorf("%s: there is no command %s", name, line)
				continue
			}
			for _, word := range words {
				if flag, ok := strings.CutPrefix(word, "--"); ok && command.Flags().Lookup(flag) == nil && command.InheritedFlags().Lookup(flag) == nil {
					t.Errorf("%s: %s: there is no flag %s", name, line, word)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d commands were found in the runbooks", found)
	}
}
