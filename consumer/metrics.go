package consumer

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/windows"
)

// latencyBuckets are the upper bounds, in seconds, of model_latency_seconds.
func latencyBuckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// Metrics of a consumer. Whatever counts events is advanced when the checkpoint
// that holds the events is committed, so that a crash or a rebalance counts
// nothing twice. A nil *Metrics measures nothing.
type Metrics struct {
	events          *prometheus.CounterVec
	late            *prometheus.CounterVec
	deadLetters     *prometheus.CounterVec
	requests        *prometheus.CounterVec
	watermarkLag    *prometheus.GaugeVec
	consumerLag     *prometheus.GaugeVec
	held            *prometheus.GaugeVec
	idle            *prometheus.GaugeVec
	checkpoints     prometheus.Histogram
	checkpointBytes prometheus.Counter
	fenced          prometheus.Counter
	overLimits      *prometheus.CounterVec
	latency         *latencies
	labelled        *labelled
}

// NewMetrics makes the metrics and registers them. room bounds what names can make
// of them; nil: nothing does.
func NewMetrics(registerer prometheus.Registerer, room SeriesRoom) *Metrics {
	m := &Metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kolmo_events_total", Help: "Records read, by topic and what became of them.",
		}, []string{"topic", "result"}),
		late: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kolmo_late_events_total", Help: "Events that came after their window had closed.",
		}, []string{"model"}),
		deadLetters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kolmo_dead_letters_total", Help: "Records sent to the dead-letter topic, by the reason for their rejection.",
		}, []string{"topic", "reason"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "model_requests_total", Help: "Prediction events, by model version and the status they carried.",
		}, []string{"model", "version", "status"}),
		watermarkLag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kolmo_watermark_lag_seconds", Help: "How far a partition's watermark is behind the clock.",
		}, []string{"topic", "partition"}),
		consumerLag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kolmo_consumer_lag_records", Help: "Records of a partition that no checkpoint holds yet.",
		}, []string{"topic", "partition"}),
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kolmo_partition_held", Help: "1 while a partition waits for others to be closed.",
		}, []string{"topic", "partition"}),
		idle: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kolmo_partition_idle", Help: "1 while Kafka says that a partition has nothing more to read, and nothing has come for limits.idle_after.",
		}, []string{"topic", "partition"}),
		checkpoints: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "kolmo_checkpoint_seconds", Help: "How long a checkpoint took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		checkpointBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kolmo_checkpoint_bytes_total", Help: "Bytes of state written to Redis.",
		}),
		fenced: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kolmo_fenced_total", Help: "Writes that were refused because somebody else had taken over.",
		}),
		overLimits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kolmo_over_limit_total", Help: "What the input had beyond a limit, and was counted under " + windows.Other + " or not at all.",
		}, []string{"limit"}),
		latency: newLatencies(), labelled: newLabelled(room),
	}
	registerer.MustRegister(m.events, m.late, m.deadLetters, m.requests, m.watermarkLag, m.consumerLag, m.held, m.idle,
		m.checkpoints, m.checkpointBytes, m.fenced, m.overLimits, m.latency)
	return m
}

// A modelKey is a model version as metric labels.
type modelKey struct{ model, version string }

// pending is what an owner has counted since its last checkpoint.
type pending struct {
	accepted, late, rejected, overLimit uint64
	lateByModel                         map[string]uint64
	models                              map[modelKey]*modelPending
	// last saves the look-up while events of one model version follow each other.
	last    *modelPending
	lastKey modelKey
}

type modelPending struct {
	requests map[string]*uint64 // pointers, so that counting does not make a string of the bytes
	latency  latencyCounts
}

func newPending() pending {
	return pending{lateByModel: make(map[string]uint64), models: make(map[modelKey]*modelPending)}
}

// request counts one prediction event.
func (p *pending) request(model, version string, status []byte, latencySeconds float64, hasLatency bool) {
	if p.last == nil || p.lastKey.model != model || p.lastKey.version != version {
		key := modelKey{model, version}
		m := p.models[key]
		if m == nil {
			m = &modelPending{requests: make(map[string]*uint64), latency: newLatencyCounts()}
			p.models[key] = m
		}
		p.last, p.lastKey = m, key
	}
	count := p.last.requests[string(status)]
	if count == nil {
		label := string(status)
		if len(p.last.requests) >= maxStatusLabels {
			label = windows.Other
		}
		if count = p.last.requests[label]; count == nil {
			count = new(uint64)
			p.last.requests[label] = count
		}
	}
	*count++
	if hasLatency {
		p.last.latency.observe(latencySeconds)
	}
}

// committed adds what a committed checkpoint holds and empties p.
func (m *Metrics) committed(topic string, p *pending) {
	if m != nil {
		add := func(result string, n uint64) {
			if n > 0 {
				m.events.WithLabelValues(topic, result).Add(float64(n))
			}
		}
		add("accepted", p.accepted)
		add("late", p.late)
		add("rejected", p.rejected)
		add("over_limit", p.overLimit)
		for model, n := range p.lateByModel {
			m.late.WithLabelValues(m.labelled.lateness(model)).Add(float64(n))
		}
		for key, counts := range p.models {
			for status, n := range counts.requests {
				as, status := m.labelled.request(key, status)
				m.requests.WithLabelValues(as.model, as.version, status).Add(float64(*n))
			}
			if counts.latency.any() {
				m.latency.add(m.labelled.latencies(key), &counts.latency)
			}
		}
		if n := m.labelled.keptTogether(); n > 0 {
			m.overLimit("metrics", n)
		}
	}
	*p = newPending()
}

