package kafka

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// closedWindow is what the metrics need of a window that was published.
type closedWindow struct {
	verdict *drift.Verdict
	alerts  []*alerts.Alert
	states  map[alerts.Kind]alerts.State // after it
	// collecting: it becomes part of what later ones are compared with.
	collecting bool
	retraining []*alerts.RetrainingRecord
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
	missingRef   *prometheus.GaugeVec
	collecting   *prometheus.GaugeVec
	closedAt     *prometheus.GaugeVec
	left         prometheus.Counter
	behind       *prometheus.GaugeVec
	waitedFor    *prometheus.GaugeVec

	mu sync.Mutex
	// versions remembers, by shard, which labels are exposed. Guarded by mu.
	versions map[int]map[modelLabels]*exposed
	// counted are the labels of closedTotal, which no release takes back. Guarded
	// by mu.
	counted map[modelLabels]bool
	series  int // features exposed in all; guarded by mu
	most    int
	room    SeriesRoom
}

// A SeriesRoom says whether the metrics page may have so many lines more about a
// model: of a metric of that name, with labels of these values. Fewer than no
// lines give back what was taken. nil: any number.
type SeriesRoom func(model string, lines int, metric string, labels ...string) bool

// What a model version, and a feature of one, have on the page.
const (
	versionLines, versionMetric = 5, "kolmo_windows_closed_total"
	featureLines, featureMetric = 4, "kolmo_feature_drift_statistic"
)

type modelLabels struct{ model, version string }

// exposed is what the gauges show of a model version.
type exposed struct {
	features map[string]string // the test of each
	firing   map[[2]string]bool
}

// NewMetrics makes the metrics and registers them. At most featureSeries
// features are exposed in all, and nothing beyond the room; what is left out is
// counted.
func NewMetrics(registerer prometheus.Registerer, featureSeries int, room SeriesRoom) *Metrics {
	if room == nil {
		room = func(string, int, string, ...string) bool { return true }
	}
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
		firing:     gauge("kolmo_alerts_firing", "1 while the alert fires.", "model", "version", "kind", "severity"),
		missingRef: gauge("kolmo_reference_missing", "1 where the last window with events had nothing to be compared with.", "model", "version"),
		collecting: gauge("kolmo_reference_collecting", "1 where it had nothing, and becomes part of what later windows are compared with.", "model", "version"),
		closedAt:   gauge("kolmo_closed_timestamp_seconds", "When the shard last had closed everything that was due, in seconds since 1970; when it was taken over, until then.", "shard"),
		left: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kolmo_feature_series_left_out_total", Help: "Features of closed windows that limits.feature_series kept out of the metrics.",
		}),
		behind:    gauge("kolmo_slowest_partition_behind_seconds", "How far, in event time, the partition that others wait for is behind the one that is furthest ahead.", "topic", "partition"),
		waitedFor: gauge("kolmo_slowest_partition_waited_for_seconds", "For how long others have waited for this partition.", "topic", "partition"),
		versions:  make(map[int]map[modelLabels]*exposed), counted: make(map[modelLabels]bool), most: featureSeries, room: room,
	}
	registerer.MustRegister(m.statistic, m.pValue, m.drifted, m.missing, m.windowEvents, m.closedTotal, m.firing, m.missingRef, m.collecting, m.closedAt, m.left, m.behind, m.waitedFor)
	return m
}

// waiting exposes which partition the others wait for, if they do.
func (m *Metrics) waiting(w Waiting, waits bool) {
	if m == nil {
		return
	}
	m.behind.Reset()
	m.waitedFor.Reset()
	if waits {
		m.behind.WithLabelValues(w.Topic, w.Partition).Set(w.Behind.Seconds())
		m.waitedFor.WithLabelValues(w.Topic, w.Partition).Set(time.Since(w.Since).Seconds())
	}
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
	m.count(key)
	shown := m.shown(shard, key)
	if shown == nil {
		m.left.Add(float64(max(1, len(v.Features))))
		return
	}
	m.windowEvents.WithLabelValues(v.Model, v.Version).Set(float64(v.Events))
	for _, drifted := range []bool{true, false} { // the drifted keep their series
		for name, f := range v.Features {
			if f.Drifted == drifted {
				m.feature(shown, key, name, f)
			}
		}
	}
	if v.Prediction != nil {
		m.feature(shown, key, "prediction", v.Prediction)
	}
	if v.Events > 0 && !windows.IsOther(v.Model, v.Version) { // which is compared with nothing, ever
		m.missingRef.WithLabelValues(v.Model, v.Version).Set(flag(v.Reference == nil))
		m.collecting.WithLabelValues(v.Model, v.Version).Set(flag(v.Reference == nil && c.collecting))
	}
	m.fires(shown, key, c.states)
}

