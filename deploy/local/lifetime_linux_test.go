package local_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

// The test program itself plays the parent whose death is watched: run with this variable set, it starts the
// servers in the folder that the variable names, prints their process ids and waits to be killed.
const parentVariable = "KOLMO_TEST_PARENT_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		if err := playParent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func playParent(dir string) error {
	kafka, err := local.StartKafka(context.Background(), local.KafkaOptions{Dir: filepath.Join(dir, "kafka")})
	if err != nil {
		return err
	}
	redis, err := local.StartRedis(context.Background(), local.RedisOptions{Dir: filepath.Join(dir, "redis")})
	if err != nil {
		return err
	}
	fmt.Println(kafka.PID(), redis.PID())
	select {}
}

func TestServersEndWithTheProgramThatStartedThem(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"="+t.TempDir())
	parent.Stderr = t.Output()
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the parent printed %q: %v", line, err)
	}
	pids := strings.Fields(line)
	if len(pids) != 2 {
		t.Fatalf("the parent printed %q, want two process ids", line)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it says that the parent was killed
	for _, pid := range pids {
		awaitEnd(t, pid)
	}
}

// awaitEnd returns when the process has ended, be it that nobody has waited for it yet.
func awaitEnd(t *testing.T, pid string) {
	t.Helper()
	if _, err := strconv.Atoi(pid); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		line, err := os.ReadFile("/proc/" + pid + "/cmdline")
		if err != nil || len(line) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("process %s outlived the program that started it by a minute: %q", pid, line)
		case <-tick.C:
		}
	}
}
