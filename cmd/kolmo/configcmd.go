package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/kolmo-ml/kolmo/configs"
)

func newConfigCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use:     "config",
		Short:   "Check a configuration, or print its schema",
		Example: "  kolmo config check kolmo.yaml\n  kolmo config schema > kolmo.schema.json",
	}
	c.AddCommand(
		&cobra.Command{
			Use:     "check FILE...",
			Short:   "Report all problems of configurations at once, each with line and column",
			Long:    "Reports all problems of configurations at once, each with line and column. - is standard input.",
			Example: "  kolmo config check kolmo.yaml",
			Args:    cobra.MinimumNArgs(1),
			RunE: func(c *cobra.Command, files []string) error {
				return checkConfigs(files, c.InOrStdin(), stdout, stderr)
			},
		},
		&cobra.Command{
			Use:     "schema",
			Short:   "Print the JSON Schema of the configuration",
			Example: "  kolmo config schema > kolmo.schema.json",
			Args:    cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := stdout.Write(configs.Schema())
				return failed(err)
			},
		},
	)
	return c
}

func checkConfigs(files []string, stdin io.Reader, stdout, stderr io.Writer) error {
	count := 0
	for _, file := range files {
		var err error
		if file == "-" {
			var data []byte
			if data, err = io.ReadAll(stdin); err != nil {
				return failed(fmt.Errorf("reading standard input: %w", err))
			}
			if _, problems := configs.Parse("standard input", data, os.LookupEnv); len(problems) > 0 {
				err = problems
			}
		} else {
			_, err = configs.Load(file, os.LookupEnv)
		}
		var problems configs.Problems
		switch {
		case errors.As(err, &problems):
			_ = problems.Render(stderr) // where people cannot read it, the exit code tells
			count += len(problems)
		case err != nil:
			return &exitError{code: exitUsage, err: err}
		default:
			_, _ = fmt.Fprintf(stdout, "%s: no problems\n", file)
		}
	}
	if count > 0 {
		return &exitError{code: exitUsage, err: errors.New(counted(count, "problem"))}
	}
	return nil
}
