package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

// newRoot makes the command with all its subcommands.
func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "kolmo",
		Short: "Tells when what a model sees in production no longer looks like what it was trained on",
		Long: `kolmo watches machine-learning models in production. Services emit prediction
and feature events to Kafka; kolmo compares every window of them with a
reference, and publishes verdicts and alerts.

Begin with "kolmo demo", which needs nothing but this program.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		newRunCommand(stderr),
		newDemoCommand(stdout, stderr),
		newCheckCommand(stdout, stderr),
		newBacktestCommand(stdout, stderr),
		newEmitCommand(stderr),
		newReferenceCommand(stdout, stderr),
		newConfigCommand(stdout, stderr),
		newRulesCommand(stdout, stderr),
		newVersionCommand(stdout),
	)
	return root
}

// newLog writes log lines for people: text on a terminal's error output.
func newLog(stderr io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
}

// isTerminal reports whether progress can be drawn.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
