package webhook

import "github.com/prometheus/client_golang/prometheus"

// Metrics of those who are asked. A nil *Metrics measures nothing.
type Metrics struct {
	sentTotal, failedTotal, droppedTotal *prometheus.CounterVec
	length                               *prometheus.GaugeVec
}

// Why something is not sent, or not again.
const (
	noRoom   = "no_room"  // the queue was full: it comes with the next time everything is told
	outdated = "outdated" // its shard's owner did not say that it still is: as for no_room
	expired  = "expired"  // nobody wants it any more
	gone     = "gone"     // the target answered 410: it wants nothing any more
)

// NewMetrics makes the metrics of a Retrainer and registers them.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	return newMetrics(registerer, "retraining", "target", [4]string{
		"Retrainings that a target has taken.", "Attempts to ask a target that failed.",
		"Retrainings that a target was not asked for, or not again.", "Retrainings that wait for a target.",
	})
}

// NewNotifierMetrics makes the metrics of a Notifier and registers them.
func NewNotifierMetrics(registerer prometheus.Registerer) *Metrics {
	return newMetrics(registerer, "webhook", "webhook", [4]string{
		"Alerts that a webhook has taken.", "Attempts to send an alert to a webhook that failed.",
		"Alerts that were not sent to a webhook, or not again.", "Alerts that wait for a webhook.",
	})
}

func newMetrics(registerer prometheus.Registerer, what, label string, help [4]string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		sentTotal:    counter("kolmo_"+what+"_sent_total", help[0], label),
		failedTotal:  counter("kolmo_"+what+"_failed_total", help[1], label),
		droppedTotal: counter("kolmo_"+what+"_dropped_total", help[2], label, "reason"),
		length:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "kolmo_" + what + "_queue_length", Help: help[3]}, []string{label}),
	}
	registerer.MustRegister(m.sentTotal, m.failedTotal, m.droppedTotal, m.length)
	return m
}

// begin has the series of a target there from the start.
func (m *Metrics) begin(name string) {
	if m == nil {
		return
	}
	m.sentTotal.WithLabelValues(name)
	m.failedTotal.WithLabelValues(name)
	for _, reason := range []string{noRoom, outdated, expired, gone} {
		m.droppedTotal.WithLabelValues(name, reason)
	}
	m.length.WithLabelValues(name)
}

func (m *Metrics) sent(name string) {
	if m != nil {
		m.sentTotal.WithLabelValues(name).Inc()
	}
}

func (m *Metrics) failed(name string) {
	if m != nil {
		m.failedTotal.WithLabelValues(name).Inc()
	}
}

func (m *Metrics) dropped(name, reason string) {
	if m != nil {
		m.droppedTotal.WithLabelValues(name, reason).Inc()
	}
}

func (m *Metrics) queued(name string, n int) {
	if m != nil {
		m.length.WithLabelValues(name).Set(float64(n))
	}
}
