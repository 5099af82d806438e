//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/windows"
)

// A fault is one row of the table.
type fault struct {
	name string // for --faults
	what string // for the table
	// configure changes the settings; nil: the default ones.
	configure func(s *settings, dir string) error
	// prepare comes once the load flows and windows close; nil: nothing to do.
	prepare func(ctx context.Context, b *bench) error
	// inject brings the fault about once, and ends it. What kolmo makes of it is
	// timed from its return.
	inject func(ctx context.Context, b *bench, n int) error
	// finish comes after the last repeat, while the load flows; nil: nothing to do.
	finish func(ctx context.Context, b *bench) error
	// cleanup comes when everything has ended, whatever happened; nil: nothing to do.
	cleanup func() error
	// repeats changes how often the fault comes; nil: as often as asked for.
	repeats func(asked int) int
	// stacks are how many stacks of their own the repeats are spread over, all at
	// once; zero: one.
	stacks int
	// limit is how long recovery may take; zero: recoveryLimit.
	limit time.Duration
	// restless: repeats do not wait until kolmo has recovered from the last one.
	restless bool
}

// recoveryLimit is how long kolmo may take from the end of a fault until every
// verdict is published that is due by what had been produced until then.
const recoveryLimit = 30 * time.Second

// warmUp is how much the load has sent, in event time, before the first fault.
const warmUp = time.Minute

// A bench is where one fault is tried.
type bench struct {
	fault    fault
	settings settings
	dir      string
	config   string
	random   *rand.Rand // of the goroutine that injects
	stack    *stack
	load     *load
	fleet    *fleet
	observer *observer
	progress io.Writer
	repeats  int

	mu  sync.Mutex
	row row // guarded by mu while recoveries are measured

}

// note adds what a row has to say.
func (b *bench) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.row.notes = append(b.row.notes, fmt.Sprintf(format, args...))
}

// problem adds what fails a row.
func (b *bench) problem(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.row.problems = append(b.row.problems, fmt.Sprintf(format, args...))
}

// runFault tries one fault from start to end.
func runFault(ctx context.Context, f fault, o options, dir, binary string, progress io.Writer) row {
	began := time.Now()
	_, _ = fmt.Fprintf(progress, "%s …\n", f.what)
	repeats, stacks := o.repeats, max(f.stacks, 1)
	if f.repeats != nil {
		repeats = f.repeats(o.repeats)
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, f.name)
	rows := make([]row, stacks)
	var group sync.WaitGroup
	for n := range rows {
		seed, folder := o.seed^h.Sum64()+uint64(n), dir
		if stacks > 1 {
			folder = filepath.Join(dir, strconv.Itoa(n))
		}
		b := &bench{
			fault: f, settings: defaultSettings(), dir: folder, random: rand.New(rand.NewPCG(seed, 2)), progress: progress,
			repeats: (repeats + stacks - 1) / stacks, row: row{fault: f.what},
		}
		group.Go(func() {
			if err := b.run(ctx, seed, binary); err != nil {
				b.problem("%v", err)
			}
			rows[n] = b.row
		})
	}
	group.Wait()
	r := rows[0]
	for _, other := range rows[1:] {
		r.add(&other)
	}
	r.notes = append(r.notes, fmt.Sprintf("%.0f s", time.Since(began).Seconds()))
	return r
}

func (b *bench) run(ctx context.Context, seed uint64, binary string) (err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("making the row's folder: %w", err)
	}
	if b.fault.configure != nil {
		if err := b.fault.configure(&b.settings, b.dir); err != nil {
			return err
		}
	}
	if b.fault.cleanup != nil {
		defer func() { err = errors.Join(err, b.fault.cleanup()) }()
	}
	if b.stack, err = startStack(ctx, b.dir, &b.settings, b.progress); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stack.stop()) }()
	kafkaAddress, redisAddress := b.stack.addresses()
	if b.config, err = writeConfig(b.dir, kafkaAddress, redisAddress, &b.settings); err != nil {
		return err
	}
	if b.load, err = newLoad(b.stack.kafka.Brokers(), seed); err != nil {
		return err
	}
	defer b.load.client.Close()
	for topic, partitions := range map[string]int32{predictions: predictionsPartitions, features: featuresPartitions} {
		if err := b.load.addTopic(ctx, topic, partitions); err != nil {
			return err
		}
	}
	if b.observer, err = newObserver(b.stack.kafka.Brokers()); err != nil {
		return err
	}
	observing, stopObserving := context.WithCancel(ctx)
	producing, stopProducing := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { b.observer.run(observing) })
	defer background.Wait()
	defer stopObserving()
	defer stopProducing()
	b.fleet = &fleet{binary: binary, config: b.config, dir: b.dir}
	for range 3 {
		b.fleet.add()
	}
	defer func() {
		for _, s := range b.fleet.all() {
			s.kill()
		}
	}()
	loaded := make(chan struct{})
	background.Go(func() {
		defer close(loaded)
		b.load.run(producing)
	})
	if err := b.inject(ctx); err != nil {
		return err
	}
	stopProducing()
	<-loaded
	if err := b.load.finish(ctx); err != nil {
		return err
	}
	return b.judge(ctx)
}

