package service

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/kafka"
	"github.com/kolmo-ml/kolmo/alerts/webhook"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/windows"
)

// Retraining is who can be asked to train models again, and how they are reached.
type Retraining struct {
	Targets []webhook.Target
	Timeout time.Duration
}

// configuredRetraining is that of a configuration.
func configuredRetraining(c *configs.Retraining) (Retraining, error) {
	r := Retraining{Timeout: c.Timeout}
	for _, target := range c.Targets {
		t := webhook.Target{Name: target.Name}
		switch {
		case target.Airflow != nil:
			a := target.Airflow
			t.Airflow = &webhook.Airflow{URL: a.URL, Version: a.Version, DAG: a.DAG, Username: a.Username, Password: a.Password.Reveal()}
		case target.Kubeflow != nil:
			k := target.Kubeflow
			t.Kubeflow = &webhook.Kubeflow{
				URL: k.URL, Experiment: k.Experiment, Pipeline: k.Pipeline, Version: k.Version, Parameter: k.Parameter, Token: k.Token.Reveal(),
			}
		case target.GitHub != nil:
			g := target.GitHub
			t.GitHub = &webhook.GitHub{URL: g.URL, Repository: g.Repository, EventType: g.EventType, Token: g.Token.Reveal()}
		case target.Webhook != nil:
			t.Receiver = &webhook.Receiver{URL: target.Webhook.URL, Secrets: target.Webhook.Secrets()}
		}
		transport, err := httpTransport(c.Timeout, "retraining target "+target.Name+": tls", target.TLS)
		if err != nil {
			return Retraining{}, err
		}
		t.Transport = transport
		r.Targets = append(r.Targets, t)
	}
	return r, nil
}

// retrainer asks. There is one even where nobody is: what an earlier configuration
// asked for comes to its end.
func (r *Retraining) retrainer(registry prometheus.Registerer, log *slog.Logger) (*webhook.Retrainer, error) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second // nobody is configured
	}
	return webhook.NewRetrainer(webhook.Options{
		Targets: r.Targets, Timeout: timeout, Valid: 3 * kafka.AskEvery, Metrics: webhook.NewMetrics(registry), Log: log,
	})
}

// retrainingPolicy is that of a model, whose windows are defined so.
func retrainingPolicy(c *configs.RetrainingPolicy, d *windows.Definition) alerts.RetrainingPolicy {
	p := alerts.RetrainingPolicy{
		Targets: c.Targets, MinSeverity: c.MinSeverity, Cooldown: c.Cooldown, PerDay: c.PerDay, ExpireAfter: c.ExpireAfter, DryRun: c.DryRun,
	}
	for _, kind := range c.Alerts {
		p.On = append(p.On, alerts.Kind(kind))
	}
	if !c.Every.IsZero() {
		schedule := &windows.Definition{Size: c.Every, Location: d.Location, Origin: windows.Unset}
		if schedule.Validate() == nil { // a size that a configuration has is valid
			p.Schedule = schedule
		}
	}
	return p
}
