package drift

import (
	"maps"
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// The checks of data quality, by their names in a verdict.
const (
	checkMissing       = "missing"
	checkAppeared      = "appeared"
	checkNonFinite     = "non_finite"
	checkTypeChanges   = "type_changes"
	checkNewCategories = "new_categories"
	checkOutOfRange    = "out_of_range"
	checkOutliers      = "outliers"
	checkConstant      = "constant"
)

// QualitySettings decide what counts as broken data. The zero value makes no
// checks.
type QualitySettings struct {
	// Alpha is the level of a check's adjusted p-value, in (0, 1).
	Alpha float64
	// MinIncrease is by how much a rate must exceed the reference's, however small
	// the p-value: a share in [0, 1].
	MinIncrease float64
	// MinRatio is how many times the reference's the odds of a rate, rate over
	// 1−rate, must be, at least 1. What values close in time have in common makes
	// rates wander further than the p-value of independent ones allows for, in
	// proportion to what they are.
	MinRatio float64
}

// DefaultQuality is the settings of a model whose configuration says nothing. The
// level is a fifth of drift's: what is broken is mostly broken far beyond any
// level, and a false break would also take the blame for a true drift.
func DefaultQuality() QualitySettings {
	return QualitySettings{Alpha: 0.01, MinIncrease: 0.01, MinRatio: 3}
}

// Quality holds the checks made of a feature; nil where neither side has
// anything to count.
type Quality struct {
	// Missing is tested both ways, every other check for a rise alone.
	Missing *Check `json:"missing,omitempty"`
	// Appeared stands where fewer values are missing, by at least the least
	// increase: the share of events with a value. It is broken where the reference
	// lacks most of them.
	Appeared      *Check `json:"appeared,omitempty"`
	NonFinite     *Check `json:"non_finite,omitempty"`
	TypeChanges   *Check `json:"type_changes,omitempty"`
	NewCategories *Check `json:"new_categories,omitempty"`
	OutOfRange    *Check `json:"out_of_range,omitempty"`
	Outliers      *Check `json:"outliers,omitempty"`
	// Constant is made only where every value of the window is the same: the
	// share of that value.
	Constant *Check `json:"constant,omitempty"`
}

// A Check compares a rate of the window with the reference's own.
type Check struct {
	Rate          Number `json:"rate"`
	ReferenceRate Number `json:"reference_rate"`
	Count         uint64 `json:"count"` // of the window, of what Rate is the share
	// Statistic is the pooled z of two proportions. It and the p-value are left
	// out where the rate has not risen, since then there is nothing to test.
	Statistic *Number `json:"statistic,omitempty"`
	PMethod   string  `json:"p_method,omitempty"`
	P         *Number `json:"p_value,omitempty"`
	LogP      *Number `json:"log_p_value,omitempty"` // natural, where p underflows
	Adjusted  *Number `json:"p_adjusted,omitempty"`
	Broken    bool    `json:"broken"`
	// ExplainedBy says what a rise follows from that is not broken: "drift".
	ExplainedBy string `json:"explained_by,omitempty"`
}

// Excess is by how much the rate exceeds the reference's.
func (c *Check) Excess() float64 { return float64(c.Rate - c.ReferenceRate) }

// A NamedCheck is a check and its name.
type NamedCheck struct {
	Name string
	*Check
}

// Checks lists the checks that were made, in the order of their fields.
func (q *Quality) Checks() []NamedCheck {
	if q == nil {
		return nil
	}
	all := []NamedCheck{
		{checkMissing, q.Missing}, {checkAppeared, q.Appeared}, {checkNonFinite, q.NonFinite}, {checkTypeChanges, q.TypeChanges},
		{checkNewCategories, q.NewCategories}, {checkOutOfRange, q.OutOfRange}, {checkOutliers, q.Outliers}, {checkConstant, q.Constant},
	}
	return slices.DeleteFunc(all, func(c NamedCheck) bool { return c.Check == nil })
}

// reach is the share of the tested values that what a check has found more of
// can have come into, or gone from: where it is those that are absent from the
// test, the share of what is left without them.
func (c NamedCheck) reach() float64 {
	switch c.Name {
	case checkMissing, checkNonFinite, checkTypeChanges:
		return c.Excess() / (1 - float64(c.ReferenceRate))
	case checkAppeared:
		return c.Excess() / float64(c.Rate)
	}
	return c.Excess()
}

// culprits are the broken checks. Values out of range are outliers as well, and
// are not to blame twice.
func (q *Quality) culprits() []NamedCheck {
	return slices.DeleteFunc(q.Checks(), func(c NamedCheck) bool {
		return !c.Broken || c.Name == checkOutliers && q.OutOfRange != nil && q.OutOfRange.Broken
	})
}

// BrokenMost is the broken check with the largest excess, of several the first;
// its Check is nil where none is broken. Outliers count where no more values than
// usual are out of range.
func (f *Feature) BrokenMost() (most NamedCheck) {
	for _, c := range f.Quality.culprits() {
		if most.Check == nil || c.Excess() > most.Excess() {
			most = c
		}
	}
	return most
}

// qualityShare is the part of a window's budget that goes to data quality. Breaks
// are mostly far beyond any level, so that little is enough for them.
const qualityShare = 0.1

// driftBudget is what the checks of data quality leave of a window's level: the
// probabilities of a page of either kind add up to the budget.
func driftBudget(budget float64) float64 { return budget - float64(qualityShare*budget) }

// judgeQuality makes the checks of all features, corrects their p-values as a
// family of its own, and tells breaks from what follows from drift, and drift
// from what follows from breaks. It comes after the drift has been decided.
func judgeQuality(v *Verdict, s *Settings, c *Case) {
	if c.Reference == nil || s.Quality.Alpha == 0 {
		return
	}
	w := c.Window
	family := checkFamily{settings: &s.Quality, level: s.Quality.Alpha}
	if c.Budget > 0 {
		family.level = min(family.level, qualityShare*c.Budget)
	}
	var all []*inspection
	add := func(in *inspection) {
		if in.ref != nil {
			family.calibration = in.ref.Calibration
			in.check(&family)
			all = append(all, in)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Features)) {
		add(newInspection(v.Features[name], s.of(name), c, w.Feature(name), c.Reference.Find(name), w.FeatureEvents))
	}
	if v.Prediction != nil {
		add(newInspection(v.Prediction, s.of(windows.PredictionName), c, w.Prediction, c.Reference.FindPrediction(), w.PredictionEvents))
	}
	family.decide(s.Correction)
	for _, in := range all {
		in.attribute(s.Quality.MinIncrease)
		v.Broken = v.Broken || in.f.Broken
	}
	v.Drifted = v.Prediction.driftedByItself()
	for _, f := range v.Features {
		v.Drifted = v.Drifted || f.driftedByItself()
	}
}

func (f *Feature) driftedByItself() bool { return f != nil && f.Drifted && f.CausedBy == "" }

// A checkFamily is all checks of a window.
type checkFamily struct {
	settings *QualitySettings
	level    float64
	// calibration is of the feature whose checks are being made; nil where its
	// reference has none.
	calibration *reference.Calibration
	tested      []candidate
	// untested are checks whose rate has not risen. They could have, so they
	// count when p-values are corrected.
	untested int
}

// A candidate is a check that may be broken, and what its excess must be for
// that.
type candidate struct {
	*Check
	least float64
	// ratio is how many times the reference's the odds must be.
	ratio float64
}

// missingRatio is all that is asked of the odds of a missing rate, be
// QualitySettings.MinRatio larger: shares of tails wander more than gaps do.
const missingRatio = 2

func (t *checkFamily) add(c *Check, least float64) {
	t.tested = append(t.tested, candidate{c, max(least, t.settings.MinIncrease), t.settings.MinRatio})
}

// addMissing adds the check of a missing rate, which must be above what is usual in
// the reference's own windows. That says more than a multiple of the odds does, which is
// asked for where those are not known.
func (t *checkFamily) addMissing(c *Check, calibration *reference.Calibration) {
	missing := candidate{c, t.settings.MinIncrease, min(missingRatio, t.settings.MinRatio)}
	if calibration != nil && calibration.Missing != nil {
		missing.least = max(missing.least, calibration.Missing.Usual()-float64(c.ReferenceRate))
		missing.ratio = 1
	}
	t.tested = append(t.tested, missing)
}

// decide corrects the p-values and says which checks are broken.
func (t *checkFamily) decide(correction string) {
	p := make([]float64, len(t.tested)+t.untested)
	for i := range p {
		p[i] = 1
		if i < len(t.tested) {
			p[i] = float64(*t.tested[i].P)
		}
	}
	for i, adjusted := range Adjust(correction, p)[:len(t.tested)] {
		c := t.tested[i]
		c.Adjusted = number(adjusted)
		c.Broken = adjusted < t.level && c.Excess() >= c.least && c.oddsRose(c.ratio)
	}
}

// oddsRose reports whether the odds are so many times the reference's.
func (c *Check) oddsRose(times float64) bool {
	rate, before := float64(c.Rate), float64(c.ReferenceRate)
	return rate*(1-before) >= times*before*(1-rate)
}

// of makes a check of k1 in n1 of the window against k2 in n2 of the reference,
// tested as against testedK in testedN where those counts do not say how well
// the reference's rate is known. It is nil where there is nothing to count on
// either side, or nothing else: then no outcome could have been improbable, and
// the check is no member of the family (Tarone 1990, Biometrics 46, 515–522).
func (t *checkFamily) of(k1, n1, k2, n2, testedK, testedN uint64) *Check {
	if n1 == 0 || n2 == 0 || testedN == 0 || k1+k2 == 0 {
		return nil
	}
	c := checkOf(k1, n1, k2, n2)
	if c.Excess() <= 0 {
		t.untested++
		return c
	}
	c.test(k1, n1, testedK, testedN, 1)
	c.allow(t.calibration)
	t.add(c, 0)
	return c
}

// allow gives the check the p-value that allows for values close in time being
// alike, where the reference's windows show that they are and it is the larger: that
// of z with the variance inflated as much as theirs is.
func (c *Check) allow(calibration *reference.Calibration) {
	if calibration == nil || c.Statistic == nil {
		return
	}
	spread := calibration.KS
	if spread == nil {
		spread = calibration.ChiSquare
	}
	if spread == nil {
		return
	}
	p := twosample.ZCalibrated(float64(*c.Statistic), spread.Inflation, calibration.Windows)
	if p.P /= 2; p.P > float64(*c.P) {
		c.P, c.LogP, c.PMethod = number(p.P), nil, string(p.Method)
	}
}

func checkOf(k1, n1, k2, n2 uint64) *Check {
	return &Check{Rate: Number(share(k1, n1)), ReferenceRate: Number(share(k2, n2)), Count: k1}
}

// test gives the check the p-value of a rise, times tails.
func (c *Check) test(k1, n1, k2, n2 uint64, tails float64) {
	z, p := rise(k1, n1, k2, n2)
	if !math.IsNaN(z) {
		c.Statistic = number(z)
	}
	c.P, c.PMethod = number(min(1, tails*p.P)), string(p.Method)
	if p.P == 0 && !math.IsInf(p.LogP, 0) {
		c.LogP = number(p.LogP + math.Log(tails))
	}
}

func share(k, n uint64) float64 { return float64(k) / float64(n) }
