package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/segmentio/encoding/json"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/consumer"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// referenceOptions are the flags of the reference commands.
type referenceOptions struct {
	config, model, version string
	wait                   time.Duration
}

func newReferenceCommand(stdout, stderr io.Writer) *cobra.Command {
	var o referenceOptions
	c := &cobra.Command{
		Use:   "reference",
		Short: "Load, list, show and delete references",
		Example: `  kolmo reference load --config kolmo.yaml --model fraud --version 3 training.parquet
  kolmo reference list --config kolmo.yaml`,
	}
	c.PersistentFlags().StringVar(&o.config, "config", "", "configuration file")
	_ = c.MarkPersistentFlagRequired("config") // fails only for a flag that does not exist
	connected := func(run func(context.Context, *connection, []string) error) func(*cobra.Command, []string) error {
		return func(c *cobra.Command, args []string) error {
			config, err := loadConfig(o.config, stderr)
			if err != nil {
				return err
			}
			conn, err := connect(c.Context(), config, stderr)
			if err != nil {
				return failed(err)
			}
			defer conn.close()
			return failed(run(c.Context(), conn, args))
		}
	}
	load := &cobra.Command{
		Use:   "load --model M [--version V] DATA",
		Short: "Make a file the reference of a model version",
		Long: `Reads a CSV, NDJSON or Parquet file of any length in bounded memory, and asks
the service to compare the version's windows with it. It takes effect at the
first window that no partition can have begun: from the first window on where
the service has closed none yet, and else limits.max_ahead and about a window
after the last one it closed. So load it before the version's first events come.
Without --version it is the reference of the events that carry no version.`,
		Example: "  kolmo reference load --config kolmo.yaml --model fraud --version 3 training.parquet",
		Args:    cobra.ExactArgs(1),
		RunE: connected(func(ctx context.Context, conn *connection, args []string) error {
			return loadReference(ctx, conn, o, args[0], stdout, stderr)
		}),
	}
	load.Flags().StringVar(&o.model, "model", "", "model")
	load.Flags().StringVar(&o.version, "version", "", "model version")
	load.Flags().DurationVar(&o.wait, "wait", 30*time.Second, "how long to wait until a running service has taken it up; 0: not at all")
	_ = load.MarkFlagRequired("model")
	list := &cobra.Command{
		Use: "list", Short: "List the references in force",
		Example: "  kolmo reference list --config kolmo.yaml",
		Args:    cobra.NoArgs,
		RunE: connected(func(ctx context.Context, conn *connection, _ []string) error {
			return listReferences(ctx, conn, stdout)
		}),
	}
	show := &cobra.Command{
		Use: "show ID", Short: "Show what a reference holds, as JSON",
		Example: "  kolmo reference show --config kolmo.yaml sha256:…",
		Args:    cobra.ExactArgs(1),
		RunE: connected(func(ctx context.Context, conn *connection, args []string) error {
			return showReference(ctx, conn, args[0], stdout)
		}),
	}
	remove := &cobra.Command{
		Use: "delete ID", Short: "Delete the serving copy of a reference that is not in force",
		Example: "  kolmo reference delete --config kolmo.yaml sha256:…",
		Args:    cobra.ExactArgs(1),
		RunE: connected(func(ctx context.Context, conn *connection, args []string) error {
			return deleteReference(ctx, conn, args[0], stdout)
		}),
	}
	c.AddCommand(load, list, show, remove)
	return c
}

// connection is a command's line to Kafka and Redis.
type connection struct {
	config   *configs.Config
	options  service.Options
	client   *kgo.Client
	store    *redisstore.Store
	progress windows.TopicID
	shards   int
}

func connect(ctx context.Context, config *configs.Config, stderr io.Writer) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	log := newLog(stderr, slog.LevelWarn)
	options, err := service.Configured(config, log)
	if err != nil {
		return nil, err
	}
	c := &connection{config: config, options: options}
	if c.store, err = service.OpenStore(ctx, options); err != nil {
		return nil, err
	}
	if c.client, err = kgo.NewClient(append(options.Client, kgo.RecordPartitioner(kgo.ManualPartitioner()))...); err != nil {
		return nil, fmt.Errorf("making the Kafka client: %w", err)
	}
	if err := c.client.Ping(ctx); err != nil {
		c.close()
		return nil, fmt.Errorf("no Kafka broker can be reached at %v: %w: start it, or mend kafka.brokers", options.Brokers, err)
	}
	inputs, err := consumer.LookUpInputs(ctx, kadm.NewClient(c.client), nil, options.Outputs.Progress)
	if err != nil {
		c.close()
		return nil, fmt.Errorf("looking for topic %q, which the first `kolmo run` creates: %w", options.Outputs.Progress, err)
	}
	c.progress, c.shards = inputs.Progress, inputs.Shards
	return c, nil
}

