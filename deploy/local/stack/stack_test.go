//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestStackGoesUpAndDownAsOftenAsAsked(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() { // whatever happened
		if _, err := command(t, "down", "--dir", dir); err != nil {
			t.Error(err)
		}
	})

	if out, err := command(t, "status", "--dir", dir); !errors.Is(err, errNotRunning) || out != nothingRuns {
		t.Fatalf("status before up: %q, %v", out, err)
	}
	first := mustRun(t, "up", "--dir", dir, "--kafka-port", "0", "--redis-port", "0")
	second := mustRun(t, "up", "--dir", dir, "--kafka-port", "0", "--redis-port", "0")
	if first != second {
		t.Errorf("the second up says\n%s, the first said\n%s", second, first)
	}
	if status := mustRun(t, "status", "--dir", dir); status != first {
		t.Errorf("status says\n%s, up said\n%s", status, first)
	}
	wantAnswers(t, first)

	for range 2 {
		if out := mustRun(t, "down", "--dir", dir); out != nothingRuns {
			t.Errorf("down says %q, want %q", out, nothingRuns)
		}
	}
	wantAnswers(t, mustRun(t, "up", "--dir", dir, "--kafka-port", "0", "--redis-port", "0"))
	mustRun(t, "down", "--dir", dir)
}

// A process id is used again after its process has ended: a stale record must not get another program killed.
func TestDownLeavesOtherProgramsAlone(t *testing.T) {
	dir := t.TempDir()
	redisDir := filepath.Join(dir, "redis")
	if err := os.Mkdir(redisDir, 0o755); err != nil {
		t.Fatal(err)
	}
	// The record names process 1, whose command line has no such configuration.
	stale := `{"pid":1,"port":6379,"config":"` + filepath.Join(redisDir, "redis.conf") + `"}`
	if err := os.WriteFile(filepath.Join(redisDir, "Redis.pid.json"), []byte(stale), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "down", "--dir", dir); out != nothingRuns {
		t.Errorf("down says %q, want %q", out, nothingRuns)
	}
}

func TestADamagedRecordIsAnErrorThatSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"", "{", `{"pid":0}`, `{"pid":5}`, `{"pid":-1,"config":"x"}`} {
		kafkaDir := filepath.Join(dir, "kafka")
		if err := os.MkdirAll(kafkaDir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(kafkaDir, "Kafka.pid.json"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := command(t, "status", "--dir", dir); err == nil || !strings.Contains(err.Error(), "remove the file") {
			t.Errorf("record %q: error %v", content, err)
		}
	}
}

const nothingRuns = "Kafka  does not run\nRedis  does not run\n"

func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := newCommand()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(t.Output())
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("stack %v: %v", args, err)
	}
	return out
}

// wantAnswers talks to both servers at the addresses that up has printed.
func wantAnswers(t *testing.T, report string) {
	t.Helper()
	addresses := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindAllString(report, -1)
	if len(addresses) != 2 {
		t.Fatalf("no two addresses in %q", report)
	}
	kafka, err := kgo.NewClient(kgo.SeedBrokers(addresses[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	if err := kafka.Ping(t.Context()); err != nil {
		t.Errorf("Kafka: %v", err)
	}
	client := redis.NewClient(&redis.Options{Addr: addresses[1]})
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("Redis: %v", err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}
