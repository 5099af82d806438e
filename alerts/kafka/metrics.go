package kafka

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// closedWindow is what the metrics need of a window that was published.
type closedWindow struct {
	verdict  *drift.Verdict
	alerts   []*alerts.Alert
	severity string
}

// Metrics of the closers. Gauges of a model are exposed by the owner of its
// shard alone. A nil *Metrics measures nothing.
type Metrics struct {
	statistic    *prometheus.GaugeVec
	pValue       *prometheus.GaugeVec
	drifted      *prometheus.GaugeVec
	missing      *prometheus.GaugeVec
	windowEvents *prometheus.GaugeVec
	closedTotal  *prometheus.CounterVec
	firing       *prometheus.GaugeVec
	left         prometheus.Counter

	mu sync.Mutex
	// versions remembers, by shard, which labels are exposed. Guarded by mu.
	versions map[int]map[modelLabels]map[string]bool
	series   int // features exposed in all; guarded by mu
	most     int
}

type modelLabels struct{ model, version string }

// NewMetrics makes the metrics and registers them. At most featureSeries
// features are exposed in all; those beyond it are counted.
func NewMetrics(registerer prometheus.Registerer, featureSeries int) *Metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		statistic:    gauge("kolmo_feature_drift_statistic", "Test statistic of the last window.", "model", "version", "feature", "test"),
		pValue:       gauge("kolmo_feature_p_value", "Adjusted p-value of the last window.", "model", "version", "feature"),
		drifted:      gauge("kolmo_feature_drifted", "1 where the feature drifted in the last window.", "model", "version", "feature"),
		missing:      gauge("kolmo_feature_missing_ratio", "Share of the last window's events without a value.", "model", "version", "feature"),
		windowEvents: gauge("kolmo_window_events", "Events of the last window.", "model", "version"),
		closedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kolmo_windows_closed_total", Help: "Windows closed and published.",
		}, []string{"model", "version"}),
		firing: gauge("kolmo_alerts_firing", "1 while the alert fires.", "model", "version", "kind", "severity"),
		left: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kolmo_feature_series_left_out_total", Help: "Features of closed windows that limits.feature_series kept out of the metrics.",
		}),
		versions: make(map[int]map[modelLabels]map[string]bool), most: featureSeries,
	}
	registerer.MustRegister(m.statistic, m.pValue, m.drifted, m.missing, m.windowEvents, m.closedTotal, m.firing, m.left)
	return m
}

// closed exposes a window that was published.
func (m *Metrics) closed(shard int, c closedWindow) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v := c.verdict
	key := modelLabels{v.Model, v.Version}
	if m.versions[shard] == nil {
		m.versions[shard] = make(map[modelLabels]map[string]bool)
	}
	features := m.versions[shard][key]
	if features == nil {
		features = make(map[string]bool)
		m.versions[shard][key] = features
	}
	m.closedTotal.WithLabelValues(v.Model, v.Version).Inc()
	m.windowEvents.WithLabelValues(v.Model, v.Version).Set(float64(v.Events))
	for _, drifted := range []bool{true, false} { // the drifted keep their series
		for name, f := range v.Features {
			if f.Drifted == drifted {
				m.feature(features, key, name, f)
			}
		}
	}
	if v.Prediction != nil {
		m.feature(features, key, "prediction", v.Prediction)
	}
	for _, a := range c.alerts {
		value := 0.0
		if a.Status == alerts.Firing {
			value = 1
		}
		m.firing.WithLabelValues(v.Model, v.Version, string(a.Kind), a.Severity).Set(value)
	}
}

func (m *Metrics) feature(exposed map[string]bool, key modelLabels, name string, f *drift.Feature) {
	if !exposed[name] {
		if m.series >= m.most {
			m.left.Inc()
			return
		}
		exposed[name] = true
		m.series++
	}
	flag := 0.0
	if f.Drifted {
		flag = 1
	}
	m.drifted.WithLabelValues(key.model, key.version, name).Set(flag)
	if total := f.N + f.Missing; total > 0 {
		m.missing.WithLabelValues(key.model, key.version, name).Set(float64(f.Missing) / float64(total))
	}
	if f.Statistic != nil {
		m.statistic.WithLabelValues(key.model, key.version, name, f.Test).Set(float64(*f.Statistic))
	}
	if f.Adjusted != nil {
		m.pValue.WithLabelValues(key.model, key.version, name).Set(float64(*f.Adjusted))
	}
}

// release forgets what a shard exposed: another instance does now.
func (m *Metrics) release(shard int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, features := range m.versions[shard] {
		labels := prometheus.Labels{"model": key.model, "version": key.version}
		for _, vec := range []*prometheus.GaugeVec{m.statistic, m.pValue, m.drifted, m.missing, m.windowEvents, m.firing} {
			vec.DeletePartialMatch(labels)
		}
		m.series -= len(features)
	}
	delete(m.versions, shard)
}
