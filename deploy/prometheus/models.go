package prometheus

import (
	"fmt"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/alerts/alertmanager"
)

// modelPage is the page of the model version in an alert's labels.
const modelPage = `/model?name={{ $labels.model | urlquery }}&version={{ $labels.model_version | urlquery }}`

// Models are the alerts on models, from metrics: the same that kolmo sends to
// Alertmanager, with the same labels, so that Alertmanager takes both for one. The
// labels that Prometheus adds by external_labels have to be dropped from them.
func Models(o Options) *File {
	file := &File{About: `Alerts on models from metrics, for who does not let kolmo itself tell Alertmanager.
Printed by: kolmo rules --models
They have the labels of what kolmo sends: README.md beside this file says when both
ways are one alert to Alertmanager.
`}
	group := Group{Name: "kolmo.models"}
	for _, kind := range alerts.Kinds() {
		name := kind.AlertName()
		group.Rules = append(group.Rules, Rule{
			Alert: name,
			// Alertmanager gets the severity and the kind from the series, and no label
			// without a value: a model without versions has no model_version.
			Expr: fmt.Sprintf(`max by (model, model_version, kind, severity) (
  label_replace(kolmo_alerts_firing{kind=%q} == 1, "model_version", "$1", "version", "(.*)")
)`, kind),
			Annotations: Annotations{
				Summary:      alertmanager.Summary(kind),
				Description:  `{{ $labels.model }} {{ $labels.model_version }}` + evidenceOf(kind),
				EvidenceURL:  strings.TrimSuffix(o.ExternalURL, "/") + modelPage,
				DashboardURL: o.dashboard("kolmo-model", `?var-model={{ $labels.model | urlquery }}&var-version={{ $labels.model_version | urlquery }}`),
				RunbookURL:   o.runbook(name),
			},
		})
	}
	file.Groups = []Group{group}
	return file
}

// evidenceOf asks Prometheus, as an alert is sent, what is known of its cause.
func evidenceOf(kind alerts.Kind) string {
	version := `{model=%q,version=%q}`
	top := func(before, query, item string) string {
		return `{{ with printf "` + strings.ReplaceAll(query, `"`, `\"`) + `" $labels.model $labels.model_version | query }}` + before +
			`{{ range $i, $r := . }}{{ if $i }}, {{ end }}` + item + `{{ end }}{{ end }}`
	}
	switch kind {
	case alerts.FeatureDrift:
		return top(": the last window differs most in ",
			`topk(5, max by (feature) (kolmo_feature_drift_statistic`+version+` and on (model, version, feature) kolmo_feature_drifted{feature!="prediction"} == 1))`,
			`{{ $r.Labels.feature }} ({{ printf "%.3g" $r.Value }})`)
	case alerts.PredictionDrift:
		return top(": the statistic of the prediction is ",
			`max by (test) (kolmo_feature_drift_statistic{model=%q,version=%q,feature="prediction"})`, `{{ printf "%.3g" $r.Value }} ({{ $r.Labels.test }})`)
	case alerts.DataQuality:
		return top(": the largest shares of events without a value are ",
			`topk(5, max by (feature) (kolmo_feature_missing_ratio`+version+`) > 0)`, `{{ $r.Labels.feature }} ({{ $r.Value | humanizePercentage }})`)
	case alerts.Performance:
		return top(": 99 % of the requests of the last ten minutes were answered within ",
			`histogram_quantile(0.99, sum by (le) (rate(model_latency_seconds_bucket`+version+`[10m]))) > 0`, `{{ $r.Value | humanizeDuration }}`)
	case alerts.Traffic:
		return top(": in the last window there were ", `max(kolmo_window_events`+version+`)`, `{{ $r.Value | humanize }} events`)
	}
	return ""
}

// words says a duration in words.
func words(d time.Duration) string {
	if d%time.Hour == 0 && d > time.Hour {
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return d.String()
}
