package drift

import (
	"maps"
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// Why a drift does not count towards an alert.
const (
	// HeldWithinUsual: the reference's own windows differ as much from each other.
	HeldWithinUsual = "within_usual"
	// HeldWithinBudget: for so many windows and features, and the budget of false
	// pages, it is not improbable enough.
	HeldWithinBudget = "within_budget"
	// HeldSilenced: the configuration silences it; the reason follows.
	HeldSilenced = "silenced"
)

// A judgement is what a feature is judged by.
type judgement struct {
	feature *Feature
	own     *Settings // the feature's
	p       float64   // corrected together with the others'
	floor   float64   // the effect from which on it counts
}

// decide corrects the p-values over all features of the window, the prediction
// among them, and says which drifted, and which of those count towards an alert.
// budget is the level that follows from a budget of false pages; 0: there is none.
func decide(v *Verdict, s *Settings, budget float64) {
	var family []judgement
	add := func(name string, f *Feature) {
		if f.P != nil && !math.IsNaN(float64(*f.P)) {
			family = append(family, judge(f, s, s.of(name)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Features)) {
		add(name, v.Features[name])
	}
	if v.Prediction != nil {
		add(windows.PredictionName, v.Prediction)
	}
	p := make([]float64, len(family))
	for i, j := range family {
		p[i] = j.p
	}
	for i, adjusted := range Adjust(s.Correction, p) {
		f := family[i].feature
		f.Adjusted = number(adjusted)
		f.Drifted = adjusted < s.Alpha && float64(*f.Effect) >= family[i].floor
		v.Drifted = v.Drifted || f.Drifted
	}
	undecided(family, s)
	holdBack(family, s, budget)
	warn(v, family, budget)
}

// judge finds what a feature is judged by. own are its settings, s those of the
// model.
func judge(f *Feature, s, own *Settings) judgement {
	j := judgement{feature: f, own: own, p: float64(*f.P), floor: own.MinEffect}
	if s.byMinimumEffect(f) {
		j.p, j.floor = f.tested.minimumEffect(own.MinEffect), 0
		f.MinimumEffectP = number(j.p)
	}
	return j
}

// byMinimumEffect reports whether a feature is judged by the p-value of an effect
// beyond the floor, which the tests with a law of their own have.
func (s *Settings) byMinimumEffect(f *Feature) bool {
	return s.Decision == DecisionMinimumEffect && (f.Test == testKS || f.Test == testChi2)
}

// holdBack finds the drifts that do not count towards an alert. With a budget the
// p-values that allow for how much the reference's windows differ, where it has
// any, are corrected as one family and held against the budget's level.
func holdBack(family []judgement, s *Settings, budget float64) {
	p := make([]float64, len(family))
	for i, j := range family {
		f := j.feature
		if f.Drifted && float64(*f.Effect) < f.usual() {
			f.HeldBack = HeldWithinUsual
		}
		p[i] = j.budgetP(s)
	}
	if budget == 0 {
		return
	}
	for i, adjusted := range Adjust(s.Correction, p) {
		f := family[i].feature
		f.BudgetP = number(adjusted)
		if f.Drifted && f.HeldBack == "" && adjusted >= budget {
			f.HeldBack = HeldWithinBudget
		}
	}
}

// budgetP is the p-value that counts where a budget is set: one that allows for how
// much the reference's windows differ, where it has any.
func (j judgement) budgetP(s *Settings) float64 {
	f := j.feature
	switch {
	case f.Calibration == nil:
		return j.p
	case s.byMinimumEffect(f):
		return max(j.p, f.tested.calibrated(j.own.MinEffect))
	}
	return float64(*f.Calibration.P)
}

// minimumEffect is the p-value of an effect that is not larger than delta.
func (t *tested) minimumEffect(delta float64) float64 {
	if t.ks {
		return twosample.KSMinimumEffect(t.n, t.m, t.statistic, delta).P
	}
	return twosample.ChiSquareMinimumEffect(t.statistic, t.degrees, uint64(t.n), uint64(t.m), delta).P
}

// undecided marks features that another statistic, within the error of the one
// found, would have decided otherwise: those that would have drifted with the
// largest, the p-values of all others being as they are or smaller; and of samples
// those that drifted and would not have had the effect with the smallest.
func undecided(family []judgement, s *Settings) {
	p := make([]float64, len(family))
	open := false
	for i, j := range family {
		f, t := j.feature, &j.feature.tested
		p[i] = j.p
		low, high := f.within()
		switch {
		case low == high:
		case f.Drifted:
			f.Undecided = t.bothWays && low < j.floor
		case high >= j.floor && t.ks:
			open = true
			p[i] = min(j.p, t.largest(float64(*f.StatisticError), s.byMinimumEffect(f), j.own.MinEffect))
		}
	}
	if !open {
		return
	}
	for i, adjusted := range Adjust(s.Correction, p) {
		f := family[i].feature
		if low, high := f.within(); low < high && !f.Drifted {
			f.Undecided = adjusted < s.Alpha && high >= family[i].floor
		}
	}
}

// within are the bounds of the effect.
func (f *Feature) within() (low, high float64) {
	effect, err := float64(*f.Effect), f.tested.effectError
	return effect - err, effect + err
}

// largest is the p-value of the largest statistic that the error allows.
func (t *tested) largest(err float64, byMinimumEffect bool, delta float64) float64 {
	d := min(1, t.statistic+err)
	switch {
	case byMinimumEffect:
		return twosample.KSMinimumEffect(t.n, t.m, d, delta).P
	case t.within != nil:
		return t.within().P
	default:
		return twosample.KSAsymptotic(t.n, t.m, d).P
	}
}
