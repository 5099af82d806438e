package configs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/kolmo-ml/kolmo/configs"
)

const password = "hunter2 and more"

func TestSecretsComeFromTheConfigTheEnvironmentOrAFile(t *testing.T) {
	for content, want := range map[string]string{
		password:                 password,
		password + "\n":          password,
		password + "\r\n":        password,
		password + "\n\n":        password + "\n", // one newline, and no more
		" " + password + " ":     " " + password + " ",
		"two\nlines\n":           "two\nlines",
		"${KOLMO_UNSET} is text": "${KOLMO_UNSET} is text", // a file's content is not expanded
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "password"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		c, problems := configs.Parse(filepath.Join(folder, "kolmo.yaml"), []byte(`
kafka:
  brokers: [localhost:9092]
  sasl: {mechanism: PLAIN, username: kolmo, password: "${KOLMO_PASSWORD}$$"}
redis:
  addresses: [localhost:6379]
  password_file: password
`), environment)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got := c.Redis.Password.Reveal(); got != want {
			t.Errorf("the file %q gives %q", content, got)
		}
		if got := c.Kafka.SASL.Password.Reveal(); got != "hunter2$" {
			t.Errorf("the password is %q", got)
		}
	}
}

// A secret appears nowhere, whichever way the config is printed, whole or in
// part, by value or by pointer, and even from an unexported field.
func TestSecretsArePrintedNowhere(t *testing.T) {
	c := parsed(t, `
kafka:
  brokers: [localhost:9092]
  sasl: {mechanism: PLAIN, username: kolmo, password: hunter2 and more}
redis: {addresses: [localhost:6379], password: hunter2 and more}
`)
	if c.Redis.Password.Reveal() != password || c.Kafka.SASL.Password.Reveal() != password {
		t.Fatal("the secrets were not read")
	}
	hidden := struct{ secret configs.Secret }{c.Redis.Password}
	for _, value := range []any{c, *c, c.Redis, &c.Redis, *c.Kafka.SASL, c.Redis.Password, &c.Redis.Password, hidden, &hidden,
		[]configs.Secret{c.Redis.Password}, map[string]configs.Secret{"password": c.Redis.Password}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
			if text := fmt.Sprintf(verb, value); tells(text) {
				t.Errorf("%s of %T tells the secret: %s", verb, value, text)
			}
		}
		data, err := json.Marshal(value)
		if err != nil || tells(string(data)) {
			t.Errorf("JSON of %T: %v %s", value, err, data)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("config", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "value", value)
		if tells(log.String()) {
			t.Errorf("a log of %T tells the secret: %s", value, log.String())
		}
	}
	for _, value := range []any{c.Redis, *c.Kafka.SASL, c.Redis.Password} {
		if data, err := yaml.Marshal(value); err != nil || tells(string(data)) || !strings.Contains(string(data), "<secret>") {
			t.Errorf("YAML of %T: %v %s", value, err, data)
		}
	}
	if got := fmt.Sprintf("%v|%#v|%s", c.Redis.Password, c.Redis.Password, configs.Secret{}); got != "<secret>|<secret>|" {
		t.Errorf("a secret prints as %s", got)
	}
	if data, err := json.Marshal(c.Redis.Password); err != nil || string(data) != `"<secret>"` && string(data) != `"\u003csecret\u003e"` {
		t.Errorf("JSON %s, %v", data, err)
	}
}

// tells reports whether the text has the secret in it, be it in hexadecimal.
func tells(text string) bool {
	return strings.Contains(text, "hunter2") || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", "hunter2"))
}
