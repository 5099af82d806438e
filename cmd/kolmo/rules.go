package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	rules "github.com/kolmo-ml/kolmo/deploy/prometheus"
)

func newRulesCommand(stdout, stderr io.Writer) *cobra.Command {
	options, models, config := rules.Default(), false, ""
	c := &cobra.Command{
		Use:   "rules [--models] [--config FILE | --external-url URL] [--grafana-url URL]",
		Short: "Print alerting rules for Prometheus, with links to your own addresses",
		Long: `Prints the rules by which Prometheus watches kolmo itself: no data, no reference,
behind, stuck, and what else kolmo cannot say of itself.

With --models it prints the alerts on models, from metrics, for who does not let
kolmo tell Alertmanager itself. They have the same labels.`,
		Example: "  kolmo rules --config kolmo.yaml > kolmo-rules.yaml\n  kolmo rules --models --external-url https://kolmo.example.com > model-rules.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if config != "" && !c.Flags().Changed("external-url") {
				loaded, err := loadConfig(config, stderr)
				if err != nil {
					return err
				}
				if loaded.ExternalURL != "" {
					options.ExternalURL = loaded.ExternalURL
				}
			}
			if err := options.Check(); err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			file := rules.Health(options)
			if models {
				file = rules.Models(options)
			}
			text, err := file.Encode()
			if err != nil {
				return failed(err)
			}
			_, err = fmt.Fprintf(stdout, "%s", text)
			return failed(err)
		},
	}
	flags := c.Flags()
	flags.BoolVar(&models, "models", false, "the alerts on models instead of those on kolmo")
	flags.StringVar(&config, "config", "", "configuration file, for its external_url")
	flags.StringVar(&options.ExternalURL, "external-url", options.ExternalURL, "where people reach kolmo's page and its runbooks")
	flags.StringVar(&options.GrafanaURL, "grafana-url", options.GrafanaURL, "where people reach Grafana; nothing: no links to dashboards")
	flags.DurationVar(&options.Behind, "behind", options.Behind, "from how far behind the clock on people are told")
	flags.DurationVar(&options.NoData, "no-data", options.NoData, "after how long without a record a topic is silent")
	return c
}
