package alertmanager

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// Options of a Client.
type Options struct {
	// URLs are of the Alertmanagers, without /api/v2/alerts. Each is told everything:
	// they agree among themselves, which a load balancer before them would undo.
	URLs []string
	// Resend is how often alerts are told again.
	Resend time.Duration
	// Timeout bounds one request.
	Timeout time.Duration
	// Authorize adds to a request who asks; nil: nobody wants to know.
	Authorize func(*http.Request)

	Transport http.RoundTripper // nil: http.DefaultTransport
	Now       func() time.Time  // nil: time.Now
	Metrics   *Metrics          // nil: not measured
	Log       *slog.Logger      // nil: silent
}

// mostQueued bounds the alerts that wait for one Alertmanager; mostSent those of one
// request. Both are Prometheus'.
const (
	mostQueued = 10_000
	mostSent   = 256
)

// A Client tells Alertmanagers what stands.
type Client struct {
	options   Options
	endpoints []*endpoint
}

// New makes a client. Call Run, once.
func New(o Options) (*Client, error) {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Resend <= 0 || o.Timeout <= 0 {
		return nil, fmt.Errorf("alerts are told every %v, each time within %v: both must be more than nothing", o.Resend, o.Timeout)
	}
	c := &Client{options: o}
	for _, text := range o.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("%q is not the URL of an Alertmanager: write one such as http://localhost:9093", text)
		}
		name := u.Redacted()
		u.Path = strings.TrimSuffix(u.Path, "/") + "/api/v2/alerts"
		e := &endpoint{
			options: &c.options, url: u.String(), name: name, queue: queue{most: mostQueued},
			wake: make(chan struct{}, 1), log: o.Log.With("alertmanager", name),
		}
		o.Metrics.begin(name)
		c.endpoints = append(c.endpoints, e)
	}
	return c, nil
}

// Run sends until the context ends. What is still queued then is told by the next
// owner of its shard, who begins with everything that stands.
func (c *Client) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, e := range c.endpoints {
		group.Go(func() { e.run(ctx) })
	}
	group.Wait()
}

// Notify queues alerts as they stand now. It does not wait.
func (c *Client) Notify(shard int, standing []alerts.Standing) {
	now := c.options.Now()
	entries := make([]*entry, len(standing))
	for i := range standing {
		entries[i] = &entry{
			identity: identityOf(&standing[i]), shard: shard, payload: payloadOf(&standing[i], now, c.options.Resend),
			// An owner that does not come again has stopped owning, or knows no more than anyone.
			until: now.Add(2 * c.options.Resend),
		}
	}
	for _, e := range c.endpoints {
		e.add(entries)
	}
}

// Release takes back what is queued of a shard.
func (c *Client) Release(shard int) {
	for _, e := range c.endpoints {
		e.release(shard)
	}
}
