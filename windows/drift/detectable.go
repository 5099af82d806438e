package drift

import (
	"maps"
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// Detectable is the smallest effect of a feature that would have counted towards
// an alert in a window of so many values, the p-values of all other features being
// as they were. It is above 1, and infinite, where no effect would have.
type Detectable struct {
	// Effect is without a budget of false pages.
	Effect float64
	// InBudget is with the budget that the verdict was made with; Effect where
	// there was none.
	InBudget float64
}

// Detectable lists the features, and the prediction under its reserved name, that
// were tested by ks or chi2; the effects of the other tests have no law to turn
// around. Settings are those the verdict was made with. Kolmogorov–Smirnov is
// turned around by its law for large samples, chi-square by the chi-square law.
func (v *Verdict) Detectable(settings Settings) map[string]Detectable {
	s := &settings
	var family []judgement
	var names []string
	var p, budget []float64
	add := func(name string, f *Feature) {
		if f.P == nil || math.IsNaN(float64(*f.P)) {
			return
		}
		j := judge(f, s, s.of(name))
		family, names = append(family, j), append(names, name)
		p, budget = append(p, j.p), append(budget, j.budgetP(s))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Features)) {
		add(name, v.Features[name])
	}
	if v.Prediction != nil {
		add(windows.PredictionName, v.Prediction)
	}
	found := make(map[string]Detectable, len(family))
	for i, j := range family {
		if f := j.feature; f.Test != testKS && f.Test != testChi2 {
			continue
		}
		below := rejectedBelow(s.Correction, p, i, s.Alpha)
		d := Detectable{Effect: max(j.floor, j.feature.usual(), smallest(func(effect float64) bool {
			plain, _ := j.at(s, effect)
			return plain < below
		}))}
		d.InBudget = d.Effect
		if v.Level != nil {
			below := rejectedBelow(s.Correction, budget, i, float64(*v.Level))
			d.InBudget = max(d.Effect, smallest(func(effect float64) bool {
				_, allowing := j.at(s, effect)
				return allowing < below
			}))
		}
		found[names[i]] = d
	}
	return found
}

// at gives the p-values that the feature would have had with another effect: the
// one it is judged by, and the one that is held against a budget.
func (j judgement) at(s *Settings, effect float64) (p, budget float64) {
	f := j.feature
	t := f.tested
	t.statistic = effect
	if !t.ks {
		t.statistic = effect * effect * (float64(t.n) + float64(t.m)) // of Cramér's V
	}
	switch {
	case s.byMinimumEffect(f):
		p = t.minimumEffect(j.own.MinEffect)
	case t.ks:
		p = twosample.KSAsymptotic(t.n, t.m, effect).P
	default:
		p = twosample.ChiSquareResult{Statistic: t.statistic, DegreesOfFreedom: t.degrees}.PValue().P
	}
	delta := 0.0
	if s.byMinimumEffect(f) {
		delta = j.own.MinEffect
	}
	if t.spread == nil {
		return p, p
	}
	return p, max(p, t.calibrated(delta))
}

// smallest is the smallest effect in [0, 1] that is enough, to twelve digits;
// infinite where 1 is not. enough has to hold for every effect above one for which
// it holds.
func smallest(enough func(effect float64) bool) float64 {
	if !enough(1) {
		return math.Inf(1)
	}
	low, high := 0.0, 1.0
	for high-low > 1e-12 {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// rejectedBelow is the bound below which the i-th p-value has to lie for its
// adjusted one to lie below level, the other p-values being as they are.
//
//	bh    level·k/m for the largest k such that k−1 of the others are below it
//	holm  level/(m−k+1) where the k-th smallest of the others is the first that is
//	      not rejected at its own step
//	none  level
func rejectedBelow(correction string, p []float64, i int, level float64) float64 {
	others := slices.Delete(slices.Clone(p), i, i+1)
	slices.Sort(others)
	m := float64(len(p))
	switch correction {
	case CorrectionBH:
		for k := len(others); k > 0; k-- {
			if bound := level * float64(k+1) / m; others[k-1] < bound {
				return bound
			}
		}
		return level / m
	case CorrectionHolm:
		for k, other := range others {
			if bound := level / (m - float64(k)); other >= bound {
				return bound
			}
		}
	}
	return level
}
