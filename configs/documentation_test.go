package configs_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/configs"
)

// The reference of README.md is what the table of fields says, row for row.
func TestReadmeListsEveryKey(t *testing.T) {
	const begin, end = "<!-- keys -->\n", "<!-- /keys -->\n"
	var table strings.Builder
	table.WriteString("| key | takes | default | meaning |\n|---|---|---|---|\n")
	for _, k := range configs.Keys() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", k.Path, k.Kind, k.Default, k.Meaning)
	}
	text := readFile(t, "README.md")
	head, rest, found := strings.Cut(text, begin)
	got, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("README.md has no %q … %q", begin, end)
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(head+begin+table.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		got = table.String()
	}
	if got != table.String() {
		t.Errorf("the keys of README.md differ from the table of fields; run go test ./configs -update\nexpected:\n%s", table.String())
	}
}

// kolmo.yaml shows every key, be it in a comment.
func TestFullExampleShowsEveryKey(t *testing.T) {
	text := readFile(t, "kolmo.yaml")
	for _, k := range configs.Keys() {
		if k.Kind == "reserved" || strings.HasPrefix(k.Path, "redis.tls.") || strings.HasPrefix(k.Path, "alertmanager.tls.") ||
			strings.HasPrefix(k.Path, "retraining.targets[].tls.") || strings.HasPrefix(k.Path, "webhooks[].tls.") ||
			k.Path == "defaults.reference.period" || k.Path == "defaults.reference.cycles" {
			continue // does nothing yet, or is the same as under kafka.tls
		}
		key := k.Path[strings.LastIndexAny(k.Path, ".")+1:]
		if !regexp.MustCompile(`(?m)(^|[ #{])` + key + `:`).MatchString(text) {
			t.Errorf("%s is not shown", k.Path)
		}
	}
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
