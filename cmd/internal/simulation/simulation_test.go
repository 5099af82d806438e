package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kolmo-ml/kolmo/cmd/internal/service"
)

const (
	seedVariable = "KOLMO_SIMULATION_SEED" // the first seed
	runsVariable = "KOLMO_SIMULATION_RUNS" // how many seeds, that one included
	logVariable  = "KOLMO_SIMULATION_LOG"  // if set, what happened is told of runs that go well, too
)

// mended are seeds that once told of a mistake.
var mended = []uint64{52, 54, 93, 140, 343, 394, 463, 1235, 1299, 1455}

// seeds are those that the environment asks for, or the usual ones.
func seeds(t *testing.T) (list []uint64, usual bool) {
	t.Helper()
	number := func(name string, fallback uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return fallback
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	first, runs := number(seedVariable, 0), number(runsVariable, 0)
	usual = first == 0 && runs == 0
	switch {
	case usual:
		first, runs, list = 1, usualRuns, slices.DeleteFunc(slices.Clone(mended), func(seed uint64) bool { return seed <= usualRuns })
	case runs == 0:
		runs = 1
	}
	for seed := max(first, 1); runs > 0; seed, runs = seed+1, runs-1 {
		list = append(list, seed)
	}
	return list, usual
}

// What is published is what the reference program says, whatever befalls the
// instances, Redis and Kafka.
func TestFaults(t *testing.T) {
	struck := make(map[string]int)
	all, usual := seeds(t)
	for _, seed := range all {
		live(t, seed, struck)
		if t.Failed() {
			t.Fatalf("repeat it with %s=%d go test -run TestFaults ./cmd/internal/simulation", seedVariable, seed)
		}
	}
	t.Logf("%d runs; faults that struck: %v", len(all), struck)
	if n := struck[givenUp]; n > 1+len(all)/200 {
		t.Errorf("%d of %d runs were given up for a group that never got together again: more than kfake's mistake explains", n, len(all))
	}
	if !usual || usualRuns < 300 {
		return // too few for all to have happened
	}
	for _, kind := range kinds {
		if struck[kind] == 0 {
			t.Errorf("no fault of the kind %q struck in %d runs", kind, len(all))
		}
	}
	for _, step := range service.Steps() {
		if struck[step] == 0 {
			t.Errorf("no instance crashed at the step %q in %d runs", step, len(all))
		}
	}
}

// A seed decides everything that is put into a run.
func TestASeedMakesUpTheSameAgain(t *testing.T) {
	told := make(map[string]uint64)
	for seed := range uint64(200) {
		var texts [2]string
		for i := range texts {
			r := rand.New(rand.NewPCG(seed, 0))
			s := tell(r)
			texts[i] = scheme(r, s).String() + s.String()
		}
		if texts[0] != texts[1] {
			t.Errorf("seed %d makes up\n%s\nand then\n%s", seed, texts[0], texts[1])
		}
		if other, known := told[texts[0]]; known {
			t.Errorf("seeds %d and %d make up the same", seed, other)
		}
		told[texts[0]] = seed
	}
}

// stuck is how long a run may take by the clock on the wall: hundreds of times
// what it takes.
const stuck = 2 * time.Minute

// live lives through what a seed makes up, and counts the faults that struck.
func live(t *testing.T, seed uint64, struck map[string]int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	s := tell(r)
	p := scheme(r, s)
	log := &chronicle{}
	// A bubble's clock stands still while somebody is busy: only the real one tells.
	watchdog := time.AfterFunc(stuck, func() {
		panic(fmt.Sprintf("seed %d has come to no end in %v\n%s\n%s\n%s", seed, stuck, p, log, s))
	})
	defer watchdog.Stop()
	synctest.Test(t, func(t *testing.T) {
		log.began = time.Now()
		w, err := newWorld(s, p.brokers, log)
		if err != nil {
			t.Fatal(err)
		}
		c := newConductor(w, p)
		err = w.run(t.Context(), c)
		w.close()
		<-time.After(time.Minute) // what tries again in the background sees that it is closed
		for kind, n := range c.struck {
			struck[kind] += n
		}
		if errors.Is(err, errGroupWaits) && os.Getenv(seedVariable) == "" {
			struck[givenUp]++
			t.Logf("seed %d is given up: %v", seed, errGroupWaits)
		} else if err != nil {
			t.Errorf("seed %d: %v\n%s\n%s\n%s", seed, err, p, log, s)
		} else if os.Getenv(logVariable) != "" {
			t.Logf("seed %d\n%s\n%s\n%s", seed, p, log, s)
		}
	})
}

// run feeds the story to instances, and compares what they publish.
func (w *world) run(ctx context.Context, c *conductor) error {
	along, err := w.newReader()
	if err != nil {
		return err
	}
	defer along.close()
	c.begin()
	finish := sync.OnceFunc(c.finish)
	defer finish()
	begin := time.Now()
	for _, b := range w.story.batches {
		if wait := b.at - time.Since(begin); wait > 0 {
			<-time.After(wait)
		}
		if b.partition == len(w.logs) {
			if err := w.grow(ctx); err != nil {
				return err
			}
		}
		if err := w.produce(ctx, b); err != nil {
			return err
		}
	}
	w.log.add("the feed ends")
	want, err := w.settle(along)
	if err != nil {
		return err
	}
	finish()
	// Whoever reads afterwards finds the same as who read along.
	after, err := w.newReader()
	if err != nil {
		return err
	}
	defer after.close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := after.awaitEnd(ctx); err != nil {
		return err
	}
	if differences := after.differences(want); len(differences) > 0 {
		return fmt.Errorf("read afterwards: %s", strings.Join(differences, "\n"))
	}
	return nil
}

// errGroupWaits says that kfake counts one member more than a group has, and waits
// for it for good: it does so now and then when one that it has expired comes back
// in the middle of a rebalance. A broker would go on without.
var errGroupWaits = errors.New("a group of kfake's waits for a member that it does not have")

// givenUp counts the runs that ended so.
const givenUp = "given up"

// patience is how long a run may take to come to its end after the feed.
const patience = 2 * time.Minute

// settle waits until what was published is what the program says, and then for
// anything that may follow. The program goes by what the shards have decided,
// which they may do until the last window has closed.
func (w *world) settle(along *reader) (answer, error) {
	quiet := 0 // seconds
	for began := time.Now(); ; {
		logs, complete := along.input(w.logs, w.story.partitions)
		want, err := w.story.work(logs)
		if err != nil {
			return want, err
		}
		var problem error
		if differences := along.differences(want); len(differences) > 0 {
			problem = errors.New(strings.Join(differences, "\n"))
		}
		if quiet++; problem != nil {
			quiet = 0
		}
		switch {
		case complete && quiet == 3, quiet == 20:
			return want, nil
		case time.Since(began) > patience:
			for _, group := range []string{"kolmo", "kolmo-closers"} {
				info := w.kafka.GroupInfo(group)
				w.log.add("group %s: %+v", group, info)
				if info != nil && info.State == "PreparingRebalance" {
					problem = fmt.Errorf("%w: %w", errGroupWaits, problem)
				}
			}
			w.log.add("what kolmo waits for:\n%s", stacks())
			return want, fmt.Errorf("%v after the feed: %w", patience, problem)
		}
		<-time.After(time.Second)
	}
}

// stacks are those of the goroutines in the consumer, the store or the closers.
func stacks() string {
	all := make([]byte, 4<<20)
	all = all[:runtime.Stack(all, true)]
	var ours []string
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		for _, part := range []string{"kolmo/consumer.", "kolmo/alerts/kafka.", "kolmo/windows/redisstore."} {
			if strings.Contains(stack, part) {
				ours = append(ours, stack)
				break
			}
		}
	}
	return strings.Join(ours, "\n\n")
}
