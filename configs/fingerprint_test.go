package configs_test

import (
	"regexp"
	"testing"
)

func TestFingerprintIsOfWhatChangesVerdicts(t *testing.T) {
	base := parsed(t, least).Fingerprint()
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(base) {
		t.Fatalf("fingerprint %q", base)
	}
	same := map[string]string{
		"a second reading":         least,
		"a default written out":    least + "defaults: {window: {size: 60m, every: 1h, max_size: 24h}, reference: {kind: first}}",
		"the listener":             least + "listen: :80",
		"checkpoints":              least + "checkpoint_every: 1s",
		"metrics":                  least + "limits: {feature_series: 5}",
		"other servers":            "kafka: {brokers: [other:1], group: g, start: latest}\nredis: {addresses: [other:2], password: x}",
		"inputs as they are":       "kafka: {brokers: [a:1], inputs: {predictions: [predictions]}}\nredis: {addresses: [b:2]}",
		"a webhook":                least + "webhooks: [{name: a, url: http://a, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]",
		"what no kind of it uses":  least + "defaults: {reference: {kind: first}}",
		"traffic unwatched":        least + "defaults: {traffic: {below: 0.2}}",
		"the page's address":       least + "external_url: https://kolmo.example.org",
		"an Alertmanager":          least + "alertmanager: {urls: [\"http://localhost:9093\"]}\n",
		"outputs":                  "kafka: {brokers: [a:1], outputs: {alerts: pages}}\nredis: {addresses: [b:2]}",
		"the size of a limit, 1h":  least + "limits: {max_ahead: 60m, max_event_bytes: 1048576}",
		"how long silence is idle": least + "limits: {idle_after: 1m}",
	}
	for name, text := range same {
		if got := parsed(t, text).Fingerprint(); got != base {
			t.Errorf("%s changed the fingerprint", name)
		}
	}
	seen := map[string]string{base: "the least config"}
	for name, text := range map[string]string{
		"inputs":           "kafka: {brokers: [a:1], inputs: {features: [predictions]}}\nredis: {addresses: [b:2]}",
		"size":             least + "defaults: {window: {size: 2h}}",
		"every":            least + "defaults: {window: {every: 30m}}",
		"lateness":         least + "defaults: {window: {lateness: 3m}}",
		"zone":             least + "defaults: {window: {time_zone: Europe/Berlin}}",
		"origin":           least + "defaults: {window: {origin: \"2026-01-01T00:30:00Z\"}}",
		"min_events":       least + "defaults: {window: {min_events: 1}}",
		"max_size":         least + "defaults: {window: {max_size: 2h}}",
		"kind":             least + "defaults: {reference: {kind: fixed}}",
		"rolling":          least + "defaults: {reference: {kind: rolling}}",
		"seasonal":         least + "defaults: {reference: {kind: seasonal}}",
		"period":           least + "defaults: {reference: {kind: seasonal, period: 2w}}",
		"cycles":           least + "defaults: {reference: {kind: seasonal, cycles: 3}}",
		"version":          least + "defaults: {reference: {kind: version, version: a}}",
		"another version":  least + "defaults: {reference: {kind: version, version: b}}",
		"windows":          least + "defaults: {reference: {windows: 1}}",
		"reference size":   least + "defaults: {reference: {size: 1}}",
		"sample_size":      least + "defaults: {sample_size: 1}",
		"alpha":            least + "defaults: {drift: {alpha: 0.01}}",
		"numeric":          least + "defaults: {drift: {numeric: ks}}",
		"alert":            least + "defaults: {alert: {for: 1}}",
		"severity":         least + "defaults: {alert: {severity: info}}",
		"by effect":        least + "defaults: {alert: {severity: {warning: 0.1, critical: 0.3}}}",
		"an objective":     least + "defaults: {slo: {error_rate: 0.01}}",
		"a latency":        least + "defaults: {slo: {latency: {p99: 200ms}}}",
		"traffic":          least + "defaults: {traffic: {watch: true}}",
		"a silence":        least + "silences: [{model: a, reason: b}]",
		"success_statuses": least + "defaults: {success_statuses: [ok]}",
		"max_depth":        least + "limits: {max_depth: 5}",
		"max_ahead":        least + "limits: {max_ahead: 2h}",
		"max_bin_mass":     least + "limits: {max_bin_mass: 0.1}",
		"a model":          least + "models: [{name: a, sample_size: 1}]",
		"another model":    least + "models: [{name: b, sample_size: 1}]",
		"two models":       least + "models: [{name: a, sample_size: 1}, {name: b, sample_size: 2}]",
	} {
		got := parsed(t, text).Fingerprint()
		if other, taken := seen[got]; taken {
			t.Errorf("%s has the fingerprint of %s", name, other)
		}
		seen[got] = name
	}
	// The order of the file matters only between globs of one length.
	a := parsed(t, least+"models: [{name: b, sample_size: 2}, {name: a, sample_size: 1}]").Fingerprint()
	if seen[a] != "two models" {
		t.Error("the order of exact names changed the fingerprint")
	}
}