// inject waits until windows close, and brings the fault about again and again.
func (b *bench) inject(ctx context.Context) error {
	if err := b.recovered(ctx, 90*time.Second); err != nil {
		return fmt.Errorf("at the start, before any fault: %w", err)
	}
	if b.fault.prepare != nil {
		if err := b.fault.prepare(ctx, b); err != nil {
			return err
		}
	}
	limit := b.fault.limit
	if limit == 0 {
		limit = recoveryLimit
	}
	var measuring sync.WaitGroup
	defer measuring.Wait()
	for n := range b.repeats {
		if err := b.fault.inject(ctx, b, n); err != nil {
			return fmt.Errorf("repeat %d: %w", n+1, err)
		}
		b.row.repeats++
		if b.fault.restless {
			last := n == b.repeats-1
			due := b.load.position()
			measuring.Go(func() {
				if err := b.measure(ctx, due, limit); err != nil && last {
					b.problem("after the last repeat: %v", err)
				}
			})
			continue
		}
		if err := b.measure(ctx, b.load.position(), limit); err != nil {
			return fmt.Errorf("after repeat %d: %w", n+1, err)
		}
		// The next one comes at any moment of a checkpoint or a close.
		if err := pause(ctx, time.Duration(200+b.random.IntN(1300))*time.Millisecond); err != nil {
			return err
		}
	}
	measuring.Wait()
	if b.fault.finish != nil {
		return b.fault.finish(ctx, b)
	}
	return nil
}

// measure notes how long it takes until every verdict is published that is due at
// a watermark.
func (b *bench) measure(ctx context.Context, due windows.Timestamp, limit time.Duration) error {
	began := time.Now()
	if err := b.published(ctx, due, limit); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.row.recoveries = append(b.row.recoveries, time.Since(began))
	return nil
}

// recovered waits until windows close as they come, from a moment on at which every
// version has had some.
func (b *bench) recovered(ctx context.Context, limit time.Duration) error {
	err := until(ctx, limit, 50*time.Millisecond, func() (bool, error) { return b.load.through() >= b.load.beginning.Add(warmUp), nil })
	if err != nil {
		return fmt.Errorf("the load does not flow: %w", err)
	}
	return b.published(ctx, b.load.through(), limit)
}

// windowSizes are of the models of the load, and how late a window closes. That of
// catalog may grow.
func windowSizes() map[string][2]time.Duration {
	return map[string][2]time.Duration{
		"fraud": {20 * time.Second, 3 * time.Second}, "scoring": {20 * time.Second, 4 * time.Second},
		"pricing": {30 * time.Second, 2 * time.Second}, "catalog": {40 * time.Second, 2 * time.Second},
	}
}

// published waits until every verdict due at a watermark can be read.
func (b *bench) published(ctx context.Context, due windows.Timestamp, limit time.Duration) error {
	sizes := windowSizes()
	var behind source
	ok := b.observer.await(ctx, limit, func(_ *published, ends map[[2]string]windows.Timestamp) bool {
		for _, s := range b.load.sources {
			// The last window that has ended, lateness included, ended after this.
			size := sizes[s.model]
			if ends[[2]string{s.model, s.version}] <= due.Add(-size[0]-size[1]) {
				behind = s
				return false
			}
		}
		return true
	})
	if !ok {
		return fmt.Errorf("%v later there was no verdict of model %s version %s, due at %s", limit, behind.model, behind.version, due)
	}
	return nil
}

// judge waits until everything expected is there, and a moment longer, and compares.
func (b *bench) judge(ctx context.Context) error {
	records, err := b.load.logs()
	if err != nil {
		return err
	}
	h := history{records: records, ended: b.load.ended, starts: b.load.starts, idle: b.settings.idleAfter < time.Minute}
	if h.decisions, err = readDecisions(ctx, b.stack.kafka.Brokers()); err != nil {
		return err
	}
	want, err := compute(ctx, b.config, h)
	if err != nil {
		return err
	}
	b.row.verdicts, b.row.alerts, b.row.events = len(want.verdicts), len(want.alerts), want.events
	if len(want.verdicts) == 0 || len(want.alerts) == 0 || len(want.letters) == 0 {
		b.problem("the load was too short to prove anything: %d verdicts, %d alerts, %d dead letters expected", len(want.verdicts), len(want.alerts), len(want.letters))
	}
	limit := max(recoveryLimit, b.fault.limit)
	b.observer.await(ctx, limit, func(p *published, _ map[[2]string]windows.Timestamp) bool {
		return len(p.verdicts) >= len(want.verdicts) && len(p.alerts) >= len(want.alerts) && distinct(p.letters) >= len(want.letters)
	})
	// What comes twice comes now.
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	for _, s := range b.fleet.all() {
		if err := s.stop(); err != nil {
			b.problem("%v", err)
		}
	}
	b.fleet.mu.Lock()
	b.row.problems = append(b.row.problems, b.fleet.unexplained...)
	if n := len(b.fleet.ended); n > 0 {
		b.row.notes = append(b.row.notes, fmt.Sprintf("%d instances ended by themselves, saying why, as in %q", n, b.fleet.ended[0]))
	}
	b.fleet.mu.Unlock()
	// The last closes may have relied on decisions that were not durable before.
	before := h.decisions
	if h.decisions, err = readDecisions(ctx, b.stack.kafka.Brokers()); err != nil {
		return err
	}
	if !maps.EqualFunc(before, h.decisions, windows.Decisions.Equal) {
		if want, err = compute(ctx, b.config, h); err != nil {
			return err
		}
	}
	if want.flagged > 0 {
		b.note("%d verdicts are flagged incomplete, %d lack events", want.flagged, want.lacking)
	}
	along := b.observer.all()
	b.row.compare("all along", want, &along)
	afterwards, err := readAfterwards(ctx, b.stack.kafka.Brokers())
	if err != nil {
		return err
	}
	b.row.compare("afterwards", want, &afterwards)
	b.row.wrong += len(want.unflagged)
	b.row.details = append(b.row.details, want.unflagged[:min(len(want.unflagged), mostDetails)]...)
	return nil
}

func distinct(records []*kgo.Record) int {
	keys := make(map[string]bool, len(records))
	for _, r := range records {
		keys[letterOf(string(r.Key), r.Value)] = true
	}
	return len(keys)
}
