package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

const anyModel = "    window: {size: 1h}\n"

// TestEnvironmentProblems: whatever is wrong around the program, it says so in a
// sentence that names what to do, and ends.
func TestEnvironmentProblems(t *testing.T) {
	s := newStack(t)
	s.createTopic(t, "predictions", 1)
	evicting := servers.Redis(t, func(o *local.RedisOptions) {
		o.Settings = map[string]string{"maxmemory-policy": "allkeys-lru"}
	}).Addr()
	locked := servers.Redis(t, func(o *local.RedisOptions) {
		o.Settings = map[string]string{"requirepass": "the-right-one"}
	}).Addr()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })

	config := s.write(t, setup{name: "environment", inputs: "{predictions: [predictions]}", model: anyModel})
	redisAt := "addresses: [" + strconv.Quote(s.redis) + "]"
	for _, test := range []struct {
		name          string
		text, instead string
		code          int
		says          []string
		lines         int
	}{
		{"a bad configuration", "checkpoint_every: 300ms", "checkpoint_evry: 300ms\nlisten: nowhere\nredis: {}",
			exitUsage, []string{"environment-edited.yaml:10:1: checkpoint_evry", "did you mean checkpoint_every", ":11:1: listen", ":12:1: redis", "has 3 problems"}, 4},
		{"no broker", s.brokers[0], closedPort(t), exitFailed, []string{"no Kafka broker can be reached", "kafka.brokers"}, 1},
		{"no Redis", redisAt, "addresses: [" + strconv.Quote(closedPort(t)) + "]", exitFailed, []string{"Redis at 127.0.0.1:", "redis.addresses"}, 1},
		{"a broker that says nothing", s.brokers[0], taken.Addr().String(), exitFailed, []string{"no Kafka broker can be reached", "kafka.brokers"}, 1},
		{"a Redis that says nothing", redisAt, "addresses: [" + strconv.Quote(taken.Addr().String()) + "]", exitFailed, []string{"Redis at 127.0.0.1:", "redis.addresses"}, 1},
		{"no input topic", "[predictions]", "[elsewhere]", exitFailed, []string{`topic "elsewhere"`, "kafka-topics.sh --create", "kafka.inputs"}, 1},
		{"a Redis that evicts", redisAt, "addresses: [" + strconv.Quote(evicting) + "]", exitFailed, []string{"allkeys-lru", "config set maxmemory-policy noeviction"}, 1},
		{"no password", redisAt, "addresses: [" + strconv.Quote(locked) + "]", exitFailed, []string{"Redis at " + locked, "redis.password_file"}, 1},
		{"a wrong password", redisAt, "addresses: [" + strconv.Quote(locked) + "], password: the-wrong-one", exitFailed, []string{"Redis at " + locked, "redis.password_file"}, 1},
		{"no output topic", "environment.dead-letters}\n  create_outputs: {partitions: 3}", "nowhere}\n  create_outputs: {enabled: false}", exitFailed, []string{`output topic "nowhere"`, "create it", "kafka.create_outputs"}, 1},
		{"a port that is taken", "listen: 127.0.0.1:0", "listen: " + taken.Addr().String(), exitFailed, []string{taken.Addr().String(), "address already in use", "listen in the configuration"}, 1},
		{"a reference that is missing", anyModel, anyModel + "    reference: {kind: fixed, file: nowhere.csv}\n", exitUsage, []string{"environment-edited.yaml:15:36: ", "nowhere.csv", "does not exist", "kolmo reference load", "has 1 problem"}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			output, code := endsBySelf(t, "run", "--config", editConfig(t, config, test.text, test.instead))
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if lines := strings.Count(output, "\n"); lines == 0 || lines > test.lines || len(output) > 1000 || !strings.Contains(output, "kolmo: ") {
				t.Errorf("%d lines, want 1 to %d", lines, test.lines)
			}
			for _, words := range test.says {
				if !strings.Contains(output, words) {
					t.Errorf("nothing is said of %q", words)
				}
			}
			if strings.Contains(output, "the-wrong-one") || strings.Contains(output, "goroutine ") {
				t.Error("it says more than it should")
			}
			t.Logf("it says:\n%s", output)
		})
	}
	// That was about the environment: in the right one it runs.
	i := s.run(t, config)
	i.waitFor("partition claimed")
	i.stop()
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	port, err := local.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// endsBySelf runs the program and fails when it does not end within 20 s.
func endsBySelf(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	var b bytes.Buffer
	c := program(args...)
	c.Stdout, c.Stderr = &b, &b
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(20*time.Second, func() { _ = c.Process.Kill() }) // it may just have ended
	err := c.Wait()
	if !stop.Stop() {
		t.Fatalf("it did not end within 20 s, and wrote:\n%s", b.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return b.String(), c.ProcessState.ExitCode()
}

// TestIdleServiceIsSmall: a service without events costs little.
func TestIdleServiceIsSmall(t *testing.T) {
	s := newStack(t)
	s.createTopic(t, "predictions", 4)
	config := s.write(t, setup{name: "idle", inputs: "{predictions: [predictions]}", model: anyModel})
	listen := closedPort(t)
	config = editConfig(t, config, "listen: 127.0.0.1:0", "listen: "+listen)

	path := build(t)
	var i *instance
	for _, start := range []string{"the first start", "a start that finds its topics"} {
		if i != nil {
			i.stop()
		}
		began := time.Now()
		i = startProgram(t, path, "run", "--config", config)
		ready := awaitReady(t, i, "http://"+listen+"/-/ready").Sub(began)
		t.Logf("%s: ready after %v", start, ready.Round(time.Millisecond))
		if ready > 5*time.Second {
			t.Errorf("%s: ready only after %v", start, ready)
		}
	}
	<-time.After(5 * time.Second) // what idling for a while leaves
	if rss := residentMemory(t, i.cmd.Process.Pid); rss > 50<<20 {
		t.Errorf("an idle service holds %d kB, want at most %d", rss>>10, 50<<10)
	} else {
		t.Logf("an idle service holds %.1f MB", float64(rss)/1e6)
	}
	i.stop()
}

// startProgram starts a program that was built.
func startProgram(t *testing.T, path string, args ...string) *instance {
	t.Helper()
	i := &instance{t: t, cmd: exec.Command(path, args...), output: &lockedBuffer{}, done: make(chan struct{})}
	i.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	i.cmd.Stdout, i.cmd.Stderr = i.output, i.output
	if err := i.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = i.cmd.Wait() // how it ended is asked for where it matters
		close(i.done)
	}()
	t.Cleanup(i.kill)
	return i
}

// awaitReady polls until the service says that it is ready.
func awaitReady(t *testing.T, i *instance, url string) time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close() // read only
			if response.StatusCode == http.StatusOK {
				return time.Now()
			}
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-i.done:
			t.Fatalf("it ended:\n%s", i.output)
		case <-ctx.Done():
			t.Fatalf("it is not ready: %v, and wrote:\n%s", err, i.output)
		}
	}
}

// residentMemory is a process's memory in bytes.
func residentMemory(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatalf("no VmRSS in\n%s", data)
	return 0
}
