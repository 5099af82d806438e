package main

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// repository is the root of the checkout, as seen from this package.
const repository = "../.."

func readme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestReadmeCommands runs every command of the README, in its order. A command
// is known by its first line; one that is not known fails the test.
func TestReadmeCommands(t *testing.T) {
	w := newWalk(t)
	known := map[string]func(command string){
		"go run ./cmd/kolmo demo":               w.demo,
		"make test":                             func(string) { w.makes("test", "go test", "./...") }, // what runs this test
		"make build":                            w.build,
		"make stack-up":                         w.stackUp,
		"cd bin":                                w.succeeds,
		`awk 'BEGIN { srand(1); print "amount"`: w.succeeds,
		`awk 'BEGIN { srand(2); print "amount"`: w.succeeds,
		"./kolmo check --reference reference.csv --current current.csv": w.checkFindsDrift,
		"cat > kolmo.yaml <<'END'":                                      w.succeeds,
		"./kolmo config check kolmo.yaml":                               w.succeeds,
		`kafka() { java -cp "${XDG_CACHE_HOME:-$HOME/.cache}/kolmo/kafka-4.1.1/libs/*" "org.apache.kafka.tools.$@"; }`: w.succeeds,
		"kafka TopicCommand --bootstrap-server localhost:9092 --create --topic predictions --partitions 4":             w.succeeds,
		"./kolmo run --config kolmo.yaml":                                             w.runService,
		`awk -v now="$(date +%s)" 'NR > 1 {`:                                          w.succeeds,
		"head -n 1 events.ndjson":                                                     w.firstEvent,
		"./kolmo emit --config kolmo.yaml --events events.ndjson --topic predictions": w.succeeds,
		"kafka consumer.ConsoleConsumer --bootstrap-server localhost:9092 --topic alerts --from-beginning --isolation-level read_committed --max-messages 1": w.alertFires,
		"curl -s http://127.0.0.1:9464/metrics": w.metrics,
		`./kolmo backtest --config kolmo.yaml --set "patient: alert.for=4,alert.of=5" --events events.ndjson`: w.backtest,
		"make -C .. stack-down": w.stackDown,
	}
	seen := make(map[string]bool)
	for _, command := range shellCommands(t, readme(t)) {
		first, _, _ := strings.Cut(command, "\n")
		act := known[first]
		if act == nil {
			t.Fatalf("README.md has a command that no test runs: %s", first)
		}
		seen[first] = true
		act(command)
		if t.Failed() {
			t.Fatalf("the command was: %s", command)
		}
	}
	for first := range known {
		if !seen[first] {
			t.Errorf("README.md no longer has the command %q", first)
		}
	}
}

// walk is somebody who does what the README says, with other ports and in
// another folder than the checkout.
type walk struct {
	t         *testing.T
	folder    string // stands for the checkout; bin is inside
	stack     string // what make stack-up keeps
	terminal  *terminal
	elsewhere *strings.Replacer // addresses of this walk for those of the README
	listen    string
	service   *background
}

