package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/cmd/internal/flights"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer/event"
)

// demoWeeks is how many windows the bundled flights fill.
const demoWeeks = 22

// demoConfig is the configuration of the demo: what one would write for the
// service, with the addresses and the file filled in.
const demoConfig = `kafka:
  brokers: [%q]
  create_outputs: {partitions: 2}
redis:
  addresses: [%q]
listen: %s
checkpoint_every: 500ms
limits: {idle_after: 1s}
models:
  - name: flight-arr-delay
    window: {size: 168h}
    reference: {kind: fixed, file: %q}
`

func newDemoCommand(stdout, stderr io.Writer) *cobra.Command {
	var once bool
	var listen string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch a real model for five months in half a minute, with nothing to install",
		Long: `Runs the whole pipeline in one process, on an embedded Kafka and Redis: the very
same code as "kolmo run". It is fed five months of predictions of a real model of
flight delays, week by week, and compares each week with what the model was
trained on. Verdicts appear as they come; the page shows the evidence.`,
		Example: "  kolmo demo\n  kolmo demo --once",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return failed(demo(c.Context(), once, listen, stdout, stderr))
		},
	}
	c.Flags().BoolVar(&once, "once", false, "stop when the data is through, and do not slow it down")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:9464", "address of the page")
	return c
}

func demo(ctx context.Context, once bool, listen string, stdout, stderr io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	folder, err := os.MkdirTemp("", "kolmo-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // a temporary folder
	log := newLog(stderr, slog.LevelError)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "predictions"))
	if err != nil {
		return fmt.Errorf("starting the embedded Kafka: %w", err)
	}
	defer cluster.Close()
	server, err := miniredis.Run()
	if err != nil {
		return fmt.Errorf("starting the embedded Redis: %w", err)
	}
	defer server.Close()
	options, err := demoOptions(folder, cluster.ListenAddrs()[0], server.Addr(), listen, log)
	if err != nil {
		return err
	}
	defer func() { _ = options.Redis.Close() }()
	s, err := service.Start(ctx, options)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "The page is at http://%s\n\n", s.Address())

	var group sync.WaitGroup
	group.Go(func() { s.Run(ctx) })
	var fed error
	group.Go(func() {
		if fed = feed(ctx, options.Client, once, stderr); fed != nil && ctx.Err() == nil {
			stop()
		}
	})
	told := tell(ctx, options, stdout)
	if told == nil && fed == nil && !once && ctx.Err() == nil {
		_, _ = fmt.Fprintf(stdout, "\nAll data is through. The page stays at http://%s until you press Ctrl-C.\n", s.Address())
		<-ctx.Done()
	}
	stop()
	group.Wait()
	if errors.Is(told, context.Canceled) {
		told = nil
	}
	if errors.Is(fed, context.Canceled) {
		fed = nil
	}
	return errors.Join(fed, told)
}

// demoOptions writes the reference to a file and reads a configuration, as the
// service would.
func demoOptions(folder, broker, redis, listen string, log *slog.Logger) (service.Options, error) {
	file := filepath.Join(folder, flights.ReferenceName)
	data, err := io.ReadAll(flights.Reference())
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		return service.Options{}, fmt.Errorf("writing the reference of the demo: %w", err)
	}
	text := fmt.Sprintf(demoConfig, broker, redis, listen, file)
	config, problems := configs.Parse("demo.yaml", []byte(text), os.LookupEnv)
	if len(problems) > 0 {
		return service.Options{}, problems
	}
	options, err := service.Configured(config, log)
	options.Version, options.Commit = buildVersion()
	return options, err
}

// feed sends the flights in the order in which they took place: as fast as they
// go with once, in about twenty seconds otherwise.
func feed(ctx context.Context, opts []kgo.Opt, once bool, stderr io.Writer) error {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, opts...), kgo.MaxBufferedRecords(20_000))...)
	if err != nil {
		return err
	}
	defer client.Close()
	events, err := dataset.OpenFS(flights.Files(), flights.EventsName, event.Limits{})
	if err != nil {
		return err
	}
	defer func() { _ = events.Close() }() // read only
	bar := newProgress(stderr, events.Size(), "replaying five months of flights")
	defer bar.done()
	sender := &sender{client: client, topic: "predictions"}
	const perSecond = flights.EventCount / 20
	began := time.Now()
	var row dataset.Row
	for sent := 0; ; sent++ {
		err := events.Next(&row)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		row.Raw = bytes.TrimSpace(row.Raw)
		if err := sender.send(ctx, &row, time.UnixMilli(row.Time)); err != nil {
			return err
		}
		if sent%512 != 0 {
			continue
		}
		bar.set(events.BytesRead())
		ahead := time.Duration(sent)*time.Second/perSecond - time.Since(began)
		if !once && ahead > 0 {
			select {
			case <-time.After(ahead):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return client.Flush(ctx)
}

// tell prints verdicts and alerts as they are published, until every week has
// its verdict.
func tell(ctx context.Context, o service.Options, stdout io.Writer) error {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, o.Client...),
		kgo.ConsumeTopics(o.Outputs.Verdicts, o.Outputs.Alerts),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	printer := &verdictPrinter{out: stdout}
	weeks := 0
	for weeks < demoWeeks {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var failure error
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Topic == o.Outputs.Verdicts {
				weeks++
				failure = errors.Join(failure, printer.verdict(r.Value))
			} else {
				failure = errors.Join(failure, printer.alert(r.Value))
			}
		})
		if failure != nil {
			return failure
		}
	}
	return nil
}
