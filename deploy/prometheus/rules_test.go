package prometheus

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

var update = flag.Bool("update", false, "write the files of rules anew")

// shipped are the files beside the code, and what makes them.
func shipped() map[string]*File {
	return map[string]*File{"kolmo-rules.yaml": Health(Default()), "model-rules.yaml": Models(Default())}
}

// What is shipped is what the code makes: go test ./deploy/prometheus -update
func TestTheFilesAreWhatTheCodeMakes(t *testing.T) {
	for name, file := range shipped() {
		want, err := file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what the code makes; look at the difference after: go test ./deploy/prometheus -update", name)
		}
	}
}

// README.md names every alert on kolmo itself, and no other.
func TestTheReadmeNamesEveryAlert(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]bool)
	for _, m := range regexp.MustCompile("`(Kolmo\\w+)`").FindAllStringSubmatch(string(text), -1) {
		named[m[1]] = true
	}
	for _, name := range Health(Default()).Alerts() {
		if !named[name] {
			t.Errorf("README.md does not name %s", name)
		}
		delete(named, name)
	}
	for name := range named {
		t.Errorf("README.md names %s, which there is not", name)
	}
}

func TestTheConfigurationIsTaken(t *testing.T) {
	program, err := local.InstallPromtool(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, "check", "config", "prometheus.yaml").CombinedOutput(); err != nil || !strings.Contains(string(out), "kolmo-rules.yaml") {
		t.Errorf("promtool check config: %v\n%s", err, out)
	}
}
