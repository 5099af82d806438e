package main

import (
	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// hoursPerBudget is the period of the budget that is simulated: 1 per 30d.
const hoursPerBudget = 30 * 24

// The names of the rules.
const (
	ruleArticle   = "p < 0.05 alone"
	ruleBH        = "BH, no floor"
	ruleFloor     = "BH and D ≥ 0.1 (default)"
	ruleMinimum   = "minimum effect 0.1"
	ruleBudget    = "default, budget 1 per 30d"
	ruleMinBudget = "minimum effect, budget 1 per 30d"
	ruleNoFloor   = "no floor, budget 1 per 30d"
)

// rules are kolmo's, each anew.
func rules() []*rule {
	policy := alerts.Policy{For: 2, Of: 3, ResolveAfter: 2, Severity: "critical"}
	budget := alerts.Budget{Pages: 1, Windows: hoursPerBudget}
	ruleOf := func(name string, policy alerts.Policy, budget alerts.Budget, change func(*drift.Settings)) *rule {
		settings := drift.Default()
		change(&settings)
		return &rule{name: name, settings: alerts.Settings{Drift: settings, Policy: policy, Budget: budget}}
	}
	return []*rule{
		ruleOf(ruleArticle, alerts.Policy{For: 1, Of: 1, ResolveAfter: 1}, alerts.Budget{}, func(s *drift.Settings) {
			s.Correction, s.MinEffect = drift.CorrectionNone, 0
		}),
		ruleOf(ruleBH, policy, alerts.Budget{}, func(s *drift.Settings) { s.MinEffect = 0 }),
		ruleOf(ruleFloor, policy, alerts.Budget{}, func(*drift.Settings) {}),
		ruleOf(ruleMinimum, policy, alerts.Budget{}, func(s *drift.Settings) { s.Decision = drift.DecisionMinimumEffect }),
		ruleOf(ruleBudget, policy, budget, func(*drift.Settings) {}),
		ruleOf(ruleMinBudget, policy, budget, func(s *drift.Settings) { s.Decision = drift.DecisionMinimumEffect }),
		ruleOf(ruleNoFloor, policy, budget, func(s *drift.Settings) { s.MinEffect = 0 }),
	}
}
