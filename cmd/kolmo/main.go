// Kolmo watches machine-learning models in production: it compares what they
// see with what they were trained on, and tells people when it has changed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	redislog "github.com/redis/go-redis/v9/logging"
)

// Exit codes.
const (
	exitFine    = 0
	exitFailed  = 1
	exitUsage   = 2 // bad usage or a bad configuration
	exitDrifted = 3 // check found drift, backtest a page
)

func main() {
	// The Redis client's own log repeats what its callers are told as errors.
	redislog.Disable()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program, but for the process it runs in.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitFine
	}
	var exit *exitError
	if errors.As(err, &exit) {
		if exit.err != nil {
			_, _ = fmt.Fprintf(stderr, "kolmo: %v\n", exit.err)
		}
		return exit.code
	}
	// What cobra itself refuses is usage.
	_, _ = fmt.Fprintf(stderr, "kolmo: %v\n", err)
	return exitUsage
}

// exitError is an error with an exit code of its own. A nil err says nothing
// more: all has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// failed marks an error as the program's failure.
func failed(err error) error {
	if err == nil {
		return nil
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return err
	}
	return &exitError{code: exitFailed, err: err}
}
