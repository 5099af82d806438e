package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A secret that everyone on the machine can read is warned of, and told neither
// by the warning nor by what comes after it.
func TestSecretThatEveryoneCanRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kolmo.yaml")
	text := fmt.Sprintf(`kafka:
  brokers: [%q]
  sasl: {mechanism: PLAIN, username: kolmo, password: %s}
redis: {addresses: [%q], password: %s}
listen: 127.0.0.1:0
`, closedPort(t), kafkaSecret, closedPort(t), redisSecret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, warnings := range map[os.FileMode]int{0o600: 0, 0o644: 2} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		for _, arguments := range [][]string{{"run", "--debug", "--config", file}, {"config", "check", file}} {
			output, code := endsBySelf(t, arguments...)
			if arguments[0] == "run" && (code != exitFailed || strings.Count(output, "level=WARN") != warnings) {
				t.Errorf("mode %o: exit code %d and %d warnings, want %d:\n%s", mode, code, strings.Count(output, "level=WARN"), warnings, output)
			}
			if strings.Contains(output, kafkaSecret) || strings.Contains(output, redisSecret) {
				t.Errorf("%v tells a secret:\n%s", arguments, output)
			}
		}
	}
}
