package service

import (
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// watched adds to settings what is watched beside the features: objectives, traffic,
// and what is silenced; and where people reach the pages.
func watched(s *alerts.Settings, m *configs.Model, c *configs.Config) {
	s.Policy.Severity, s.Policy.Worse = grades(m.Alert.Severity)
	s.PerformanceSeverity, s.PerformanceWorse = grades(m.Objectives.Severity)
	s.Drift.Objectives = objectives(&m.Objectives)
	if t := m.Traffic; t.Watch {
		days := 7
		if t.Period == "1d" {
			days = 1
		}
		s.Traffic = &alerts.TrafficRule{
			Days: days, Cycles: t.Cycles, Below: t.Below, Above: t.Above, Alpha: t.Alpha, Location: m.Window.Location,
		}
		s.Traffic.Severity, s.Traffic.Worse = grades(t.Severity)
		s.Compared = true // every shard counts what the other versions have
	}
	for i := range c.Silences {
		s.Silences = append(s.Silences, silence(&c.Silences[i]))
	}
	if c.ExternalURL != "" {
		s.Policy.Pages = strings.TrimSuffix(c.ExternalURL, "/") + "/"
	}
}

func grades(s configs.Severity) (least string, worse []alerts.Grade) {
	for _, g := range s.Worse {
		worse = append(worse, alerts.Grade(g))
	}
	return s.Least, worse
}

func objectives(o *configs.Objectives) drift.Objectives {
	out := drift.Objectives{Alpha: o.Alpha}
	if o.ErrorRate > 0 {
		out.List = append(out.List, drift.Objective{Name: "error_rate", Share: o.ErrorRate})
	}
	for _, l := range []struct {
		name  string
		share float64
		limit time.Duration
	}{{"latency_p50", 0.5, o.Latency.P50}, {"latency_p90", 0.1, o.Latency.P90}, {"latency_p95", 0.05, o.Latency.P95}, {"latency_p99", 0.01, o.Latency.P99}} {
		if l.limit > 0 {
			out.List = append(out.List, drift.Objective{Name: l.name, Share: l.share, Milliseconds: l.limit.Seconds() * 1000})
		}
	}
	return out
}

func silence(c *configs.Silence) alerts.Silence {
	s := alerts.Silence{
		Covers: func(v alerts.Version, w windows.Interval) bool { return c.Covers(v.Model, v.Version, w) },
		Reason: c.Reason,
	}
	for _, kind := range c.Kinds {
		s.Kinds = append(s.Kinds, alerts.Kind(kind))
	}
	if len(c.Features) > 0 {
		s.Feature = c.OfFeature
	}
	return s
}
