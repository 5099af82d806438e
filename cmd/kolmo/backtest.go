package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"
	"github.com/spf13/cobra"

	"github.com/kolmo-ml/kolmo/cmd/internal/replay"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
)

// backtestOptions are the flags of backtest.
type backtestOptions struct {
	configs, sets []string
	events        string
	from, to      string
	output        string
	out           string
	verdicts      string
}

func newBacktestCommand(stdout, stderr io.Writer) *cobra.Command {
	var o backtestOptions
	c := &cobra.Command{
		Use:   "backtest --config FILE (--from T [--to T] | --events FILE)",
		Short: "Replay history: the verdicts and pages one would have had",
		Long: `Replays a file of events, or what Kafka has kept of the input topics, through the
code of the service, and says which pages would have been sent, when, because of
what, and how long they would have lasted. It joins no group, writes nothing to
Kafka and needs no Redis.

Several --config, and overlays of the first by --set, are candidates: the events
are read once, and the candidates stand side by side. One with a budget of false
pages also runs without it, to show what the budget costs in sensitivity.

--from and --to are times of records, in RFC 3339; without --to the topics are read
to where they end. References that grow out of a version's first windows grow out
of the first that are replayed; those that were loaded by hand are not there.

The exit code is 3 when a candidate would have sent a page.`,
		Example: `  kolmo backtest --config kolmo.yaml --events events.ndjson
  kolmo backtest --config kolmo.yaml --from 2026-01-01T00:00:00Z --to 2026-04-01T00:00:00Z
  kolmo backtest --config kolmo.yaml --set "strict: drift.min_effect=0.2,alert.for=3" --events events.ndjson
  kolmo backtest --config kolmo.yaml --events events.ndjson --output html --out backtest.html`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			paged, err := backtest(c.Context(), o, stdout, stderr)
			switch {
			case err != nil:
				return failed(err)
			case paged:
				return &exitError{code: exitDrifted}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.configs, "config", nil, "configuration file; several are candidates")
	f.StringArrayVar(&o.sets, "set", nil, `a candidate that differs from the first configuration, for all models: "name: key=value,key=value"`)
	f.StringVar(&o.events, "events", "", "file of events to replay: NDJSON, CSV or Parquet, gzipped or not")
	f.StringVar(&o.from, "from", "", "time of the first record to replay from Kafka, as 2026-01-31T00:00:00Z")
	f.StringVar(&o.to, "to", "", "time of the first record not to replay; nothing: to the end of the topics")
	f.StringVar(&o.output, "output", "text", "text, json or html")
	f.StringVar(&o.out, "out", "", "file to write the result to; nothing: standard output")
	f.StringVar(&o.verdicts, "verdicts", "", "file to write every verdict to, one line of JSON each; with several candidates its name gets theirs")
	_ = c.MarkFlagRequired("config") // fails only for a flag that does not exist
	_ = c.MarkFlagFilename("config", "yaml", "yml")
	return c
}

// moments are --from and --to.
func (o *backtestOptions) moments() (from, to time.Time, err error) {
	switch {
	case (o.events == "") == (o.from == ""):
		return from, to, errors.New("give either --events, or --from and --to")
	case o.events != "" && o.to != "":
		return from, to, errors.New("--to is for Kafka's history: leave it out with --events")
	case o.events != "":
		return from, to, nil
	}
	if from, err = time.Parse(time.RFC3339, o.from); err != nil {
		return from, to, fmt.Errorf("--from %s: write a time as 2026-01-31T00:00:00Z", o.from)
	}
	if o.to == "" {
		return from, to, nil
	}
	if to, err = time.Parse(time.RFC3339, o.to); err != nil {
		return from, to, fmt.Errorf("--to %s: write a time as 2026-01-31T00:00:00Z", o.to)
	}
	if !from.Before(to) {
		return from, to, fmt.Errorf("--from %s is not before --to %s", o.from, o.to)
	}
	return from, to, nil
}

func backtest(ctx context.Context, o backtestOptions, stdout, stderr io.Writer) (paged bool, err error) {
	usage := func(err error) error { return &exitError{code: exitUsage, err: err} }
	from, to, err := o.moments()
	if err != nil {
		return false, usage(err)
	}
	if !slices.Contains([]string{"text", "json", "html"}, o.output) {
		return false, usage(fmt.Errorf("--output %s: use one of text, json, html", o.output))
	}
	candidates, err := loadCandidates(o, stderr)
	if err != nil {
		return false, err
	}
	first := candidates[0].config
	if err := sameInput(candidates); err != nil {
		return false, usage(err)
	}
	files := &verdictFiles{}
	defer files.discard()
	preparation := replay.NewPreparation(newLog(stderr, slog.LevelInfo))
	settings := make([]replay.Setting, len(candidates))
	for i, c := range candidates {
		settings[i].Label = c.label
		if settings[i].Rules, err = preparation.Rules(ctx, c.config); err != nil {
			return false, err
		}
		if o.verdicts != "" {
			if settings[i].Verdicts, err = files.create(verdictsName(o.verdicts, c.label, len(candidates))); err != nil {
				return false, err
			}
		}
	}
	report, err := o.replay(ctx, first, from, to, settings, stderr)
	if err != nil {
		return false, err
	}
	if err := files.close(); err != nil {
		return false, err
	}
	return report.Paged(), o.write(report, stdout)
}

func (o *backtestOptions) replay(ctx context.Context, c *configs.Config, from, to time.Time, settings []replay.Setting, stderr io.Writer) (*replay.Report, error) {
	limits := service.EventLimits(c)
	if o.events != "" {
		info, err := os.Stat(o.events)
		if err != nil {
			return nil, err
		}
		bar := newProgress(stderr, info.Size(), "replaying "+filepath.Base(o.events))
		defer bar.done()
		return replay.File(ctx, o.events, limits, settings, bar.set)
	}
	client, err := service.KafkaClient(c.Kafka)
	if err != nil {
		return nil, err
	}
	bar := newCountProgress(stderr, "replaying the input topics")
	defer bar.done()
	return replay.Topics(ctx, replay.History{
		Client: client, Topics: service.Inputs(c), From: from, To: to, Limits: limits, Progress: bar.setOf,
	}, settings)
}

// write writes the report.
func (o *backtestOptions) write(report *replay.Report, stdout io.Writer) (err error) {
	w := stdout
	if o.out != "" {
		file, err := os.Create(o.out)
		if err != nil {
			return fmt.Errorf("writing the result: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		w = file
	}
	switch o.output {
	case "json":
		data, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return fmt.Errorf("writing the result: %w", err)
		}
		_, err = w.Write(append(data, '\n'))
		return err
	case "html":
		return report.WriteHTML(w)
	}
	return report.WriteText(w)
}

// verdictsName is the file for a candidate's verdicts.
func verdictsName(path, label string, candidates int) string {
	if candidates == 1 {
		return path
	}
	safe := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, label)
	extension := filepath.Ext(path)
	return strings.TrimSuffix(path, extension) + "-" + safe + extension
}

// verdictFiles are files that are written one line after the other.
type verdictFiles struct {
	files   []*os.File
	writers []*bufio.Writer
}

func (v *verdictFiles) create(path string) (io.Writer, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("writing the verdicts: %w", err)
	}
	v.files = append(v.files, file)
	w := bufio.NewWriter(file)
	v.writers = append(v.writers, w)
	return w, nil
}

func (v *verdictFiles) close() error {
	var errs []error
	for i, file := range v.files {
		errs = append(errs, v.writers[i].Flush(), file.Close())
	}
	v.files = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("writing the verdicts: %w", err)
	}
	return nil
}

// discard closes what an error left open.
func (v *verdictFiles) discard() {
	for _, file := range v.files {
		_ = file.Close() // the error that led here is told
	}
}
