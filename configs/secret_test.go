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

// Who may read the file may read the secrets that stand in it as they are.
func TestSecretsInAFileThatOthersCanReadAreExposed(t *testing.T) {
	const text = `
kafka:
  brokers: [localhost:9092]
  sasl: {mechanism: PLAIN, username: kolmo, password: %s}
redis:
  addresses: [localhost:6379]
  %s
`
	for _, test := range []struct {
		kafka, redis string
		mode         os.FileMode
		want         string
	}{
		{"hunter2", "password: hunter2", 0o644, "kafka.sasl.password redis.password"},
		{"hunter2", "password: hunter2", 0o604, "kafka.sasl.password redis.password"},
		{"hunter2", "password: hunter2", 0o640, ""},
		{"hunter2", "password: hunter2", 0o600, ""},
		{`"${KOLMO_PASSWORD}"`, "password: 12345", 0o644, "redis.password"},
		{`"${KOLMO_PASSWORD}"`, "password: $$hunter2", 0o644, "redis.password"},
		{`"${KOLMO_PASSWORD}"`, "password_file: password", 0o644, ""},
	} {
		folder := t.TempDir()
		file := filepath.Join(folder, "kolmo.yaml")
		if err := os.WriteFile(filepath.Join(folder, "password"), []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, fmt.Appendf(nil, text, test.kafka, test.redis), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, test.mode); err != nil {
			t.Fatal(err)
		}
		c, err := configs.Load(file, environment)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(c.Exposed, " "); got != test.want {
			t.Errorf("%s and %s with mode %o: %q is exposed, want %q", test.kafka, test.redis, test.mode, got, test.want)
		}
	}
}

// Whatever is wrong with a config, its problems tell no secret that stands in
// it, be it in the wrong place.
func TestProblemsTellNoSecret(t *testing.T) {
	const start = "kafka: {brokers: [localhost:9092]}\n"
	for _, text := range []string{
		start + "redis: {addresses: [localhost:6379], password: [hunter2]}\n",
		start + "redis: {addresses: [localhost:6379], password: {is: hunter2}}\n",
		start + "redis: {addresses: [localhost:6379], password: hunter2, password_file: absent}\n",
		start + "redis: {addresses: [localhost:6379], pasword: hunter2}\n",
		start + "redis: {addresses: [localhost:6379], password: hunter2, password: hunter2}\n",
		start + "redis: {addresses: [localhost:6379], password: \"hunter2}\n",
		start + "redis:\n  addresses: [localhost:6379]\n  password: hunter2\n   username: x\n",
		start + "redis:\n  addresses: [localhost:6379]\n\tpassword: hunter2\n",
		start + "redis:\n  addresses: [localhost:6379]\n  password: hunter2: more\n",
		start + "redis:\n  addresses: [localhost:6379]\n  password: *hunter2\n",
		start + "redis:\n  addresses: [localhost:6379]\n  password: &hunter2 x\n",
		start + "redis:\n  addresses: [localhost:6379]\n  password: !hunter2 x\n",
		start + "redis:\n  addresses: [localhost:6379]\n  password: \"${hunter2\"\n",
		start + "redis: {addresses: [\"redis://kolmo:hunter2@localhost:6379\"]}\n",
		start + "redis: {addresses: [\"redis://:hunter2@localhost:6379\"]}\n",
		start + "redis: {addresses: [\"kolmo:hunter2@localhost:6379\"]}\n",
		start + "redis: {addresses: \"kolmo:hunter2@localhost:6379\"}\n",
		start + "redis: \"redis://kolmo:hunter2@localhost:6379\"\n",
		start + "redis: {addresses: [localhost:6379]}\nlisten: \"http://anna:hunter2@localhost:9464\"\n",
		start + "redis: {addresses: [localhost:6379]}\nweb: {config_file: \"https://anna:hun/ter2@hunter2@localhost\"}\n",
		"kafka: {brokers: [localhost:9092], sasl: hunter2}\nredis: {addresses: [localhost:6379]}\n",
		"kafka: {brokers: [\"SASL_SSL://kolmo:hunter2@localhost:9092\"]}\nredis: {addresses: [localhost:6379]}\n",
	} {
		c, problems := configs.Parse("kolmo.yaml", []byte(text), environment)
		if len(problems) == 0 {
			t.Errorf("no problem was found in\n%s%v", text, c)
		}
		var page bytes.Buffer
		if err := problems.Render(&page); err != nil {
			t.Fatal(err)
		}
		if tells(page.String()+problems.Error()) || strings.Contains(page.String(), "hun/ter2") {
			t.Errorf("the problems of\n%sare\n%s", text, page.String())
		}
	}
}
