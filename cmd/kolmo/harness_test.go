package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

// asProgram makes the test binary the program itself, so that instances can be
// started and killed.
const asProgram = "KOLMO_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program prepares a run of the program.
func program(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), asProgram+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// build builds the program as users have it: without the race detector, which
// makes everything many times slower.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "kolmo")
	if output, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, output)
	}
	return binary
}

// stack is a real Kafka and a real Redis.
type stack struct {
	t       *testing.T
	brokers []string
	redis   string
	folder  string
	binary  string // of the program; empty until it is needed

	instances []*instance
}

// anyRuns reports whether an instance is left.
func (s *stack) anyRuns() bool {
	for _, i := range s.instances {
		select {
		case <-i.done:
		default:
			return true
		}
	}
	return false
}

func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{t: t, folder: t.TempDir()}
	s.brokers = servers.Kafka(t).Brokers()
	s.redis = servers.Redis(t).Addr()
	reference, err := io.ReadAll(flights.Reference())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.folder, "reference.csv.gz"), reference, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// setup is a configuration under a name of its own: groups, outputs and keys
// are its own, inputs are shared.
type setup struct {
	name   string
	inputs string // YAML of kafka.inputs
	model  string // YAML of the model's entry, indented by four
}

// write puts the configuration into a file.
func (s *stack) write(t *testing.T, u setup) string {
	t.Helper()
	text := fmt.Sprintf(`kafka:
  brokers: [%q]
  group: %[2]s
  session_timeout: 6s
  inputs: %[3]s
  outputs: {alerts: %[2]s.alerts, verdicts: %[2]s.verdicts, progress: %[2]s.progress, references: %[2]s.references, dead_letters: %[2]s.dead-letters}
  create_outputs: {partitions: 3}
redis: {addresses: [%[4]q], prefix: %[2]s}
listen: 127.0.0.1:0
checkpoint_every: 300ms
limits: {idle_after: 1s}
models:
  - name: %[5]s
%[6]s`, s.brokers[0], u.name, u.inputs, s.redis, flights.Model, u.model)
	file := filepath.Join(s.folder, u.name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// instance is a running program.
type instance struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *lockedBuffer
	done   chan struct{}
}

// run starts an instance as users have it.
func (s *stack) run(t *testing.T, config string) *instance {
	t.Helper()
	if s.binary == "" {
		s.binary = build(s.t)
	}
	c := program("run", "--config", config)
	c.Path = s.binary
	return s.start(t, config, c)
}

// runChecked starts an instance of the test's own binary: with the race
// detector if the test has it.
func (s *stack) runChecked(t *testing.T, config string) *instance {
	t.Helper()
	return s.start(t, config, program("run", "--config", config))
}

func (s *stack) start(t *testing.T, config string, c *exec.Cmd) *instance {
	t.Helper()
	i := &instance{t: t, cmd: c, output: &lockedBuffer{}, done: make(chan struct{})}
	i.cmd.Stdout, i.cmd.Stderr = i.output, i.output
	if err := i.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = i.cmd.Wait() // how it ended is asked for where it matters
		close(i.done)
	}()
	s.instances = append(s.instances, i)
	t.Cleanup(func() {
		i.kill()
		if t.Failed() {
			t.Logf("an instance of %s wrote:\n%s", config, i.output)
		}
	})
	return i
}

// kill ends the instance with SIGKILL, in the middle of whatever it does.
func (i *instance) kill() {
	_ = i.cmd.Process.Kill() // it may have ended
	<-i.done
}

// stop ends the instance in good order.
func (i *instance) stop() {
	i.t.Helper()
	_ = i.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-i.done:
	case <-time.After(30 * time.Second):
		i.t.Fatal("the instance did not end within 30 s of SIGTERM")
	}
	if code := i.cmd.ProcessState.ExitCode(); code != 0 {
		i.t.Errorf("the instance ended with exit code %d", code)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (s *stack) client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.brokers...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func (s *stack) createTopic(t *testing.T, name string, partitions int32) {
	t.Helper()
	maxBytes := "4194304"
	if _, err := kadm.NewClient(s.client(t)).CreateTopic(t.Context(), partitions, 1, map[string]*string{"max.message.bytes": &maxBytes}, name); err != nil {
		t.Fatal(err)
	}
}

// emitFlights creates a topic and sends the flights to it by the emit command.
func (s *stack) emitFlights(t *testing.T, topic string, partitions int32) {
	t.Helper()
	s.createTopic(t, topic, partitions)
	events, err := io.ReadAll(flights.Events())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.folder, "events.ndjson.gz")
	if err := os.WriteFile(file, events, 0o600); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	if code := run(t.Context(), []string{"emit", "--brokers", s.brokers[0], "--events", file, "--topic", topic}, &output, &output); code != 0 {
		t.Fatalf("emit ended with exit code %d: %s", code, output.String())
	}
}

