package alertmanager

import "github.com/kolmo-ml/kolmo/alerts"

// Summary is the one sentence that is the same in all alerts of a kind, for who sends
// them another way.
func Summary(kind alerts.Kind) string { return summaryOf(kind) }
