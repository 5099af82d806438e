package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/crypto/bcrypt"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// What must be seen nowhere but in the files that hold it.
const (
	kafkaSecret = "canary-of-kafka-5d1f"
	redisSecret = "canary-of-redis-77ac"
	webSecret   = "canary-of-the-web-e019"
	wrongSecret = "canary-that-is-wrong-3b62"
)

// A fortress is a Kafka and a Redis that let nobody in but kolmo's user, over
// TLS in both directions, and that user no further than documented.
type fortress struct {
	*stack
	files, foreign, expired servers.CertificateFiles
	secure                  string // address of Kafka's guarded listener
	guarded                 string // address of the guarded Redis
	stale                   string // address of a Redis whose certificate has expired
	admin                   *redis.Client
	secrets                 []string
}

func newFortress(t *testing.T) *fortress {
	t.Helper()
	f := &fortress{stack: &stack{t: t, folder: t.TempDir()}}
	f.files, f.foreign = servers.Certificates(t), servers.Certificates(t)
	f.expired = servers.CertificatesUntil(t, time.Now().Add(-time.Minute))
	port, err := local.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	f.secure = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	const login = "org.apache.kafka.common.security."
	kafka := servers.Kafka(t, func(o *local.KafkaOptions) {
		o.Properties = map[string]string{"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users": "User:ANONYMOUS"}
		o.Listeners = []local.KafkaListener{{Name: "SECURE", Protocol: "SASL_SSL", Port: port, Properties: map[string]string{
			"ssl.keystore.type":                     "PEM",
			"ssl.keystore.certificate.chain":        readText(t, f.files.Cert),
			"ssl.keystore.key":                      readText(t, f.files.Key),
			"ssl.truststore.type":                   "PEM",
			"ssl.truststore.certificates":           readText(t, f.files.CA),
			"ssl.client.auth":                       "required",
			"sasl.enabled.mechanisms":               "PLAIN,SCRAM-SHA-512",
			"plain.sasl.jaas.config":                login + "plain.PlainLoginModule required user_kolmo=\"" + kafkaSecret + "\";",
			"scram-sha-512.sasl.jaas.config":        login + "scram.ScramLoginModule required;",
			"ssl.endpoint.identification.algorithm": "",
		}}}
	})
	f.brokers = kafka.Brokers()
	f.redis = servers.Redis(t).Addr()
	f.guarded = servers.Redis(t, func(o *local.RedisOptions) {
		o.TLS = &local.RedisTLS{CAFile: f.files.CA, CertFile: f.files.Cert, KeyFile: f.files.Key, RequireClientCertificate: true}
		o.Users = []string{"kolmo on >" + redisSecret + " " + redisstore.AccessRule("kolmo"), "default on nopass ~* &* +@all"}
	}).Addr()
	f.stale = servers.Redis(t, func(o *local.RedisOptions) {
		o.TLS = &local.RedisTLS{CAFile: f.expired.CA, CertFile: f.expired.Cert, KeyFile: f.expired.Key}
	}).Addr()
	f.admin = redis.NewClient(&redis.Options{Addr: f.guarded, TLSConfig: f.trusting(t)})
	t.Cleanup(func() { _ = f.admin.Close() })

	if _, err := kadm.NewClient(f.client(t)).AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{{User: "kolmo", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: kafkaSecret}}); err != nil {
		t.Fatal(err)
	}
	reference, err := io.ReadAll(flights.Reference())
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(webSecret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"reference.csv.gz": string(reference), "kafka-password": kafkaSecret + "\n", "redis-password": redisSecret + "\n", "wrong-password": wrongSecret,
		"web.yml": fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q}\nbasic_auth_users: {anna: %q}\n", f.files.Cert, f.files.Key, hash),
	} {
		if err := os.WriteFile(filepath.Join(f.folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.secrets = []string{kafkaSecret, redisSecret, webSecret, wrongSecret, string(hash)}
	for _, files := range []servers.CertificateFiles{f.files, f.foreign, f.expired} {
		f.secrets = append(f.secrets, strings.Split(readText(t, files.Key), "\n")[1])
	}
	return f
}

func readText(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// trusting presents the certificate, and trusts its authority.
func (f *fortress) trusting(t *testing.T) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(f.files.Cert, f.files.Key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(readText(t, f.files.CA)))
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
}

// config is the locked configuration, with the default names of everything.
func (f *fortress) config(t *testing.T, mechanism string) string {
	t.Helper()
	file := filepath.Join(f.folder, "locked-"+mechanism+".yaml")
	text := fmt.Sprintf(`kafka:
  brokers: [%q]
  session_timeout: 6s
  create_outputs: {partitions: 3}
  tls: {ca_file: %q, cert_file: %q, key_file: %q}
  sasl: {mechanism: %s, username: kolmo, password_file: kafka-password}
redis:
  addresses: [%q]
  tls: {ca_file: %q, cert_file: %q, key_file: %q}
  username: kolmo
  password_file: redis-password
listen: 127.0.0.1:0
web: {config_file: web.yml, pprof: true}
checkpoint_every: 300ms
limits: {idle_after: 1s}
models:
  - name: %s
%s`, f.secure, f.files.CA, f.files.Cert, f.files.Key, mechanism, f.guarded, f.files.CA, f.files.Cert, f.files.Key, flights.Model, defaultFlights)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// allow runs the commands of the configuration's README.md as written, but for
// the broker's address.
func (f *fortress) allow(t *testing.T) {
	t.Helper()
	commands := regexp.MustCompile(`(?m)^kafka-acls\.sh (.*)$`).FindAllStringSubmatch(readText(t, "../../configs/README.md"), -1)
	if len(commands) != 6 {
		t.Fatalf("configs/README.md has %d commands for Kafka's access lists, want 6", len(commands))
	}
	kafka, err := local.InstallKafka(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		arguments := strings.Fields(strings.Replace(command[1], "localhost:9092", f.brokers[0], 1))
		java := exec.CommandContext(t.Context(), kafka.Java, append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", filepath.Join(kafka.Home, "libs", "*"), "org.apache.kafka.tools.AclCommand"}, arguments...)...)
		if output, err := java.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command[0], err, output)
		}
	}
}

// mustKeep fails when a text tells a secret.
func (f *fortress) mustKeep(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range f.secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s tells the secret %s:\n%s", where, secret, text)
		}
	}
}

