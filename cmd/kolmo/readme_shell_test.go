package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shellCommands are the commands of the fenced sh blocks of a document, in its
// order. A command goes on while a quote, a here-document or a line ending in a
// backslash is open.
func shellCommands(t *testing.T, document string) []string {
	t.Helper()
	var commands, open []string
	inside, end := false, ""
	for line := range strings.Lines(document) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case !inside:
			inside = line == "```sh"
			continue
		case line == "```":
			if len(open) > 0 {
				t.Fatalf("the block ends inside a command:\n%s", strings.Join(open, "\n"))
			}
			inside = false
			continue
		}
		open = append(open, line)
		if _, word, found := strings.Cut(line, "<<'"); found && end == "" {
			end = strings.TrimSuffix(word, "'")
			continue
		}
		if end != "" && line != end {
			continue
		}
		command := strings.Join(open, "\n")
		if end == "" && (strings.HasSuffix(line, `\`) || strings.Count(command, "'")%2 == 1) {
			continue
		}
		commands, open, end = append(commands, command), nil, ""
	}
	return commands
}

// terminal is a shell that is typed into, so that what one command sets the
// next one finds.
type terminal struct {
	t      *testing.T
	in     io.Writer
	lines  chan string // what the shell writes, both outputs; closed at its end
	number int
}

// openTerminal starts a shell in a folder. It ends with the test.
func openTerminal(t *testing.T, folder string, environment ...string) *terminal {
	t.Helper()
	c := exec.Command("sh")
	c.Dir, c.Env = folder, append(os.Environ(), environment...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer := io.Pipe()
	c.Stdout, c.Stderr = writer, writer
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s := &terminal{t: t, in: in, lines: make(chan string, 1<<16)}
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // what it started may still run
		_ = c.Wait()                                      // killed
		_ = writer.Close()                                // never fails
	})
	return s
}

// typed runs a command and returns what it wrote and its exit code.
func (s *terminal) typed(command string) (output string, code int) {
	s.t.Helper()
	s.number++
	mark := fmt.Sprintf("--- command %d has ended with ", s.number)
	if _, err := fmt.Fprintf(s.in, "%s\nprintf '\\n%s%%d\\n' $?\n", command, mark); err != nil {
		s.t.Fatalf("typing %q: %v", command, err)
	}
	var all strings.Builder
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case line, ok := <-s.lines:
			if rest, ended := strings.CutPrefix(line, mark); ended {
				code, err := strconv.Atoi(rest)
				if err != nil {
					s.t.Fatal(err)
				}
				return all.String(), code
			}
			if !ok {
				s.t.Fatalf("the shell ended during %q:\n%s", command, all.String())
			}
			all.WriteString(line + "\n")
		case <-deadline:
			s.t.Fatalf("%q has not ended:\n%s", command, all.String())
		}
	}
}

// background runs a command that ends when it is told to: interrupt sends what
// Ctrl-C sends, and waits.
type background struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *lockedBuffer
	done   chan struct{}
}

func inBackground(t *testing.T, folder, command string) *background {
	t.Helper()
	b := &background{t: t, cmd: exec.Command("sh", "-c", "exec "+command), output: &lockedBuffer{}, done: make(chan struct{})}
	b.cmd.Dir, b.cmd.Stdout, b.cmd.Stderr = folder, b.output, b.output
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = b.cmd.Wait() // how it ended is asked for where it matters
		close(b.done)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) // it has usually ended
		<-b.done
	})
	return b
}

// waitFor waits until all texts have been written.
func (b *background) waitFor(texts ...string) {
	b.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for _, text := range texts {
		for !strings.Contains(b.output.String(), text) {
			select {
			case <-b.done:
				b.t.Fatalf("%v ended without writing %q:\n%s", b.cmd, text, b.output)
			case <-time.After(20 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				b.t.Fatalf("%v has not written %q:\n%s", b.cmd, text, b.output)
			}
		}
	}
}

func (b *background) interrupt() {
	b.t.Helper()
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGINT) // whether it has ended is seen below
	select {
	case <-b.done:
	case <-time.After(30 * time.Second):
		b.t.Fatalf("%v did not end within 30 s of Ctrl-C:\n%s", b.cmd, b.output)
	}
}
