package consumer

import (
	"sync"

	"github.com/kolmo-ml/kolmo/windows"
)

// A SeriesRoom says whether the metrics page may have so many lines more about a
// model: of a metric of that name, with labels of these values. It is called from
// many goroutines. nil: any number.
type SeriesRoom func(model string, lines int, metric string, labels ...string) bool

// maxStatusLabels bounds the statuses of one model version in the metrics.
const maxStatusLabels = 100

// labelled remembers which labels are exposed, and keeps those of too many models,
// versions and statuses together under windows.Other: a metrics page that grows
// with every name that somebody sends is read by nobody.
type labelled struct {
	room SeriesRoom

	mu sync.Mutex
	// requests are the statuses exposed of a model version, late and latency what
	// else is. Guarded by mu.
	requests map[modelKey]map[string]bool
	late     map[string]bool
	latency  map[modelKey]bool
	// together counts what has been put under windows.Other. Guarded by mu.
	together uint64
}

func newLabelled(room SeriesRoom) *labelled {
	return &labelled{
		room: room, requests: make(map[modelKey]map[string]bool), late: make(map[string]bool), latency: make(map[modelKey]bool),
	}
}

// others are the labels of what is kept together; they are always exposed.
func others() modelKey { return modelKey{model: windows.Other} }

// request is the labels under which a request is counted.
func (l *labelled) request(key modelKey, status string) (modelKey, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.requests[key]
	switch {
	case known[status], key == others() && status == windows.Other:
		return key, status
	case len(known) >= maxStatusLabels:
		status = windows.Other
		if known[status] {
			return key, status
		}
	}
	if !l.takes(key.model, 1, "model_requests_total", key.model, key.version, status) {
		return others(), windows.Other
	}
	if known == nil {
		known = make(map[string]bool)
		l.requests[key] = known
	}
	known[status] = true
	return key, status
}

// lateness is the label under which a late event is counted.
func (l *labelled) lateness(model string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.late[model] || model == windows.Other {
		return model
	}
	if !l.takes(model, 1, "kolmo_late_events_total", model) {
		return windows.Other
	}
	l.late[model] = true
	return model
}

// latencies is the labels under which latencies are counted.
func (l *labelled) latencies(key modelKey) modelKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latency[key] || key == others() {
		return key
	}
	if !l.takes(key.model, len(latencyBuckets())+3, "model_latency_seconds_bucket", key.model, key.version, "+Inf") {
		return others()
	}
	l.latency[key] = true
	return key
}

func (l *labelled) takes(model string, lines int, metric string, labels ...string) bool {
	if l.room == nil || l.room(model, lines, metric, labels...) {
		return true
	}
	l.together++
	return false
}

// keptTogether is how often labels were put under windows.Other since it was last
// asked.
func (l *labelled) keptTogether() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.together
	l.together = 0
	return n
}
