package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
)

func newRunCommand(stderr io.Writer) *cobra.Command {
	var file string
	var verbose bool
	c := &cobra.Command{
		Use:   "run --config FILE",
		Short: "Run the service on Kafka and Redis",
		Long: `Runs one instance of the service. Start as many as you like with the same
configuration: they share the partitions and the shards between them, and one
that ends or dies is replaced by the others.`,
		Example: "  kolmo run --config kolmo.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := loadConfig(file, stderr)
			if err != nil {
				return err
			}
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			return failed(runService(c.Context(), config, newLog(stderr, level)))
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file")
	c.Flags().BoolVar(&verbose, "debug", false, "log more")
	_ = c.MarkFlagRequired("config") // fails only for a flag that does not exist
	_ = c.MarkFlagFilename("config", "yaml", "yml")
	return c
}

// loadConfig reads a configuration, and prints all its problems if it has any.
func loadConfig(file string, stderr io.Writer) (*configs.Config, error) {
	config, err := configs.Load(file, os.LookupEnv)
	var problems configs.Problems
	if errors.As(err, &problems) {
		_ = problems.Render(stderr) // where people cannot read it, the exit code tells
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s has %s", file, counted(len(problems), "problem"))}
	}
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	return config, nil
}

// counted is "1 problem", or "2 problems".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func runService(ctx context.Context, config *configs.Config, log *slog.Logger) error {
	for _, reserved := range config.Reserved {
		log.Warn("a key of the configuration does nothing in this version", "key", reserved.Path, "line", reserved.Line)
	}
	for _, path := range config.Exposed {
		log.Warn("a secret stands in a configuration that everyone on this machine can read: chmod o-r the file, or give the secret by its _file key", "key", path, "file", config.File)
	}
	if len(config.Kafka.Inputs.Outcomes) > 0 {
		log.Warn("outcome topics are not read in this version", "topics", config.Kafka.Inputs.Outcomes)
	}
	options, err := service.Configured(config, log)
	if err != nil {
		return err
	}
	defer func() { _ = options.Redis.Close() }() // everything is written by then
	options.Version, options.Commit = buildVersion()
	if options.At, err = crashPoint(); err != nil {
		return err
	}
	if os.Getenv("GOMEMLIMIT") == "" { // Go has taken that one already
		debug.SetMemoryLimit(config.MemoryLimit)
	}
	s, err := service.Start(ctx, options)
	if err != nil {
		return err
	}
	log.Info("kolmo runs", "version", options.Version, "address", s.URL(), "group", options.Group)
	s.Run(ctx)
	log.Info("kolmo has ended")
	return nil
}