func (m *Metrics) checkpointed(took time.Duration, bytes int) {
	if m == nil {
		return
	}
	m.checkpoints.Observe(took.Seconds())
	m.checkpointBytes.Add(float64(bytes))
}

// overLimit counts what was beyond a limit.
func (m *Metrics) overLimit(limit string, n uint64) {
	if m != nil {
		m.overLimits.WithLabelValues(limit).Add(float64(n))
	}
}

func (m *Metrics) wasFenced() {
	if m != nil {
		m.fenced.Inc()
	}
}

func (m *Metrics) deadLettered(topic, reason string) {
	if m != nil {
		m.deadLetters.WithLabelValues(topic, reason).Inc()
	}
}

// missed counts records that were deleted before they were read.
func (m *Metrics) missed(topic string, n int64) {
	if m != nil {
		m.events.WithLabelValues(topic, "deleted_unread").Add(float64(n))
	}
}

// results are what can become of a record, as kolmo_events_total says it.
func results() []string {
	return []string{"accepted", "late", "rejected", "over_limit", "deleted_unread"}
}

// begin has the counters there before there is anything to count: what is missing
// tells nobody that it is nothing, and a first step from nowhere to one is none.
func (m *Metrics) begin(topics []Topic) {
	if m == nil {
		return
	}
	for _, topic := range topics {
		for _, result := range results() {
			m.events.WithLabelValues(topic.Name, result)
		}
	}
	for limit := range (windows.Exceeded{}) {
		m.overLimits.WithLabelValues(windows.Limit(limit).String())
	}
	m.overLimits.WithLabelValues("metrics")
}

func (m *Metrics) position(topic string, partition int32, watermarkLag time.Duration, known, held, idle bool) {
	if m == nil {
		return
	}
	number := strconv.Itoa(int(partition))
	if known {
		m.watermarkLag.WithLabelValues(topic, number).Set(watermarkLag.Seconds())
	}
	flag := func(gauge *prometheus.GaugeVec, set bool) {
		value := 0.0
		if set {
			value = 1
		}
		gauge.WithLabelValues(topic, number).Set(value)
	}
	flag(m.held, held)
	flag(m.idle, idle)
}

func (m *Metrics) lag(topic string, partition int32, records int64) {
	if m != nil {
		m.consumerLag.WithLabelValues(topic, strconv.Itoa(int(partition))).Set(float64(max(records, 0)))
	}
}

// gone forgets the gauges of a partition that moved to another instance.
func (m *Metrics) gone(topic string, partition int32) {
	if m == nil {
		return
	}
	number := strconv.Itoa(int(partition))
	m.watermarkLag.DeleteLabelValues(topic, number)
	m.consumerLag.DeleteLabelValues(topic, number)
	m.held.DeleteLabelValues(topic, number)
	m.idle.DeleteLabelValues(topic, number)
}

// latencyCounts are counts between latencyBuckets, to be added at once.
type latencyCounts struct {
	bounds []float64
	counts []uint64 // one more than bounds
	sum    float64
}

func newLatencyCounts() latencyCounts {
	bounds := latencyBuckets()
	return latencyCounts{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

// any reports whether there is a latency at all.
func (c *latencyCounts) any() bool {
	for _, n := range c.counts {
		if n > 0 {
			return true
		}
	}
	return false
}

func (c *latencyCounts) observe(seconds float64) {
	i := 0
	for i < len(c.bounds) && seconds > c.bounds[i] {
		i++
	}
	c.counts[i]++
	c.sum += seconds
}

// latencies is the histogram model_latency_seconds. client_golang's own takes
// one observation at a time; this one takes a checkpoint's at once.
type latencies struct {
	desc *prometheus.Desc
	mu   sync.Mutex
	// models holds totals since the start. Guarded by mu.
	models map[modelKey]*latencyCounts
}

func newLatencies() *latencies {
	return &latencies{
		desc:   prometheus.NewDesc("model_latency_seconds", "Serving latency that prediction events carried.", []string{"model", "version"}, nil),
		models: make(map[modelKey]*latencyCounts),
	}
}

func (l *latencies) add(key modelKey, counts *latencyCounts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	total := l.models[key]
	if total == nil {
		fresh := newLatencyCounts()
		total = &fresh
		l.models[key] = total
	}
	for i, n := range counts.counts {
		total.counts[i] += n
	}
	total.sum += counts.sum
}

// Describe implements prometheus.Collector.
func (l *latencies) Describe(ch chan<- *prometheus.Desc) { ch <- l.desc }

// Collect implements prometheus.Collector.
func (l *latencies) Collect(ch chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, counts := range l.models {
		buckets := make(map[float64]uint64, len(counts.bounds))
		var total uint64
		for i, bound := range counts.bounds {
			total += counts.counts[i]
			buckets[bound] = total
		}
		total += counts.counts[len(counts.bounds)]
		ch <- prometheus.MustNewConstHistogram(l.desc, total, counts.sum, buckets, key.model, key.version)
	}
}
