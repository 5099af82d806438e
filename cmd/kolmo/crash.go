//go:build crashpoints

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// crashVariable names the step at which this program kills itself, and at which
// passing: "after blobs:3". It takes a program built with -tags crashpoints.
const crashVariable = "KOLMO_CRASH_AT"

// crashPoint is what the service calls at every step.
func crashPoint() (func(step string), error) {
	text := os.Getenv(crashVariable)
	if text == "" {
		return nil, nil
	}
	name, times, found := strings.Cut(text, ":")
	count, err := strconv.ParseInt(times, 10, 64)
	if !found || err != nil || count < 1 {
		return nil, fmt.Errorf("%s is %q: want a step and a number from 1, as in \"after blobs:3\"", crashVariable, text)
	}
	var passed atomic.Int64
	return func(step string) {
		if step == name && passed.Add(1) == count {
			fmt.Fprintf(os.Stderr, "crashing %s\n", text)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more happens in this goroutine
		}
	}, nil
}
