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
// passing: "after blobs:3"; stopVariable, at which it stops until somebody lets it
// go on. They take a program built with -tags crashpoints.
const (
	crashVariable = "KOLMO_CRASH_AT"
	stopVariable  = "KOLMO_STOP_AT"
)

// crashPoint is what the service calls at every step.
func crashPoint() (func(step string), error) {
	crash, err := pointIn(crashVariable, func(text string) {
		fmt.Fprintf(os.Stderr, "crashing %s\n", text)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing more happens in this goroutine
	})
	if err != nil {
		return nil, err
	}
	stop, err := pointIn(stopVariable, func(text string) {
		fmt.Fprintf(os.Stderr, "stopping %s\n", text)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	})
	switch {
	case err != nil:
		return nil, err
	case crash == nil:
		return stop, nil
	case stop == nil:
		return crash, nil
	}
	return func(step string) { stop(step); crash(step) }, nil
}

// pointIn reads the step and the passing from a variable; nil when it is not set.
func pointIn(variable string, act func(text string)) (func(step string), error) {
	text := os.Getenv(variable)
	if text == "" {
		return nil, nil
	}
	name, times, found := strings.Cut(text, ":")
	count, err := strconv.ParseInt(times, 10, 64)
	if !found || err != nil || count < 1 {
		return nil, fmt.Errorf("%s is %q: want a step and a number from 1, as in \"after blobs:3\"", variable, text)
	}
	var passed atomic.Int64
	return func(step string) {
		if step == name && passed.Add(1) == count {
			act(text)
		}
	}, nil
}
