package prometheus

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// Options are what differs from house to house.
type Options struct {
	// ExternalURL is where people reach kolmo's page, without a trailing slash.
	ExternalURL string
	// GrafanaURL is where they reach Grafana, without a trailing slash; empty: alerts
	// link to no dashboard.
	GrafanaURL string
	// Behind is from how far behind the clock on people are told: longer than events are
	// ever under way.
	Behind time.Duration
	// NoData is after how long without a record a topic is said to be silent: longer than
	// its quietest hours.
	NoData time.Duration
}

// Default is for everything on this machine.
func Default() Options {
	return Options{ExternalURL: "http://localhost:9464", GrafanaURL: "http://localhost:3000", Behind: 15 * time.Minute, NoData: 30 * time.Minute}
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	for _, address := range []struct {
		what, text string
		optional   bool
	}{{"kolmo's page", o.ExternalURL, false}, {"Grafana", o.GrafanaURL, true}} {
		if address.optional && address.text == "" {
			continue
		}
		u, err := url.Parse(address.text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(address.text, "{}?#\"'") {
			return fmt.Errorf("%q is not where %s can be: write an address such as https://kolmo.example.com", address.text, address.what)
		}
	}
	if o.Behind < time.Minute || o.NoData < time.Minute {
		return fmt.Errorf("nobody is behind after %v, or silent after %v: both are a minute or more", o.Behind, o.NoData)
	}
	return nil
}

// runbook is the address of an alert's runbook.
func (o Options) runbook(alert string) string {
	return strings.TrimSuffix(o.ExternalURL, "/") + "/" + alerts.RunbookPath(alert)
}

// dashboard is the address of a dashboard; empty where there is no Grafana.
func (o Options) dashboard(uid, query string) string {
	if o.GrafanaURL == "" {
		return ""
	}
	return strings.TrimSuffix(o.GrafanaURL, "/") + "/d/" + uid + query
}

// duration writes a duration as Prometheus reads it.
func duration(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
