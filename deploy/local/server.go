//go:build unix

package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startTimeout is how long a server may take until it answers, unless the caller's context ends sooner. It is
// long because a machine that compiles and runs other tests at the same time is slow.
const startTimeout = 2 * time.Minute

// server is what they all have in common: a process that can be stopped, killed, paused and started
// again with the same command line in the same folder. Its methods may be called from several goroutines.
type server struct {
	name     string   // "Kafka", "Redis", "Alertmanager" or "Prometheus", for errors
	dir      string   // absolute: configuration, data, log, record
	argv     []string // the command line, the configuration's path among its arguments
	config   string   // absolute path of the configuration: the mark in the command line
	port     int
	detached bool
	// answers returns nil when the server serves requests.
	answers func(ctx context.Context) error

	mu      sync.Mutex
	process *process // nil before the first start
}

// Addr returns the address to connect to, "127.0.0.1:port". It stays the same over restarts.
func (s *server) Addr() string { return loopback(s.port) }

// Port returns the TCP port of 127.0.0.1 that the server listens on.
func (s *server) Port() int { return s.port }

// Dir returns the absolute path of the folder that holds the server's configuration, data and log.
func (s *server) Dir() string { return s.dir }

// LogFile returns the path of the file that the server's output is appended to.
func (s *server) LogFile() string { return filepath.Join(s.dir, strings.ToLower(s.name)+".log") }

// PID returns the id of the server's process, and 0 when it does not run.
func (s *server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil || !s.process.alive() {
		return 0
	}
	return s.process.pid
}

// Stop asks the server to end in good order and returns when its process is gone. When ctx ends first the
// process is killed and the error says so. Stopping a server that does not run is no error.
func (s *server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop(ctx)
}

func (s *server) stop(ctx context.Context) error {
	if s.process == nil {
		return nil
	}
	// A paused process receives SIGTERM only after it is resumed.
	if err := errors.Join(s.process.signal(syscall.SIGTERM), s.process.signal(syscall.SIGCONT)); err != nil {
		return fmt.Errorf("stopping %s in %s: %w", s.name, s.dir, err)
	}
	if err := s.process.wait(ctx); err != nil {
		return errors.Join(fmt.Errorf("stopping %s in %s: it had not ended in time (%w) and was killed", s.name, s.dir, err), s.kill())
	}
	return s.removeRecord()
}

// Kill ends the server at once, as a power cut would (what the operating system holds in its caches survives),
// and returns when its process is gone. Restart starts it again on the same data.
func (s *server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	return s.kill()
}

func (s *server) kill() error {
	if err := s.process.signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing %s in %s: %w", s.name, s.dir, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.process.wait(ctx); err != nil {
		return fmt.Errorf("killing %s in %s: process %d is still there 30 s after SIGKILL: %w", s.name, s.dir, s.process.pid, err)
	}
	return s.removeRecord()
}

// Pause freezes the server: its connections stay open and nothing is answered until Resume.
func (s *server) Pause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil || !s.process.alive() {
		return fmt.Errorf("pausing %s in %s: it does not run", s.name, s.dir)
	}
	return s.process.signal(syscall.SIGSTOP)
}

// Resume lets a paused server go on. Resuming one that is not paused does nothing.
func (s *server) Resume() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil || !s.process.alive() {
		return fmt.Errorf("resuming %s in %s: it does not run", s.name, s.dir)
	}
	return s.process.signal(syscall.SIGCONT)
}

// Restart stops the server if it runs, starts it again on the same port and data, and returns when it answers.
// A server found by FindKafka or FindRedis cannot be restarted: the options it was started with are not known.
func (s *server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.argv) == 0 {
		return fmt.Errorf("restarting %s in %s: it was started by another program; stop it and start it anew", s.name, s.dir)
	}
	if err := s.stop(ctx); err != nil {
		return err
	}
	return s.start(ctx)
}

// start launches the process and waits until it answers. When it does not, the process is gone and the error
// carries the end of its log.
func (s *server) start(ctx context.Context) error {
	log, err := os.OpenFile(s.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("starting %s: %w", s.name, err)
	}
	defer log.Close() // the child has its own descriptor; nothing was written through this one
	command := exec.Command(s.argv[0], s.argv[1:]...)
	command.Dir = s.dir
	command.Stdout, command.Stderr = log, log
	s.process, err = launch(command, s.config, s.detached)
	if err != nil {
		return fmt.Errorf("starting %s with %s: %w", s.name, s.argv[0], err)
	}
	if err := s.writeRecord(); err != nil {
		return err
	}
	if err := s.awaitAnswer(ctx); err != nil {
		return errors.Join(fmt.Errorf("starting %s on %s: %w; the end of %s:\n%s", s.name, s.Addr(), err, s.LogFile(), s.LogTail(25)), s.kill())
	}
	return nil
}

// awaitAnswer returns nil when the server serves requests, and an error when its process ends or time is up.
func (s *server) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %v", startTimeout))
	defer cancel()
	for {
		if !s.process.alive() {
			return errEndedEarly
		}
		err := s.answers(ctx)
		if err == nil && s.process.alive() { // else another server answered on a port this one could not have
			return nil
		}
		if stopped := pause(ctx, 20*time.Millisecond); stopped != nil {
			return errors.Join(stopped, err)
		}
	}
}

var errEndedEarly = errors.New("the process ended before it answered")

// LogTail returns the last n lines of the server's log, for error messages and failed tests.
func (s *server) LogTail(n int) string {
	raw, err := os.ReadFile(s.LogFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
