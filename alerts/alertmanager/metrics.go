package alertmanager

import "github.com/prometheus/client_golang/prometheus"

// Metrics of a client. A nil *Metrics measures nothing.
type Metrics struct {
	sentTotal, failedTotal, droppedTotal *prometheus.CounterVec
	length                               *prometheus.GaugeVec
}

// Why an alert is dropped.
const (
	noRoom   = "no_room"  // the queue was full, and it was the oldest
	outdated = "outdated" // it waited too long to be still so
	refused  = "refused"  // Alertmanager answered that it never takes it
)

// NewMetrics makes the metrics and registers them.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		sentTotal:    counter("kolmo_alertmanager_sent_total", "Alerts that an Alertmanager took, each time they were sent.", "alertmanager"),
		failedTotal:  counter("kolmo_alertmanager_failed_total", "Alerts in requests to an Alertmanager that failed.", "alertmanager"),
		droppedTotal: counter("kolmo_alertmanager_dropped_total", "Alerts that were not sent, or not again: they come with the next time everything is told.", "alertmanager", "reason"),
		length: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kolmo_alertmanager_queue_length", Help: "Alerts that wait for an Alertmanager.",
		}, []string{"alertmanager"}),
	}
	registerer.MustRegister(m.sentTotal, m.failedTotal, m.droppedTotal, m.length)
	return m
}

// begin has the series of an Alertmanager there from the start.
func (m *Metrics) begin(name string) {
	if m == nil {
		return
	}
	m.sentTotal.WithLabelValues(name)
	m.failedTotal.WithLabelValues(name)
	for _, reason := range []string{noRoom, outdated, refused} {
		m.droppedTotal.WithLabelValues(name, reason)
	}
	m.length.WithLabelValues(name)
}

func (m *Metrics) sent(name string, n int) {
	if m != nil {
		m.sentTotal.WithLabelValues(name).Add(float64(n))
	}
}

func (m *Metrics) failed(name string, n int) {
	if m != nil {
		m.failedTotal.WithLabelValues(name).Add(float64(n))
	}
}

func (m *Metrics) dropped(name, reason string, n int) {
	if m != nil {
		m.droppedTotal.WithLabelValues(name, reason).Add(float64(n))
	}
}

func (m *Metrics) queued(name string, n int) {
	if m != nil {
		m.length.WithLabelValues(name).Set(float64(n))
	}
}
