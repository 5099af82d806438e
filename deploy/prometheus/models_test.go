package prometheus

import (
	"net/url"
	"testing"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/alertmanager"
)

func firing(instance, model, version string, kind alerts.Kind, severity string) string {
	return `kolmo_alerts_firing{job="kolmo",instance="` + instance + `",model="` + model + `",version="` + version + `",kind="` + string(kind) + `",severity="` + severity + `"}`
}

// Each alert has exactly the labels of the push, whichever instance exposes it.
func TestModels(t *testing.T) {
	of := func(model, version string, kind alerts.Kind, severity string) map[string]string {
		labels := map[string]string{"model": model, "kind": string(kind), "severity": severity}
		if version != "" {
			labels["model_version"] = version
		}
		return labels
	}
	feature := func(metric, name, more string) string {
		return metric + `{job="kolmo",instance="a",model="fraud",version="3",feature="` + name + `"` + more + `}`
	}
	stories := []story{
		{"nothing fires", map[string]string{firing("a", "fraud", "3", alerts.FeatureDrift, "critical"): constantly("0")}, map[string][]fired{"10m": nil}},
		{"features drift, and the shard moves to another instance", map[string]string{
			firing("a", "fraud", "3", alerts.FeatureDrift, "critical"):    "0x10 1x10 stale",
			firing("b", "fraud", "3", alerts.FeatureDrift, "critical"):    "_x21 1x20 0x20",
			feature("kolmo_feature_drift_statistic", "age", `,test="ks"`): constantly("0.05"), feature("kolmo_feature_drifted", "age", ""): constantly("0"),
			feature("kolmo_feature_drift_statistic", "amount", `,test="ks"`): constantly("0.137"), feature("kolmo_feature_drifted", "amount", ""): constantly("1"),
			feature("kolmo_feature_drift_statistic", "country", `,test="chi2"`): constantly("321"), feature("kolmo_feature_drifted", "country", ""): constantly("1"),
			feature("kolmo_feature_drift_statistic", "prediction", `,test="ks"`): constantly("0.9"), feature("kolmo_feature_drifted", "prediction", ""): constantly("1"),
		}, map[string][]fired{
			"9m":  nil,
			"20m": {{"ModelFeatureDrift", of("fraud", "3", alerts.FeatureDrift, "critical"), "fraud 3: the last window differs most in country (321), amount (0.137)"}},
			"30m": {{"ModelFeatureDrift", of("fraud", "3", alerts.FeatureDrift, "critical"), "fraud 3: the last window differs most in country (321), amount (0.137)"}},
			"45m": nil,
		}},
		{"both expose it for a moment", map[string]string{
			firing("a", "fraud", "3", alerts.PredictionDrift, "warning"): constantly("1"), firing("b", "fraud", "3", alerts.PredictionDrift, "warning"): constantly("1"),
			feature("kolmo_feature_drift_statistic", "prediction", `,test="ks"`): constantly("0.25"),
		}, map[string][]fired{"20m": {{"ModelPredictionDrift", of("fraud", "3", alerts.PredictionDrift, "warning"), "fraud 3: the statistic of the prediction is 0.25 (ks)"}}}},
		{"data breaks", map[string]string{
			firing("a", "fraud", "3", alerts.DataQuality, "critical"):   constantly("1"),
			feature("kolmo_feature_missing_ratio", "amount", ""):        constantly("0.41"),
			feature("kolmo_feature_missing_ratio", "age", ""):           constantly("0"),
			firing("a", "fraud", "3", alerts.FeatureDrift, "critical"):  constantly("0"),
			firing("a", "fraud", "4", alerts.DataQuality, "critical"):   constantly("0"),
			firing("a", "scoring", "3", alerts.DataQuality, "critical"): constantly("0"),
		}, map[string][]fired{"20m": {{"ModelDataQuality", of("fraud", "3", alerts.DataQuality, "critical"), "fraud 3: the largest shares of events without a value are amount (41%)"}}}},
		{"it is slow", map[string]string{
			firing("a", "fraud", "3", alerts.Performance, "critical"):                                    constantly("1"),
			`model_latency_seconds_bucket{job="kolmo",instance="a",model="fraud",version="3",le="0.25"}`: "0+0x120",
			`model_latency_seconds_bucket{job="kolmo",instance="a",model="fraud",version="3",le="0.5"}`:  "0+60x120",
			`model_latency_seconds_bucket{job="kolmo",instance="a",model="fraud",version="3",le="+Inf"}`: "0+60x120",
		}, map[string][]fired{"20m": {{"ModelPerformance", of("fraud", "3", alerts.Performance, "critical"), "fraud 3: 99 % of the requests of the last ten minutes were answered within 497.5ms"}}}},
		{"nobody calls it", map[string]string{
			firing("a", "fraud", "3", alerts.Traffic, "critical"): constantly("1"), `kolmo_window_events{job="kolmo",instance="a",model="fraud",version="3"}`: constantly("0"),
		}, map[string][]fired{"20m": {{"ModelTraffic", of("fraud", "3", alerts.Traffic, "critical"), "fraud 3: in the last window there were 0 events"}}}},
		{"a model without versions, of which nothing else is known, gets worse", map[string]string{
			firing("a", "fraud", "", alerts.FeatureDrift, "warning"): "1x10 0x50", firing("a", "fraud", "", alerts.FeatureDrift, "critical"): "_x10 1x50",
		}, map[string][]fired{
			"9m":  {{"ModelFeatureDrift", of("fraud", "", alerts.FeatureDrift, "warning"), "fraud "}},
			"20m": {{"ModelFeatureDrift", of("fraud", "", alerts.FeatureDrift, "critical"), "fraud "}},
		}},
		{"a name holds anything", map[string]string{firing("a", `a \"b\" {c} & d`, "1 2", alerts.Traffic, "info"): constantly("1")},
			map[string][]fired{"9m": {{"ModelTraffic", of(`a "b" {c} & d`, "1 2", alerts.Traffic, "info"), `a "b" {c} & d 1 2`}}}},
	}
	promtool(t, Models(Default()), stories, func(f fired) map[string]string {
		model, version := url.QueryEscape(f.labels["model"]), url.QueryEscape(f.labels["model_version"])
		return map[string]string{
			"summary": alertmanager.Summary(alerts.Kind(f.labels["kind"])), "description": f.description,
			"evidence_url":  "http://localhost:9464/model?name=" + model + "&version=" + version,
			"dashboard_url": "http://localhost:3000/d/kolmo-model?var-model=" + model + "&var-version=" + version,
			"runbook_url":   "http://localhost:9464/runbooks/" + f.alert,
		}
	})
}
