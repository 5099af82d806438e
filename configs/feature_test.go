package configs_test

import (
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/windows"
)

// A feature has what its item writes over what its model has, and its model's
// settings where the item says nothing, wherever those come from.
func TestFeaturesAreMergedOverTheirModel(t *testing.T) {
	c := parsed(t, least+`
defaults:
  drift:
    features:
      - {name: "user.*", numeric: wasserstein, min_effect: 0.3}
      - {name: "user.age*", ties: exact}
      - {name: user.age, measures: [hellinger]}
models:
  - name: fraud
    drift: {min_effect: 0.2, min_events: 7, numeric: ks}
  - name: own
    drift: {features: [{name: prediction, categorical: psi}]}
`)
	for _, want := range []struct {
		model, feature string
		own            bool
		minEffect      float64
		numeric, ties  string
		measures       int
	}{
		{"fraud", "amount", false, 0.2, "ks", "continuous", 3},
		{"fraud", "user.country", true, 0.3, "wasserstein", "continuous", 3},
		{"fraud", "user.ages", true, 0.2, "ks", "exact", 3},
		{"fraud", "user.age", true, 0.2, "ks", "continuous", 1},
		{"other", "user.age", true, 0.1, "auto", "continuous", 1},
		{"own", "user.age", false, 0.1, "auto", "continuous", 3},
	} {
		d, own := c.For(want.model).Drift.For(want.feature)
		if own != want.own || d.MinEffect != want.minEffect || d.Numeric != want.numeric || d.Ties != want.ties || len(d.Measures) != want.measures {
			t.Errorf("%s of %s: own %v, %+v", want.feature, want.model, own, d)
		}
	}
	if d, _ := c.For("fraud").Drift.For("user.age"); d.MinEvents != 7 {
		t.Errorf("min_events of a feature that says nothing of it: %d", d.MinEvents)
	}
	if d, own := c.For("own").Drift.For(windows.PredictionName); !own || d.Categorical != "psi" {
		t.Errorf("the prediction: %+v", d)
	}
}

func TestBudget(t *testing.T) {
	c := parsed(t, least+`
defaults: {budget: 1 per 30d}
models: [{name: fraud, budget: "2 per 1w", window: {size: 10m}}]
`)
	if got := c.For("x").Budget; got.Pages != 1 || got.Windows(windows.DurationSpan(time.Hour)) != 720 {
		t.Errorf("%+v", got)
	}
	if got := c.For("fraud").Budget; got.Pages != 2 || got.Windows(windows.DurationSpan(10*time.Minute)) != 1008 {
		t.Errorf("%+v", got)
	}
	if a, b := c.Fingerprint(), parsed(t, least).Fingerprint(); a == b {
		t.Error("a budget changes verdicts, and not the fingerprint")
	}
	if got := parsed(t, least).For("x").Budget; got != (configs.Budget{}) {
		t.Errorf("without one: %+v", got)
	}
}
