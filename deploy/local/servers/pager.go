//go:build unix

package servers

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Notification is what Alertmanager tells a webhook.
type Notification struct {
	To                              string `json:"-"` // the path that it was sent to, without its slash
	Status                          string
	GroupLabels, CommonLabels       map[string]string
	CommonAnnotations               map[string]string
	ExternalURL, Receiver, GroupKey string
	Alerts                          []Notified
}

// A Notified is an alert in a notification.
type Notified struct {
	Status              string
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
	GeneratorURL        string
	Fingerprint         string
}

// With are the alerts of a status.
func (n *Notification) With(status string) []Notified {
	return slices.DeleteFunc(slices.Clone(n.Alerts), func(a Notified) bool { return a.Status != status })
}

// A Pager is who Alertmanager pages: webhooks at every path of its URL. It ends with
// its test.
type Pager struct {
	*httptest.Server
	mu  sync.Mutex
	all []Notification // guarded by mu
}

// NewPager starts one. A notification that cannot be read fails the test.
func NewPager(tb testing.TB) *Pager {
	tb.Helper()
	p := &Pager{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n := Notification{To: strings.TrimPrefix(r.URL.Path, "/")}
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			tb.Errorf("a notification cannot be read: %v", err)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all = append(p.all, n)
	}))
	tb.Cleanup(p.Close)
	return p
}

// Told are the notifications so far.
func (p *Pager) Told() []Notification {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// Statuses are the statuses of the notifications so far: firing or resolved.
func (p *Pager) Statuses() []string {
	var all []string
	for _, n := range p.Told() {
		all = append(all, n.Status)
	}
	return all
}
