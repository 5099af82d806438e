package alerts

import "strings"

// Kind is what an alert is about.
type Kind string

// The kinds of alerts.
const (
	FeatureDrift    Kind = "feature_drift"
	PredictionDrift Kind = "prediction_drift"
	// DataQuality: what arrives is broken, of features or of the prediction.
	DataQuality Kind = "data_quality"
	// Performance: the service is slower, or fails more often, than its objective
	// allows.
	Performance Kind = "performance"
	// Traffic: far more or far fewer requests come than usual at this hour, or none.
	Traffic Kind = "traffic"
)

// Kinds are those that windows are judged by, in the order in which their alerts
// are published.
func Kinds() []Kind {
	return []Kind{FeatureDrift, PredictionDrift, DataQuality, Performance, Traffic}
}

// AlertName is what Alertmanager, rules and runbooks call alerts of the kind:
// ModelFeatureDrift.
func (k Kind) AlertName() string {
	name := "Model"
	for word := range strings.SplitSeq(string(k), "_") {
		if word != "" {
			name += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return name
}