func (c *connection) close() {
	c.client.Close()
	_ = c.options.Redis.Close() // nothing is pending
}

func loadReference(ctx context.Context, conn *connection, o referenceOptions, path string, stdout, stderr io.Writer) error {
	file, err := dataset.Open(path, service.EventLimits(conn.config))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // read only
	settings := conn.config.For(o.model)
	made, err := reference.BuildInWindows(reference.Fixed, watched(ctx, file, stderr, "reading "+path), settings.Reference.Size,
		service.WindowLimits(conn.config), &settings.Window)
	if err != nil {
		return err
	}
	// The service keeps it once it is in the references topic; until then it may
	// go again.
	if err := kafka.Serve(ctx, conn.store, made, 24*time.Hour); err != nil {
		return err
	}
	v := alerts.Version{Model: o.model, Version: o.version}
	request, err := kafka.EncodeRequest(v, made.ID)
	if err != nil {
		return err
	}
	shard := windows.Shard(o.model, o.version, conn.shards)
	record := &kgo.Record{Topic: conn.options.Outputs.References, Partition: int32(shard), Key: kafka.RequestKey(v), Value: request}
	if err := conn.client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return fmt.Errorf("asking for the reference to take effect: %w", err)
	}
	_, _ = fmt.Fprintf(stdout, "%s: %d rows, %d features\n", made.ID, made.Rows, len(made.Features))
	if o.wait == 0 {
		return nil
	}
	from, err := waitInForce(ctx, conn, v, made.ID, o.wait)
	if err != nil {
		return err
	}
	if from == windows.Unset {
		_, err = fmt.Fprintln(stdout, "in force from the first window on")
	} else {
		_, err = fmt.Fprintf(stdout, "in force for windows from %s on\n", from)
	}
	return err
}

// waitInForce polls until a shard's owner has put the reference in force.
func waitInForce(ctx context.Context, conn *connection, v alerts.Version, id string, wait time.Duration) (windows.Timestamp, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	shard := windows.Shard(v.Model, v.Version, conn.shards)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		through, err := conn.store.GridsInForce(ctx, conn.progress, shard)
		if err != nil && !errors.Is(err, redisstore.ErrNotFound) && ctx.Err() == nil {
			return 0, err
		}
		for _, g := range through.Grids {
			if g.Model == v.Model && g.Version == v.Version && g.GridID == id && !g.Pattern {
				return g.EffectiveFrom, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("no running service has taken the reference up within %v: it does as soon as one runs (start it with `kolmo run`, or use --wait 0)", wait)
		}
	}
}

func listReferences(ctx context.Context, conn *connection, stdout io.Writer) error {
	table := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(table, format, args...) } // Flush tells
	line("MODEL\tVERSION\tFROM\tREFERENCE\n")
	for shard := range conn.shards {
		through, err := conn.store.GridsInForce(ctx, conn.progress, shard)
		if errors.Is(err, redisstore.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for _, g := range through.Grids {
			version, from := g.Version, g.EffectiveFrom.String()
			if g.Pattern {
				version = "(any)"
			}
			if g.EffectiveFrom == windows.Unset {
				from = "always"
			}
			line("%s\t%s\t%s\t%s\n", printable(g.Model), printable(version), from, g.GridID)
		}
	}
	return table.Flush()
}

func readReference(ctx context.Context, conn *connection, id string) (*reference.Reference, error) {
	head, parts, err := conn.store.Reference(ctx, id)
	if err != nil {
		return nil, err
	}
	return reference.Decode(head, parts)
}

func showReference(ctx context.Context, conn *connection, id string, stdout io.Writer) error {
	r, err := readReference(ctx, conn, id)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(struct {
		*reference.Reference
		Features   []*reference.Feature `json:"features"`
		Prediction *reference.Feature   `json:"prediction,omitempty"`
	}{r, r.Features, r.Prediction}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing reference %s: %w", id, err)
	}
	_, err = stdout.Write(append(data, '\n'))
	return err
}

func deleteReference(ctx context.Context, conn *connection, id string, stdout io.Writer) error {
	for shard := range conn.shards {
		through, err := conn.store.GridsInForce(ctx, conn.progress, shard)
		if err != nil && !errors.Is(err, redisstore.ErrNotFound) {
			return err
		}
		for _, g := range through.Grids {
			if g.GridID == id {
				return fmt.Errorf("reference %s is in force for model %q version %q: load another one first", id, g.Model, g.Version)
			}
		}
	}
	if _, err := conn.store.ReferenceHead(ctx, id); err != nil {
		return err
	}
	if err := conn.store.DeleteReference(ctx, id); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "%s deleted\n", id)
	return err
}
