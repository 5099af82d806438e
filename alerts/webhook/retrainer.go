package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A Target is who can be asked to train a model again, by a name: one of the four.
type Target struct {
	Name      string
	Airflow   *Airflow
	Kubeflow  *Kubeflow
	GitHub    *GitHub
	Receiver  *Receiver
	Transport http.RoundTripper // nil: http.DefaultTransport
}

// Options of a Retrainer.
type Options struct {
	Targets []Target
	// Timeout bounds one request.
	Timeout time.Duration
	// Valid is for how long what a shard's owner has told may be sent: an owner that
	// does not tell it again has stopped owning.
	Valid time.Duration

	Now     func() time.Time // nil: time.Now
	Metrics *Metrics         // nil: not measured
	Log     *slog.Logger     // nil: silent
}

// An asker asks a target once.
type asker interface {
	ask(ctx context.Context, o *order) (taken, error)
}

// A Retrainer asks targets to train models again.
type Retrainer struct {
	options   Options
	endpoints map[string]*endpoint
	askers    map[string]asker
}

// NewRetrainer makes a retrainer. Call Run, once.
func NewRetrainer(o Options) (*Retrainer, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 || o.Valid <= 0 {
		return nil, fmt.Errorf("targets are asked within %v, for %v: both must be more than nothing", o.Timeout, o.Valid)
	}
	r := &Retrainer{options: o, endpoints: make(map[string]*endpoint), askers: make(map[string]asker)}
	for _, t := range o.Targets {
		if r.askers[t.Name] != nil {
			return nil, fmt.Errorf("two targets of retraining are called %q", t.Name)
		}
		c := caller{transport: t.Transport, timeout: o.Timeout, now: o.Now}
		if c.transport == nil {
			c.transport = http.DefaultTransport
		}
		e := &endpoint{
			name: t.Name, now: o.Now, metrics: o.Metrics, wake: make(chan struct{}, 1),
			log: o.Log.With("retraining_target", t.Name),
		}
		switch {
		case t.Airflow != nil:
			r.askers[t.Name] = &airflow{Airflow: *t.Airflow, caller: c}
		case t.Kubeflow != nil:
			r.askers[t.Name] = &kubeflow{Kubeflow: *t.Kubeflow, caller: c}
		case t.GitHub != nil:
			r.askers[t.Name] = &github{GitHub: *t.GitHub, caller: c}
			e.settles = githubSettles
		case t.Receiver != nil:
			r.askers[t.Name] = &receiver{Receiver: *t.Receiver, caller: c}
		default:
			return nil, fmt.Errorf("the target %q of retraining is of no kind", t.Name)
		}
		r.endpoints[t.Name] = e
		o.Metrics.begin(t.Name)
	}
	return r, nil
}

// Run asks until the context ends. What has not been answered then is asked for by
// the next owner of its shard.
func (r *Retrainer) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, e := range r.endpoints {
		group.Go(func() { e.run(ctx) })
	}
	group.Wait()
}

// Retrain asks for what is outstanding in a shard, unless it is being asked for. It
// does not wait; answer is called, from any goroutine, once a target has answered,
// and again each time it is told of what has been answered.
func (r *Retrainer) Retrain(shard int, outstanding []alerts.Outstanding, answer func(alerts.Answer)) {
	until := r.options.Now().Add(r.options.Valid)
	for i := range outstanding {
		o := &outstanding[i]
		record := &o.Pending.Record
		for _, name := range o.Pending.Targets {
			answered := func(d alerts.Delivery) {
				answer(alerts.Answer{Version: o.Version, ID: record.ID, Target: name, Delivery: d})
			}
			e := r.endpoints[name]
			if e == nil {
				answered(alerts.Delivery{Error: "the configuration has no target of this name any more"})
				continue
			}
			asked := order{message: messageOf(record), note: record.Summary, at: o.Pending.At}
			e.add(&job{
				id: record.ID, shard: shard, until: until, expires: record.Expires, before: !o.Fresh, answer: answered,
				send: func(ctx context.Context, before bool) (taken, error) {
					asked.before = before
					return r.askers[name].ask(ctx, &asked)
				},
			})
		}
	}
}

// Release forgets what is outstanding in a shard.
func (r *Retrainer) Release(shard int) {
	for _, e := range r.endpoints {
		e.release(shard)
	}
}
