package service

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/alerts/alertmanager"
	"github.com/kolmo-ml/kolmo/configs"
)

// Alertmanagers are those that are told which alerts stand, and how they are reached.
type Alertmanagers struct {
	URLs            []string
	Resend, Timeout time.Duration
	Transport       http.RoundTripper
	Authorize       func(*http.Request) // nil: nobody asks
}

// configuredAlertmanagers are those of a configuration; nil where it has none.
func configuredAlertmanagers(c *configs.Alertmanager) (*Alertmanagers, error) {
	if len(c.URLs) == 0 {
		return nil, nil
	}
	transport, err := httpTransport(c.Timeout, "alertmanager.tls", c.TLS)
	if err != nil {
		return nil, err
	}
	a := &Alertmanagers{URLs: c.URLs, Resend: c.Resend, Timeout: c.Timeout, Transport: transport}
	switch {
	case c.BasicAuth != nil:
		a.Authorize = func(r *http.Request) {
			r.SetBasicAuth(c.BasicAuth.Username, c.BasicAuth.Password.Reveal())
		}
	case !c.BearerToken.IsZero():
		a.Authorize = func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+c.BearerToken.Reveal())
		}
	}
	return a, nil
}

func (a *Alertmanagers) client(registry prometheus.Registerer, log *slog.Logger) (*alertmanager.Client, error) {
	return alertmanager.New(alertmanager.Options{
		URLs: a.URLs, Resend: a.Resend, Timeout: a.Timeout, Authorize: a.Authorize, Transport: a.Transport,
		Metrics: alertmanager.NewMetrics(registry), Log: log,
	})
}