// TestAccess: with every lock there is, kolmo publishes what it publishes
// without any; with a key that does not fit it ends with one sentence that says
// what to mend; and nothing that it says, serves or is started with tells a
// secret.
func TestAccess(t *testing.T) {
	t.Parallel()
	f := newFortress(t)
	f.emitFlights(t, "predictions", 4)
	scram, plain := f.config(t, "SCRAM-SHA-512"), f.config(t, "PLAIN")

	t.Run("without rights in Kafka", func(t *testing.T) {
		f.refused(t, scram, []string{"TOPIC_AUTHORIZATION_FAILED", "README.md"})
	})
	f.allow(t)

	t.Run("with every lock", func(t *testing.T) {
		want := len(expectations(t))
		instances := []*instance{f.run(t, scram), f.run(t, plain)}
		locked := f.verdicts(t, "kolmo", want)
		for _, i := range instances {
			f.searchInstance(t, i)
		}
		for _, i := range instances {
			i.stop()
			f.mustKeep(t, "the log", i.output.String())
			for _, bad := range []string{"NOPERM", "AUTHORIZATION_FAILED", "level=ERROR"} {
				if strings.Contains(i.output.String(), bad) {
					t.Errorf("the log has %s:\n%s", bad, i.output)
				}
			}
		}
		if denied := f.admin.Do(t.Context(), "acl", "log").Val(); len(denied.([]any)) > 0 {
			t.Errorf("Redis has denied %v", denied)
		}

		open := f.run(t, f.write(t, setup{name: "open", inputs: "{predictions: [predictions]}", model: defaultFlights}))
		sameVerdicts(t, locked, f.verdicts(t, "open", want))
		open.stop()
	})

	t.Run("with a key that does not fit", func(t *testing.T) {
		kafkaTLS := fmt.Sprintf("tls: {ca_file: %q, cert_file: %q, key_file: %q}\n  sasl", f.files.CA, f.files.Cert, f.files.Key)
		redisTLS := fmt.Sprintf("tls: {ca_file: %q, cert_file: %q, key_file: %q}\n  username", f.files.CA, f.files.Cert, f.files.Key)
		with := func(ca string, client *servers.CertificateFiles, next string) string {
			if client == nil {
				return fmt.Sprintf("tls: {ca_file: %q}\n  %s", ca, next)
			}
			return fmt.Sprintf("tls: {ca_file: %q, cert_file: %q, key_file: %q}\n  %s", ca, client.Cert, client.Key, next)
		}
		kafkaSASL := "sasl: {mechanism: SCRAM-SHA-512, username: kolmo, password_file: kafka-password}\n"
		for _, test := range []struct {
			name, file, text, instead string
			says                      []string
		}{
			{"Kafka: a wrong password, SCRAM", scram, "kafka-password", "wrong-password", []string{"kafka.sasl.password_file"}},
			{"Kafka: a wrong password, PLAIN", plain, "kafka-password", "wrong-password", []string{"kafka.sasl.password_file"}},
			{"Kafka: a wrong password in the config", scram, "password_file: kafka-password", "password: " + wrongSecret, []string{"kafka.sasl.password_file"}},
			{"Kafka: an unknown user", scram, "username: kolmo, ", "username: nobody, ", []string{"kafka.sasl.username"}},
			{"Kafka: a mechanism that is off", scram, "SCRAM-SHA-512", "SCRAM-SHA-256", []string{"kafka.sasl.mechanism"}},
			{"Kafka: no authentication", scram, kafkaSASL, "\n", []string{"kafka.sasl"}},
			{"Kafka: a foreign authority", scram, kafkaTLS, with(f.foreign.CA, &f.files, "sasl"), []string{"kafka.tls.ca_file"}},
			{"Kafka: no client's certificate", scram, kafkaTLS, with(f.files.CA, nil, "sasl"), []string{"kafka.tls.cert_file"}},
			{"Kafka: a foreign client's certificate", scram, kafkaTLS, with(f.files.CA, &f.foreign, "sasl"), []string{"kafka.tls.cert_file"}},
			{"Kafka: an expired client's certificate", scram, kafkaTLS, with(f.files.CA, &f.expired, "sasl"), []string{"kafka.tls.cert_file", "expired at"}},
			{"Kafka: another name", scram, "key_file: " + strconv.Quote(f.files.Key) + "}\n  sasl", "key_file: " + strconv.Quote(f.files.Key) + ", server_name: other.example.org}\n  sasl", []string{"kafka.tls.server_name"}},
			{"Kafka: no TLS", scram, kafkaTLS, "sasl", []string{"kafka.tls is not set"}},
			{"Kafka: TLS where there is none", scram, f.secure, f.brokers[0], []string{"leave kafka.tls out"}},
			{"Kafka: a group that is denied", scram, "session_timeout: 6s", "group: others", []string{`"others`, "AUTHORIZATION_FAILED", "README.md"}},
			{"Kafka: an input that is denied", scram, "session_timeout: 6s", "inputs: {predictions: [secret]}", []string{"input topics secret", "TOPIC_AUTHORIZATION_FAILED", "README.md"}},
			{"Redis: a wrong password", scram, "redis-password", "wrong-password", []string{"redis.password_file"}},
			{"Redis: a wrong password in the config", scram, "password_file: redis-password", "password: " + wrongSecret, []string{"redis.password_file"}},
			{"Redis: a foreign authority", scram, redisTLS, with(f.foreign.CA, &f.files, "username"), []string{"redis.tls.ca_file"}},
			{"Redis: no client's certificate", scram, redisTLS, with(f.files.CA, nil, "username"), []string{"redis.tls.cert_file"}},
			{"Redis: a foreign client's certificate", scram, redisTLS, with(f.files.CA, &f.foreign, "username"), []string{"redis.tls.cert_file"}},
			{"Redis: an expired client's certificate", scram, redisTLS, with(f.files.CA, &f.expired, "username"), []string{"redis.tls.cert_file", "expired at"}},
			{"Redis: an expired certificate of the server", scram, strconv.Quote(f.guarded) + "]\n  " + redisTLS, strconv.Quote(f.stale) + "]\n  " + with(f.expired.CA, nil, "username"), []string{"renew the server's certificate"}},
			{"Redis: no TLS", scram, redisTLS, "username", []string{"redis.tls"}},
			{"Redis: TLS where there is none", scram, f.guarded, f.redis, []string{"leave redis.tls out"}},
			{"Redis: another prefix", scram, "password_file: redis-password", "password_file: redis-password\n  prefix: other", []string{"ACL SETUSER NAME " + redisstore.AccessRule("other")}},
			{"the web configuration is broken", scram, "web.yml", "wrong-password", []string{"web.config_file"}},
		} {
			t.Run(test.name, func(t *testing.T) {
				f.refused(t, editConfig(t, test.file, test.text, test.instead), test.says)
			})
		}
		if err := f.admin.Do(t.Context(), "acl", "setuser", "kolmo", "-hset").Err(); err != nil {
			t.Fatal(err)
		}
		t.Run("Redis: a command that is denied", func(t *testing.T) {
			f.refused(t, scram, []string{"HSET", "ACL SETUSER NAME " + redisstore.AccessRule("kolmo")})
		})
	})
}