func newWalk(t *testing.T) *walk {
	w := &walk{t: t, folder: t.TempDir(), stack: t.TempDir(), elsewhere: strings.NewReplacer()}
	w.terminal = openTerminal(t, w.folder)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.listen = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// goTool runs the go command in the checkout.
func (w *walk) goTool(args ...string) string {
	w.t.Helper()
	c := exec.Command("go", args...)
	c.Dir = repository
	output, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// makes checks that a target of the Makefile would run a command with all of
// these words.
func (w *walk) makes(target string, words ...string) {
	w.t.Helper()
	output, err := exec.Command("make", "-C", repository, "-n", target).CombinedOutput()
	if err != nil {
		w.t.Fatalf("make -n %s: %v\n%s", target, err, output)
	}
	for _, word := range words {
		if !strings.Contains(string(output), word) {
			w.t.Errorf("make %s would not run %q:\n%s", target, word, output)
		}
	}
}

func (w *walk) demo(command string) {
	b := inBackground(w.t, repository, command+" --listen 127.0.0.1:0")
	b.waitFor("The page is at http://127.0.0.1:", " drifted: ", "FIRING critical")
	b.interrupt()
}

func (w *walk) build(string) {
	w.makes("build", "-o bin/kolmo ./cmd/kolmo")
	w.goTool("build", "-o", filepath.Join(w.folder, "bin", "kolmo"), "./cmd/kolmo")
}

func (w *walk) stackUp(string) {
	w.makes("stack-up", "run ./deploy/local/stack up")
	w.t.Cleanup(func() { w.goTool("run", "./deploy/local/stack", "down", "--dir", w.stack) }) // whatever happens
	report := w.goTool("run", "./deploy/local/stack", "up", "--dir", w.stack, "--kafka-port", "0", "--redis-port", "0")
	addresses := regexp.MustCompile(`127\.0\.0\.1:\d+,`).FindAllString(report, -1)
	if len(addresses) != 2 {
		w.t.Fatalf("no two addresses in %q", report)
	}
	w.elsewhere = strings.NewReplacer("localhost:9092", strings.TrimSuffix(addresses[0], ","),
		"localhost:6379", strings.TrimSuffix(addresses[1], ","), "127.0.0.1:9464", w.listen)
}

func (w *walk) stackDown(string) {
	w.service.interrupt()
	if code := w.service.cmd.ProcessState.ExitCode(); code != 0 {
		w.t.Errorf("the service ended with exit code %d after Ctrl-C:\n%s", code, w.service.output)
	}
	w.makes("stack-down", "run ./deploy/local/stack down")
	w.goTool("run", "./deploy/local/stack", "down", "--dir", w.stack)
}

// ends types a command and wants an exit code.
func (w *walk) ends(command string, want int) string {
	w.t.Helper()
	output, code := w.terminal.typed(w.elsewhere.Replace(command))
	if code != want {
		w.t.Errorf("exit code %d, want %d:\n%s", code, want, output)
	}
	return output
}

func (w *walk) succeeds(command string) {
	w.t.Helper()
	w.ends(command, exitFine)
}

func (w *walk) checkFindsDrift(command string) {
	if output := w.ends(command, exitDrifted); !strings.Contains(output, "1 of 1 columns drifted") {
		w.t.Errorf("check wrote:\n%s", output)
	}
}

func (w *walk) backtest(command string) {
	output := w.ends(command, exitDrifted)
	for _, words := range []string{"1000 records of events.ndjson", "Candidate kolmo", "Candidate patient", "still fires", "amount D 0."} {
		if !strings.Contains(output, words) {
			w.t.Errorf("backtest says nothing of %q:\n%s", words, output)
		}
	}
}

func (w *walk) runService(command string) {
	w.service = inBackground(w.t, filepath.Join(w.folder, "bin"), command)
	w.service.waitFor("kolmo runs")
}

func (w *walk) firstEvent(command string) {
	var e event.Event
	line := strings.TrimSpace(w.ends(command, exitFine))
	if err := event.NewDecoder(event.Limits{}).Decode(event.Predictions, []byte(line), &e); err != nil {
		w.t.Errorf("the first event is refused: %v: %s", err, line)
	}
}

func (w *walk) alertFires(command string) {
	output := w.ends(command, exitFine)
	var alert struct{ Status, Kind, Model string }
	line, _, _ := strings.Cut(output[max(0, strings.Index(output, "{")):], "\n")
	if err := json.Unmarshal([]byte(line), &alert); err != nil {
		w.t.Fatalf("no alert: %v:\n%s\nthe service wrote\n%s", err, output, w.service.output)
	}
	if alert.Status != "firing" || alert.Kind != "feature_drift" || alert.Model != "fraud" {
		w.t.Errorf("the alert is %s", line)
	}
}

// metrics also holds the README's table against what the service really has.
func (w *walk) metrics(command string) {
	output := w.ends(command, exitFine)
	documented := documentedMetrics(w.t)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE ((?:kolmo|model)_\w+) `).FindAllStringSubmatch(output, -1) {
		if _, known := documented[m[1]]; !known && !strings.HasPrefix(m[1], "kolmo_kafka_") { // the Kafka client's own
			w.t.Errorf("README.md does not list the metric %s", m[1])
		}
	}
	for _, want := range []string{"kolmo_build_info{commit=", `kolmo_alerts_firing{kind="feature_drift",model="fraud"`} {
		if !strings.Contains(output, want) {
			w.t.Errorf("the metrics have no %s:\n%s", want, output)
		}
	}
}

// The configuration that stands in the README is one that config check likes;
// so is what the text says beside it.
func TestReadmeConfigurations(t *testing.T) {
	for _, m := range regexp.MustCompile("`((?:reference|window|drift): \\{[^`]*)`").FindAllStringSubmatch(readme(t), -1) {
		text := "kafka: {brokers: [localhost:9092]}\nredis: {addresses: [localhost:6379]}\ndefaults:\n  " + m[1] + "\n"
		if _, problems := configs.Parse("README.md", []byte(text), os.LookupEnv); len(problems) > 0 {
			t.Errorf("%s: %v", m[1], problems)
		}
	}
	for n, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readme(t), -1) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "airflow-password"), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		text := "kafka: {brokers: [localhost:9092]}\nredis: {addresses: [localhost:6379]}\n" + m[1]
		if _, problems := configs.Parse(filepath.Join(folder, "kolmo.yaml"), []byte(text), os.LookupEnv); len(problems) > 0 {
			t.Errorf("configuration %d: %v", n, problems)
		}
	}
}
