package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A Subscriber is sent every alert, by a name.
type Subscriber struct {
	Name string
	Receiver
	Transport http.RoundTripper // nil: http.DefaultTransport
}

// NotifierOptions are those of a Notifier.
type NotifierOptions struct {
	Subscribers []Subscriber
	Timeout     time.Duration // of one request
	// Valid is for how long what a shard's owner has told may be sent.
	Valid time.Duration

	Now     func() time.Time // nil: time.Now
	Metrics *Metrics         // nil: not measured
	Log     *slog.Logger     // nil: silent
}

// A Notifier sends subscribers a webhook for every alert that fires, becomes more
// severe, or is resolved.
type Notifier struct {
	options     NotifierOptions
	subscribers []*subscriber
}

type subscriber struct {
	*endpoint
	receiver
}

// NewNotifier makes a notifier. Call Run, once.
func NewNotifier(o NotifierOptions) (*Notifier, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 || o.Valid <= 0 {
		return nil, fmt.Errorf("webhooks are sent within %v, for %v: both must be more than nothing", o.Timeout, o.Valid)
	}
	n := &Notifier{options: o}
	for _, s := range o.Subscribers {
		c := caller{transport: s.Transport, timeout: o.Timeout, now: o.Now}
		if c.transport == nil {
			c.transport = http.DefaultTransport
		}
		n.subscribers = append(n.subscribers, &subscriber{
			endpoint: &endpoint{
				name: s.Name, now: o.Now, metrics: o.Metrics, wake: make(chan struct{}, 1), log: o.Log.With("webhook", s.Name),
			},
			receiver: receiver{Receiver: s.Receiver, caller: c},
		})
		o.Metrics.begin(s.Name)
	}
	return n, nil
}

// Run sends until the context ends. What is still queued then is told by the next
// owner of its shard, who begins with everything that stands.
func (n *Notifier) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, s := range n.subscribers {
		group.Go(func() { s.run(ctx) })
	}
	group.Wait()
}

// Notify queues alerts that have not been sent as they stand now. It does not wait.
func (n *Notifier) Notify(shard int, standing []alerts.Standing) {
	until := n.options.Now().Add(n.options.Valid)
	for i := range standing {
		a := alertOf(&standing[i])
		// What became more severe has ended as what it was, and is not over.
		if a.Status == alerts.Resolved && slices.ContainsFunc(standing, func(o alerts.Standing) bool {
			return o.Ended.IsZero() && o.Incident.ID == a.ID && o.Version == standing[i].Version
		}) {
			continue
		}
		e := &envelope{Type: "alert." + string(a.Status), Timestamp: a.Window.End.UTC(), Data: a}
		if a.Status == alerts.Resolved {
			e.Timestamp = standing[i].Ended.UTC()
		}
		id := a.ID + "." + string(a.Status) + "." + a.Severity
		for _, s := range n.subscribers {
			s.add(&job{
				id: id, about: a.ID, shard: shard, until: until, answer: func(alerts.Delivery) {},
				send: func(ctx context.Context, _ bool) (taken, error) { return taken{}, s.send(ctx, id, e) },
			})
		}
	}
}

// Release takes back what is queued of a shard.
func (n *Notifier) Release(shard int) {
	for _, s := range n.subscribers {
		s.release(shard)
	}
}

// alertOf is what stands in the form of the alerts topic. Of one that is over it
// says what was said when it fired.
func alertOf(s *alerts.Standing) *alerts.Alert {
	a := &alerts.Alert{
		Schema: alerts.Schema, ID: s.Incident.ID, Status: alerts.Firing, Kind: s.Kind, Severity: s.Incident.Severity(),
		Model: s.Model, Version: s.Version.Version, Segment: s.Segment, Since: s.Incident.Since.UTC(), Features: []alerts.Culprit{},
	}
	if !s.Ended.IsZero() {
		a.Status = alerts.Resolved
	}
	if told := s.Incident.Told; told != nil {
		a.Window, a.Summary, a.FeaturesLeftOut = told.Window, told.Summary, told.FeaturesLeftOut
		a.EvidenceURL, a.PlotURL, a.RunbookURL = told.EvidenceURL, told.PlotURL, told.RunbookURL
		a.Features = append(a.Features, told.Features...)
	}
	return a
}
