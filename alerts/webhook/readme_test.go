package webhook

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/kolmo-ml/kolmo/configs"
)

// blocks are the README's code of a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 {
		t.Fatalf("README.md has no %s", language)
	}
	return found
}

func TestTheDocumentedMessageIsSent(t *testing.T) {
	var short bytes.Buffer
	if err := json.Compact(&short, []byte(blocks(t, "json")[0])); err != nil || short.String() != told {
		t.Errorf("%v: README.md says\n%s\nwhat is sent is\n%s", err, short.String(), told)
	}
}

func TestDocumentedConfigurationsAreValid(t *testing.T) {
	folder, tested := t.TempDir(), 0
	for name, text := range map[string]string{
		"airflow-password": "hunter2", "kubeflow-token": "hunter2", "github-token": "hunter2",
		"webhook-secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range blocks(t, "yaml") {
		if !strings.HasPrefix(text, "kafka:") {
			continue
		}
		c, problems := configs.Parse(filepath.Join(folder, "kolmo.yaml"), []byte(text), nil)
		if len(problems) > 0 {
			t.Errorf("%v\n%s", problems, text)
			continue
		}
		for _, target := range c.Retraining.Targets {
			if w := target.Webhook; w != nil && len(w.Secrets()) != 2 {
				t.Errorf("of two secrets on lines of their own %d are read", len(w.Secrets()))
			}
			tested++
		}
		tested += len(c.Webhooks)
	}
	if tested != 5 {
		t.Errorf("%d configurations were tested", tested)
	}
}

// The workflow runs on what is sent by default, and its runs are found again.
func TestTheDocumentedWorkflowIsFoundAgain(t *testing.T) {
	for _, text := range blocks(t, "yaml") {
		if strings.HasPrefix(text, "kafka:") {
			continue
		}
		var workflow struct {
			RunName string `yaml:"run-name"`
			On      struct {
				Dispatch struct{ Types []string } `yaml:"repository_dispatch"`
			}
		}
		if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
			t.Fatal(err)
		}
		c, problems := configs.Parse("kolmo.yaml", []byte("kafka: {brokers: [a:1]}\nredis: {addresses: [a:1]}\nretraining: {targets: [{name: a, github: {repository: a/b, token: t}}]}"), nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if workflow.RunName != "retrain ${{ github.event.client_payload.id }}" || len(workflow.On.Dispatch.Types) != 1 || workflow.On.Dispatch.Types[0] != c.Retraining.Targets[0].GitHub.EventType {
			t.Errorf("%+v", workflow)
		}
	}
}
