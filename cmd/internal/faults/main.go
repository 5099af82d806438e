//go:build unix

// Command faults proves kolmo's promise under faults: that what it publishes is a
// function of the input topics, once each, whatever crashes, is paused, or lost.
//
//	go run ./cmd/internal/faults                          as make faults runs it
//	go run ./cmd/internal/faults --faults flushall --seed 7
//
// For every fault it starts a Kafka, a Redis and three instances of kolmo run, feeds
// them a load whose answer the single-threaded reference program computes, brings
// the fault about again and again, and compares the verdicts, the alerts and the
// dead letters with the answer. The exit code is 1 when anything was lost, duplicated
// or wrong.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	redislog "github.com/redis/go-redis/v9/logging"
	"github.com/rs/zerolog"
)

func main() {
	// The Redis client's own log repeats what its callers are told as errors.
	redislog.Disable()
	zerolog.SetGlobalLevel(zerolog.Disabled) // the proxies' log
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are what the command line says.
type options struct {
	seed    uint64
	names   []string // of faults; empty: all
	repeats int
	keep    bool // the logs of rows without a failure, too
}

func parse(arguments []string, stderr io.Writer) (options, error) {
	o := options{repeats: 20}
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Uint64Var(&o.seed, "seed", 0, "seed of the load and of when faults come; 0 draws one, and prints it")
	names := flags.String("faults", "", "names of faults, separated by commas; all if empty")
	flags.IntVar(&o.repeats, "repeats", o.repeats, "how often each fault comes")
	flags.BoolVar(&o.keep, "keep", false, "keep the logs of every row; those of a row that failed are always kept")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if o.repeats < 1 {
		return o, fmt.Errorf("--repeats is %d: at least 1", o.repeats)
	}
	if *names != "" {
		o.names = strings.Split(*names, ",")
	}
	for o.seed == 0 {
		o.seed = rand.Uint64() >> 32 // short enough to be typed
	}
	return o, nil
}

// choose finds the faults of these names.
func choose(names []string) ([]fault, error) {
	all := faults()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []fault
	for _, name := range names {
		i := slices.IndexFunc(all, func(f fault) bool { return f.name == strings.TrimSpace(name) })
		if i < 0 {
			known := make([]string, len(all))
			for n, f := range all {
				known[n] = f.name
			}
			return nil, fmt.Errorf("there is no fault %q; there are %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	o, err := parse(arguments, stderr)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "faults: %v\n", err)
		return 2
	}
	chosen, err := choose(o.names)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "faults: %v\n", err)
		return 2
	}
	_, _ = fmt.Fprintf(stdout, "seed %d\n", o.seed)
	dir, err := os.MkdirTemp("", "kolmo-faults-")
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "faults: making a folder for the logs: %v\n", err)
		return 1
	}
	rows, err := runAll(ctx, o, chosen, dir, stderr)
	if len(rows) > 0 {
		printTable(stdout, rows)
	}
	_, _ = fmt.Fprintf(stdout, "\nseed %d\n", o.seed)
	failed := err != nil
	for _, r := range rows {
		failed = failed || r.failed()
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "faults: %v\n", err)
	}
	if failed {
		_, _ = fmt.Fprintf(stdout, "logs are in %s\n", dir)
		return 1
	}
	if o.keep {
		_, _ = fmt.Fprintf(stdout, "logs are in %s\n", dir)
	} else if err := os.RemoveAll(dir); err != nil {
		_, _ = fmt.Fprintf(stderr, "faults: removing the logs: %v\n", err)
	}
	return 0
}

// runAll runs the faults one after the other. Each has a folder, which stays when
// the fault did harm.
func runAll(ctx context.Context, o options, chosen []fault, dir string, progress io.Writer) ([]row, error) {
	binary := filepath.Join(dir, "kolmo")
	if err := build(ctx, binary); err != nil {
		return nil, err
	}
	var rows []row
	for _, f := range chosen {
		if ctx.Err() != nil {
			return rows, context.Cause(ctx)
		}
		folder := filepath.Join(dir, f.name)
		r := runFault(ctx, f, o, folder, binary, progress)
		rows = append(rows, r)
		_, _ = fmt.Fprintf(progress, "%s\n", r.line())
		for _, d := range r.details {
			_, _ = fmt.Fprintf(progress, "    %s\n", d)
		}
		if !r.failed() && !o.keep {
			if err := os.RemoveAll(folder); err != nil {
				return rows, fmt.Errorf("removing the logs of %s: %w", f.name, err)
			}
		}
	}
	return rows, nil
}
