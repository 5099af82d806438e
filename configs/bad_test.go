package configs_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/configs"
)

// update writes the messages of testdata/bad anew. Read the change before it
// is committed: the messages are what a user has to go by.
var update = flag.Bool("update", false, "write testdata/bad/*.txt anew")

// environment is what the configs of the tests find in the environment.
func environment(name string) (string, bool) {
	value, ok := map[string]string{
		"KOLMO_TEXT":     "some text",
		"KOLMO_NUMBER":   "12",
		"KOLMO_HOST":     "redis.internal",
		"KOLMO_PASSWORD": "hunter2",
		"KOLMO_NESTED":   "${KOLMO_TEXT}",
	}[name]
	return value, ok
}

func badFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad configs: %v", err)
	}
	return files
}

func TestBadConfigsAreRefusedWithEveryProblem(t *testing.T) {
	for _, name := range badFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			c, err := configs.Load(name, environment)
			var problems configs.Problems
			if !errors.As(err, &problems) || c != nil {
				t.Fatalf("loaded: %v, %v", c, err)
			}
			for i := range problems {
				problems[i].File = filepath.Base(problems[i].File)
			}
			var got strings.Builder
			if err := problems.Render(&got); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(name, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("problems:\n%s\nexpected:\n%s", got.String(), want)
			}
			if strings.Contains(got.String(), "hunter2") {
				t.Errorf("a secret is told:\n%s", got.String())
			}
		})
	}
}
