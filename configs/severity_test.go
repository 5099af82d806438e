package configs_test

import (
	"reflect"
	"testing"

	"github.com/kolmo-ml/kolmo/configs"
)

// A severity is one word, or a word for each of some effects; a model's own takes
// the place of the default's as a whole.
func TestSeveritiesByEffect(t *testing.T) {
	c := parsed(t, least+`
defaults:
  alert: {severity: {warning: 0.1, critical: 0.3}}
  slo: {severity: {critical: 2, info: 1}}
models:
  - {name: a, alert: {severity: info}}
  - {name: b, alert: {severity: {critical: 0.5}}}
  - {name: c, alert: {for: 1}}
`)
	byDefault := configs.Severity{Least: "warning", Worse: []configs.Grade{{Severity: "critical", From: 0.3}}}
	for name, want := range map[string]configs.Severity{
		"a": {Least: "info"}, "b": {Least: "critical", Worse: []configs.Grade{}}, "c": byDefault, "other": byDefault,
	} {
		if got := c.For(name).Alert.Severity; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	want := configs.Severity{Least: "info", Worse: []configs.Grade{{Severity: "critical", From: 2}}}
	if got := c.For("a").Objectives.Severity; !reflect.DeepEqual(got, want) {
		t.Errorf("of objectives: %+v, want %+v", got, want)
	}
}
