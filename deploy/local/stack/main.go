//go:build unix

// Command stack runs a Kafka and a Redis on this machine, without containers, for trying kolmo out and for
// working on it.
//
//	go run ./deploy/local/stack up        start both, or say that they run; they outlive the command
//	go run ./deploy/local/stack status    say what runs; exit code 1 when not both do
//	go run ./deploy/local/stack down      stop both; their data stays
//	go run ./deploy/local/stack install   fetch what up needs, and start nothing
//
// Both listen on 127.0.0.1 only. Their configuration, data and logs are in the folder given with --dir, by
// default kolmo/stack in the user's cache folder. Removing that folder after "down" starts afresh.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := newCommand()
	err := command.ExecuteContext(ctx)
	if errors.Is(err, errNotRunning) { // status has printed it
		return 1
	}
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "stack: %v\n", err)
		return 1
	}
	return 0
}

func newCommand() *cobra.Command {
	var s stack
	root := &cobra.Command{
		Use: "stack", Short: "Run a Kafka and a Redis on this machine, without containers",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&s.dir, "dir", "", "folder for configuration, data and logs (default kolmo/stack in the user's cache folder)")
	up := &cobra.Command{
		Use: "up", Short: "Start both, or say that they run", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.locked(c, s.up) },
	}
	up.Flags().IntVar(&s.kafkaPort, "kafka-port", 9092, "Kafka's port on 127.0.0.1; 0 for a free one")
	up.Flags().IntVar(&s.redisPort, "redis-port", 6379, "Redis' port on 127.0.0.1; 0 for a free one")
	root.AddCommand(up,
		&cobra.Command{
			Use: "down", Short: "Stop both; their data stays", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return s.locked(c, s.down) },
		},
		&cobra.Command{
			Use: "status", Short: "Say what runs", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return s.locked(c, s.status) },
		},
		&cobra.Command{
			Use: "install", Short: "Fetch what up needs, and start nothing", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return install(c.Context(), c.ErrOrStderr()) },
		})
	return root
}

// install fetches both servers' programs; what is there already is left alone.
func install(ctx context.Context, log io.Writer) error {
	_, kafkaErr := local.InstallKafka(ctx, log)
	_, redisErr := local.InstallRedis(ctx, log)
	return errors.Join(kafkaErr, redisErr)
}

// defaultDir is the stack's folder when none is given.
func defaultDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("choosing a folder: %w; give one with --dir", err)
	}
	return filepath.Join(cache, "kolmo", "stack"), nil
}