// upToDate exposes when a shard had closed everything that was due. at is the zero
// time while nobody knows.
func (m *Metrics) upToDate(shard int, at time.Time) {
	if m != nil && !at.IsZero() {
		m.closedAt.WithLabelValues(strconv.Itoa(shard)).Set(float64(at.UnixMilli()) / 1000)
	}
}

// given forgets a shard that is somebody else's.
func (m *Metrics) given(shard int) {
	if m != nil {
		m.closedAt.DeleteLabelValues(strconv.Itoa(shard))
	}
}

// flag is how a gauge says yes or no.
func flag(set bool) float64 {
	if set {
		return 1
	}
	return 0
}

// fires exposes which alerts of a version fire, and which did.
func (m *Metrics) fires(shown *exposed, key modelLabels, states map[alerts.Kind]alerts.State) {
	now := make(map[[2]string]bool)
	for kind, state := range states {
		if state.Incident != nil {
			now[[2]string{string(kind), state.Incident.Severity()}] = true
		}
	}
	for labels := range shown.firing {
		if !now[labels] {
			m.firing.WithLabelValues(key.model, key.version, labels[0], labels[1]).Set(0)
		}
	}
	for labels := range now {
		shown.firing[labels] = true
		m.firing.WithLabelValues(key.model, key.version, labels[0], labels[1]).Set(1)
	}
}

// owned exposes what fires of the versions of a shard that has just come: their next
// windows may be hours away.
func (m *Metrics) owned(shard int, versions map[alerts.Version]*version) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for v, known := range versions {
		if len(known.progress.Standing(time.Now())) == 0 {
			continue
		}
		key := modelLabels{v.Model, v.Version}
		if shown := m.shown(shard, key); shown != nil {
			m.fires(shown, key, known.progress.Alerts)
		}
	}
}

// shown is what is exposed of a version; nil where there is no room for it.
func (m *Metrics) shown(shard int, key modelLabels) *exposed {
	if m.versions[shard] == nil {
		m.versions[shard] = make(map[modelLabels]*exposed)
	}
	shown := m.versions[shard][key]
	if shown == nil && m.room(key.model, versionLines, versionMetric, key.model, key.version) {
		shown = &exposed{features: make(map[string]string), firing: make(map[[2]string]bool)}
		m.versions[shard][key] = shown
	}
	return shown
}

// count counts a closed window, those of too many versions together.
func (m *Metrics) count(key modelLabels) {
	if !m.counted[key] {
		if !m.room(key.model, 1, versionMetric, key.model, key.version) {
			m.closedTotal.WithLabelValues(windows.Other, "").Inc()
			return
		}
		m.counted[key] = true
	}
	m.closedTotal.WithLabelValues(key.model, key.version).Inc()
}

func (m *Metrics) feature(shown *exposed, key modelLabels, name string, f *drift.Feature) {
	test, known := shown.features[name]
	if !known {
		if m.series >= m.most || !m.room(key.model, featureLines, featureMetric, key.model, key.version, name) {
			m.left.Inc()
			return
		}
		m.series++
	}
	shown.features[name] = f.Test
	if test != f.Test && test != "" {
		m.statistic.DeleteLabelValues(key.model, key.version, name, test)
	}
	m.drifted.WithLabelValues(key.model, key.version, name).Set(flag(f.Drifted))
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
	for key, shown := range m.versions[shard] {
		for _, vec := range []*prometheus.GaugeVec{m.windowEvents, m.missingRef, m.collecting} {
			vec.DeleteLabelValues(key.model, key.version)
		}
		m.room(key.model, -versionLines, versionMetric, key.model, key.version)
		for name, test := range shown.features {
			for _, vec := range []*prometheus.GaugeVec{m.pValue, m.drifted, m.missing} {
				vec.DeleteLabelValues(key.model, key.version, name)
			}
			m.statistic.DeleteLabelValues(key.model, key.version, name, test)
			m.room(key.model, -featureLines, featureMetric, key.model, key.version, name)
		}
		for labels := range shown.firing {
			m.firing.DeleteLabelValues(key.model, key.version, labels[0], labels[1])
		}
		m.series -= len(shown.features)
	}
	delete(m.versions, shard)
}