// records reads a topic, read committed, until done says so, and then for a
// moment longer, so that what comes twice is seen. It fails when no instance is
// left that could write more.
func (s *stack) records(t *testing.T, topic string, timeout time.Duration, done func([]*kgo.Record) bool) []*kgo.Record {
	t.Helper()
	client := s.client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.UnknownTopicRetries(-1),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(time.Second), kgo.FetchMaxBytes(16<<20))
	var all []*kgo.Record
	deadline := time.Now().Add(timeout)
	for !done(all) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
		if fetches.NumRecords() == 0 && (time.Now().After(deadline) || !s.anyRuns()) {
			t.Fatalf("topic %s: %d records after %v", topic, len(all), timeout-time.Until(deadline))
		}
		all = append(all, fetches.Records()...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	for ctx.Err() == nil {
		all = append(all, client.PollFetches(ctx).Records()...)
	}
	return all
}

// verdicts reads so many verdicts, and fails for one that was published twice.
func (s *stack) verdicts(t *testing.T, name string, count int) map[string][]byte {
	t.Helper()
	values := make(map[string][]byte)
	for _, r := range s.records(t, name+".verdicts", 3*time.Minute, func(all []*kgo.Record) bool { return len(all) >= count }) {
		if _, twice := values[string(r.Key)]; twice {
			t.Errorf("verdict %s was published twice", r.Key)
		}
		values[string(r.Key)] = r.Value
	}
	if len(values) != count {
		t.Errorf("%d verdicts, want %d", len(values), count)
	}
	return values
}

// sameVerdicts compares values byte for byte.
func sameVerdicts(t *testing.T, got, want map[string][]byte) {
	t.Helper()
	for key, value := range want {
		switch {
		case got[key] == nil:
			t.Errorf("verdict %s is missing", key)
		case !bytes.Equal(got[key], value):
			t.Errorf("verdict %s differs:\n%s\nwant\n%s", key, excerptAround(got[key], value), excerptAround(value, got[key]))
		}
	}
	for key := range got {
		if want[key] == nil {
			t.Errorf("verdict %s should not be there", key)
		}
	}
}

// excerptAround shows where a differs from b.
func excerptAround(a, b []byte) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return "…" + string(a[max(0, i-150):min(len(a), i+150)]) + "…"
}

// decoded is a verdict as a reader of the topic sees it.
type decoded struct {
	Window struct {
		Start string `json:"start"`
	} `json:"window"`
	Events     uint64                    `json:"events"`
	Late       uint64                    `json:"late"`
	Features   map[string]decodedFeature `json:"features"`
	Prediction *decodedFeature           `json:"prediction"`
}

type decodedFeature struct {
	N              uint64   `json:"n"`
	Missing        uint64   `json:"missing"`
	Mean           *float64 `json:"mean"`
	Test           string   `json:"test"`
	Method         string   `json:"method"`
	PMethod        string   `json:"p_method"`
	Statistic      *float64 `json:"statistic"`
	StatisticError *float64 `json:"statistic_error"`
	P              *float64 `json:"p_value"`
	Effect         *float64 `json:"effect"`
	NewCategories  []string `json:"new_categories"`
}

func decodeVerdict(t *testing.T, data []byte) decoded {
	t.Helper()
	var v decoded
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("a verdict is no JSON: %v: %s", err, data)
	}
	return v
}

func (d decoded) all() map[string]decodedFeature {
	all := make(map[string]decodedFeature, len(d.Features)+1)
	for name, f := range d.Features {
		all[name] = f
	}
	if d.Prediction != nil {
		all["prediction"] = *d.Prediction
	}
	return all
}

func near(a, b, relative float64) bool {
	return a == b || math.Abs(a-b) <= relative*max(math.Abs(a), math.Abs(b))
}

// waitFor waits until an instance has written a text.
func (i *instance) waitFor(text string) {
	i.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !strings.Contains(i.output.String(), text) {
		select {
		case <-i.done:
			i.t.Fatalf("the instance ended without writing %q:\n%s", text, i.output)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			i.t.Fatalf("the instance has not written %q:\n%s", text, i.output)
		}
	}
}
