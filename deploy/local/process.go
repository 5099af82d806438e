//go:build unix

package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one running server: a child of this program, or a detached one found again by its record.
type process struct {
	pid int
	// mark is an argument only this server's command line has (the path of its configuration). A process id
	// is used again after its process has ended; no signal is sent to a process without the mark.
	mark string
	// ended is closed when a child has been waited for; nil for a process that is not a child.
	ended chan struct{}
}

// launch starts command as a server whose command line contains mark.
func launch(command *exec.Cmd, mark string, detached bool) (*process, error) {
	command.SysProcAttr = processAttributes(detached)
	p := &process{mark: mark, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel's parent-death signal follows the thread that started the child, not the program: the
		// thread must stay as long as the child does. It is unlocked in the end, since a thread that is
		// given up with its goroutine takes along what others have started on it before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err != nil {
			return
		}
		// How it ended says nothing to anyone: a server that should not have ended has written why to its log.
		_ = command.Wait()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = command.Process.Pid
	return p, nil
}

// alive reports whether the process is still there and still the same one.
func (p *process) alive() bool {
	if p.ended != nil {
		select {
		case <-p.ended:
			return false
		default:
			return true
		}
	}
	return strings.Contains(commandLine(p.pid), p.mark)
}

// signal sends s to the process; a process that has ended is no error.
func (p *process) signal(s syscall.Signal) error {
	if !p.alive() {
		return nil
	}
	if err := syscall.Kill(p.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %v to process %d: %w", s, p.pid, err)
	}
	return nil
}

// wait returns when the process has ended, or with ctx's error.
func (p *process) wait(ctx context.Context) error {
	if p.ended != nil {
		select {
		case <-p.ended:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for p.alive() {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// commandLine returns the arguments of a process, or "" when there is no such process, or only its remains
// that nobody has waited for yet.
func commandLine(pid int) string {
	if runtime.GOOS == "linux" {
		raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if err != nil {
			return ""
		}
		return strings.ReplaceAll(string(raw), "\x00", " ")
	}
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return string(out)
}
