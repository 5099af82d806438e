package configs

import (
	"time"
)

// Objectives are what a model's service promises. The zero values are none.
type Objectives struct {
	ErrorRate float64 // share of requests that may fail, in (0, 1)
	Latency   Latency
	Alpha     float64 // below which an adjusted p-value says that one is missed
	Severity  Severity
}

// Latency has, for each quantile, what it may be at most.
type Latency struct {
	P50, P90, P95, P99 time.Duration
}

func (o *Objectives) fields() []field {
	return []field{
		{key: "error_rate", value: number(&o.ErrorRate, bound{0, true}, bound{1, true}), fallback: "none", meaning: "Share of requests that may fail."},
		{key: "latency", value: section{o.Latency.fields()}, meaning: "How long requests may take."},
		{key: "alpha", value: number(&o.Alpha, bound{0, true}, bound{1, true}), meaning: "Adjusted p-value below which a window misses an objective: the probability that it would look so bad, were the objective just kept."},
		{key: "severity", value: severity{&o.Severity, "how many times the objective"}, meaning: "Severity of the alert, or of how many times the objective each is: {warning: 1, critical: 2}."},
	}
}

func (l *Latency) fields() []field {
	of := func(key string, into *time.Duration, share string) field {
		return field{key: key, value: duration(into, time.Millisecond, time.Hour), fallback: "none", meaning: share + " of the requests must take no longer."}
	}
	return []field{
		of("p50", &l.P50, "Half"), of("p90", &l.P90, "Nine tenths"), of("p95", &l.P95, "95 in a hundred"), of("p99", &l.P99, "99 in a hundred"),
	}
}

// Traffic says which numbers of events are far from usual.
type Traffic struct {
	Watch        bool
	Period       string // 1d or 1w
	Cycles       int
	Below, Above float64 // shares of the usual rate
	Alpha        float64
	Severity     Severity
}

func (t *Traffic) fields() []field {
	return []field{
		{key: "watch", value: boolean(&t.Watch), meaning: "Alert when far more or far fewer events come than usual, or none."},
		{key: "period", value: oneOf(&t.Period, []string{"1d", "1w"}), meaning: "After how long the traffic repeats. What is usual is the median of the same hour of earlier periods, in window.time_zone."},
		{key: "cycles", value: whole(&t.Cycles, 2, 53), meaning: "How many periods are remembered."},
		{key: "below", value: number(&t.Below, bound{0, true}, bound{1, false}), meaning: "Share of the usual traffic below which it is far too little."},
		{key: "above", value: number(&t.Above, bound{1, false}, bound{1000, false}), meaning: "Multiple of the usual traffic above which it is far too much."},
		{key: "alpha", value: number(&t.Alpha, bound{0, true}, bound{1, true}), meaning: "How improbable a window's number of events must be for traffic just at below, or above."},
		{key: "severity", value: severity{&t.Severity, "share of the traffic that is gone, or beyond the usual,"}, meaning: "Severity of the alert, or of which share of the traffic is gone, or beyond the usual: {warning: 0, critical: 0.9}."},
	}
}
