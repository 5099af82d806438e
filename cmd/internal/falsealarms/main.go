// Command falsealarms simulates a quiet year of a model with fifty features, and
// counts the pages that nobody should have had; then it moves values, and counts
// the windows until somebody is told.
//
//	go run ./cmd/internal/falsealarms            as make false-alarms runs it
//	go run ./cmd/internal/falsealarms --quick    in seconds, with fewer of everything
//
// Windows are closed by the service's own code. Beside it stand the default rules of
// two other programs on the same values. The exit code is 1 where a budget of false
// pages was not kept.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"text/tabwriter"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are how much is simulated.
type options struct {
	seed             uint64
	features, events int // per model, and per window
	referenceWindows int
	windows          int // of the quiet year
	peerWindows      int // of them, those that the peers see
	references       int // that detection begins from
	repeats          int // of a shift, from each reference
	watched          int // windows after a shift
}

func defaults() options {
	return options{
		seed: 1, features: 50, events: 1000, referenceWindows: 24, windows: 365 * 24, peerWindows: 1000,
		references: 4, repeats: 5, watched: 48,
	}
}

func quick(o options) options {
	o.features, o.windows, o.peerWindows, o.references, o.repeats, o.watched = 10, 300, 50, 1, 3, 8
	return o
}

func run(arguments []string, stdout, stderr io.Writer) int {
	o := defaults()
	flags := flag.NewFlagSet("falsealarms", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Uint64Var(&o.seed, "seed", o.seed, "seed of everything that is drawn")
	flags.IntVar(&o.events, "events", o.events, "events in a window")
	flags.IntVar(&o.windows, "windows", o.windows, "hourly windows without any change")
	fewer := flags.Bool("quick", false, "fewer features, windows and repeats")
	if err := flags.Parse(arguments); err != nil {
		return 2
	}
	if *fewer {
		o = quick(o)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	_, _ = fmt.Fprintf(stderr, "seed %d; %d features, %d events an hour, a reference of %d hours, %d hours without any change\n",
		o.seed, o.features, o.events, o.referenceWindows, o.windows)
	result, err := simulate(ctx, o)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "falsealarms: %v\n", err)
		return 1
	}
	result.print(stdout, o)
	if broken := result.broken(o); broken != "" {
		_, _ = fmt.Fprintf(stderr, "falsealarms: %s\n", broken)
		return 1
	}
	return 0
}

// rhos are the autocorrelations from one value to the next.
var rhos = []float64{0, 0.5, 0.9}

// shifts are in standard deviations.
var shifts = []float64{0.05, 0.1, 0.2, 0.5}

// A result is all that was simulated, in the order of rhos.
type result struct {
	years      []*quietYear
	detections [][]*detection
}

// simulate runs everything, as many at a time as there are processors.
func simulate(ctx context.Context, o options) (*result, error) {
	var cases []shiftCase
	for _, all := range []bool{false, true} {
		for _, shift := range shifts {
			cases = append(cases, shiftCase{shift, all})
		}
	}
	r := &result{years: make([]*quietYear, len(rhos)), detections: make([][]*detection, len(rhos))}
	failures := make([]error, 2*len(rhos))
	var group sync.WaitGroup
	for i, rho := range rhos {
		group.Go(func() { r.years[i], failures[2*i] = runQuietYear(ctx, o, rho) })
		group.Go(func() { r.detections[i], failures[2*i+1] = runDetection(ctx, o, rho, cases) })
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// broken names a budget that was not kept; empty where all were.
func (r *result) broken(o options) string {
	allowed := float64(o.windows) / hoursPerBudget
	for _, year := range r.years {
		for _, rule := range year.rules {
			if rule.settings.Budget.Pages > 0 && float64(rule.pages) > allowed {
				return fmt.Sprintf("ρ = %v: %q paged %d times, and its budget was %.1f", year.rho, rule.name, rule.pages, allowed)
			}
		}
	}
	return ""
}

func (r *result) print(w io.Writer, o options) {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(format string, values ...any) { _, _ = fmt.Fprintf(table, format, values...) }
	line("False pages in 30 days, nothing having changed\n")
	header(line, rhos)
	for i, rule := range r.years[0].rules {
		line("%s", rule.name)
		for _, year := range r.years {
			line("\t%.2f", perBudget(year.rules[i].pages, year.windows))
		}
		line("\n")
	}
	for i, peer := range r.years[0].peers {
		line("%s (flagged windows)", peer.name)
		for _, year := range r.years {
			line("\t%.2f", perBudget(year.peers[i].flagged, year.peers[i].windows))
		}
		line("\n")
	}
	for j, rho := range rhos {
		line("\nHours until a page (median of %d; − where half or more were not found in %d hours), ρ = %v\n", o.references*o.repeats, o.watched, rho)
		line("shift in standard deviations")
		for _, d := range r.detections[j] {
			line("\t%v of %d", d.shift, d.shifted)
		}
		line("\n")
		for i, name := range r.detections[j][0].names {
			line("%s", name)
			for _, d := range r.detections[j] {
				if delay, _ := d.median(i); delay < never {
					line("\t%d", delay)
				} else {
					line("\t−")
				}
			}
			line("\n")
		}
	}
	_ = table.Flush() // to a terminal or a test
}

func header(line func(string, ...any), rhos []float64) {
	line("autocorrelation ρ")
	for _, rho := range rhos {
		line("\t%v", rho)
	}
	line("\n")
}

func perBudget(pages, windows int) float64 {
	if windows == 0 {
		return 0
	}
	return float64(pages) * hoursPerBudget / float64(windows)
}