// refused runs the program, which ends with one sentence that says what to mend.
func (f *fortress) refused(t *testing.T, config string, says []string) {
	t.Helper()
	began := time.Now()
	output, code := endsBySelf(t, "run", "--config", config)
	if code != exitFailed || strings.Count(output, "\n") != 1 || !strings.HasPrefix(output, "kolmo: ") || len(output) > 1000 {
		t.Errorf("it ended with exit code %d and more or less than a sentence", code)
	}
	for _, words := range says {
		if !strings.Contains(output, words) {
			t.Errorf("nothing is said of %q", words)
		}
	}
	f.mustKeep(t, "the error", output)
	t.Logf("after %v it says:\n%s", time.Since(began).Round(100*time.Millisecond), output)
}

// searchInstance looks for secrets in everything that a running instance shows.
func (f *fortress) searchInstance(t *testing.T, i *instance) {
	t.Helper()
	i.waitFor("address=https://")
	base := regexp.MustCompile(`address=(https://\S+)`).FindStringSubmatch(i.output.String())[1]
	for _, name := range []string{"cmdline", "environ"} {
		f.mustKeep(t, name, readText(t, fmt.Sprintf("/proc/%d/%s", i.cmd.Process.Pid, name)))
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: f.trusting(t)}, Timeout: 20 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	for _, path := range []string{
		"/", "/model?name=" + flights.Model, "/metrics", "/api/v1/models", "/api/v1/verdicts?model=" + flights.Model, "/api/v1/alerts", "/-/healthy", "/-/ready",
		"/config", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, password := range []string{wrongSecret, webSecret} {
			request.SetBasicAuth("anna", password)
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if (response.StatusCode == http.StatusUnauthorized) != (password == wrongSecret) {
				t.Errorf("%s answers %s with %d", path, password, response.StatusCode)
			}
			f.mustKeep(t, path, string(body)+fmt.Sprint(response.Header))
		}
	}
}
