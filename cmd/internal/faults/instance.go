//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A fleet keeps instances of kolmo run running: one that dies is started again.
// Each has a place, which has one log file for all that run there one after the
// other.
type fleet struct {
	binary, config, dir string

	mu    sync.Mutex
	seats []*seat // guarded by mu
	// unexplained are ends that nobody asked for and whose log names no cause;
	// ended counts those that a line of the log explains. Guarded by mu.
	unexplained []string
	ended       []string
}

// A seat is where instances run, one at a time.
type seat struct {
	fleet  *fleet
	number int

	mu          sync.Mutex
	wanted      bool      // one that ends is followed by another; guarded by mu
	environment []string  // of the next one to start; guarded by mu
	ran         *instance // the first one since run was called; guarded by mu
	current     *instance // the last one started; guarded by mu
	idle        chan struct{}
}

// An instance is one process.
type instance struct {
	process *os.Process
	done    chan struct{} // closed when it has ended
	begins  int64         // where its part of the log begins
	log     string
	// deliberate: somebody has sent it a signal to end. Guarded by the seat's mu.
	deliberate bool
	state      *os.ProcessState // valid once done
}

// add gives the fleet one more seat, with an instance on it.
func (f *fleet) add() *seat {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &seat{fleet: f, number: len(f.seats)}
	f.seats = append(f.seats, s)
	s.run()
	return s
}

func (f *fleet) all() []*seat {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*seat{}, f.seats...)
}

// run has an instance run until stop or crash. The first one has the environment;
// those that follow it do not.
func (s *seat) run(environment ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.environment = environment
	if s.wanted {
		return // the next one has it
	}
	s.wanted, s.ran, s.idle = true, nil, make(chan struct{})
	go s.supervise(s.idle)
}

func (s *seat) supervise(idle chan struct{}) {
	// The kernel's parent-death signal follows the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(idle)
	for {
		i, err := s.start()
		if err != nil {
			s.fleet.unexplain(fmt.Sprintf("instance %d could not be started: %v", s.number, err))
			return
		}
		<-i.done
		s.mu.Lock()
		again, deliberate := s.wanted, i.deliberate
		s.mu.Unlock()
		if !deliberate {
			s.fleet.explain(s.number, i)
		}
		if !again {
			return
		}
		_ = pause(context.Background(), 200*time.Millisecond) // that context never ends
	}
}

func (s *seat) start() (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.fleet.dir, fmt.Sprintf("kolmo-%d.log", s.number))
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	begins, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("finding the end of a log: %w", err)
	}
	command := exec.Command(s.fleet.binary, "run", "--config", s.fleet.config)
	command.Env = append(os.Environ(), s.environment...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = processAttributes()
	s.environment = nil
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting kolmo: %w", err)
	}
	i := &instance{process: command.Process, done: make(chan struct{}), begins: begins, log: path}
	s.current = i
	if s.ran == nil {
		s.ran = i
	}
	go func() {
		_ = command.Wait() // how it ended is in its state
		i.state = command.ProcessState
		close(i.done)
	}()
	return i, nil
}

// output is what an instance has written.
func (i *instance) output() string {
	file, err := os.Open(i.log)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }() // read only
	if _, err := file.Seek(i.begins, io.SeekStart); err != nil {
		return err.Error()
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// output is what the first instance has written since run was called, and those
// that followed it.
func (s *seat) output() string {
	s.mu.Lock()
	first := s.ran
	s.mu.Unlock()
	if first == nil {
		return ""
	}
	return first.output()
}

func (i *instance) ended() bool {
	select {
	case <-i.done:
		return true
	default:
		return false
	}
}

var crashed = regexp.MustCompile(`(?m)^crashing (.+)$`)

// explain looks in the log for why an instance has ended.
func (f *fleet) explain(number int, i *instance) {
	output := strings.TrimRight(i.output(), "\n")
	if crashed.MatchString(output) {
		return
	}
	last := output[strings.LastIndexByte(output, '\n')+1:]
	if strings.HasPrefix(last, "kolmo: ") {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.ended = append(f.ended, last)
		return
	}
	f.unexplain(fmt.Sprintf("instance %d ended (%v) without saying why; its last line: %s", number, i.state, last))
}

func (f *fleet) unexplain(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unexplained = append(f.unexplained, what)
}

// instance is the one that runs, or ran last.
func (s *seat) instance() *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// crash ends the instance with SIGKILL, in the middle of whatever it does; another
// follows it.
func (s *seat) crash() {
	s.mu.Lock()
	i := s.current
	if i != nil {
		i.deliberate = true
	}
	s.mu.Unlock()
	if i != nil {
		_ = i.process.Kill() // it may have ended
		<-i.done
	}
}

// signal sends a signal to the instance, which may have ended.
func (s *seat) signal(sig syscall.Signal) {
	if i := s.instance(); i != nil {
		_ = i.process.Signal(sig)
	}
}

// stopTimeout is how long an instance may take to end in good order. It gives
// partitions 10 seconds, shards less.
const stopTimeout = 30 * time.Second

var errHangs = errors.New("it did not end within 30 s of SIGTERM and was killed")

// stop ends the instance in good order; none follows.
func (s *seat) stop() error {
	s.mu.Lock()
	i, idle := s.current, s.idle
	wanted := s.wanted
	s.wanted = false
	if i != nil {
		i.deliberate = true
	}
	s.mu.Unlock()
	if !wanted || i == nil {
		return nil
	}
	if err := i.process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping instance %d: %w", s.number, err)
	}
	select {
	case <-i.done:
	case <-time.After(stopTimeout):
		_ = i.process.Kill()
		<-i.done
		return fmt.Errorf("instance %d: %w", s.number, errHangs)
	}
	<-idle
	if code := i.state.ExitCode(); code != 0 && !strings.Contains(i.output(), "kolmo: ") {
		return fmt.Errorf("instance %d ended with %v after SIGTERM", s.number, i.state)
	}
	return nil
}

// kill ends the instance at once; none follows.
func (s *seat) kill() {
	s.mu.Lock()
	s.wanted = false
	idle := s.idle
	s.mu.Unlock()
	s.crash()
	if idle != nil {
		<-idle
		s.crash() // one that was started in between
	}
}

var runsAt = regexp.MustCompile(`msg="kolmo runs".* address=(http://\S+)`)

// ready waits until the instance runs, and returns its address.
func (s *seat) ready(ctx context.Context) (string, error) {
	address := ""
	err := until(ctx, time.Minute, 50*time.Millisecond, func() (bool, error) {
		i := s.instance()
		if i == nil {
			return false, nil
		}
		found := runsAt.FindStringSubmatch(i.output())
		if found == nil || i.ended() {
			return false, nil
		}
		address = found[1]
		return true, nil
	})
	if err != nil {
		return "", fmt.Errorf("waiting for instance %d to run: %w", s.number, err)
	}
	return address, nil
}
