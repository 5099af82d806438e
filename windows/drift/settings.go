package drift

// Settings decide what counts as drift.
type Settings struct {
	// Alpha is the level of the adjusted p-value below which a feature has
	// drifted, in (0, 1).
	Alpha float64
	// Correction is the multiplicity procedure over a window's features:
	// "bh" (Benjamini–Hochberg), "holm" or "none".
	Correction string
	// MinEffect is the effect size below which nothing counts as drift, however
	// small its p-value: D for Kolmogorov–Smirnov, Cramér's V for chi-square.
	MinEffect float64
	// MinEvents is the number of values below which a feature is not tested.
	MinEvents uint64
	// Numeric chooses the test of numeric features: a name of NumericTests.
	// "auto" is KS, but chi-square for a feature with at most AutoDistinct
	// distinct values in its reference.
	Numeric string
	// Categorical chooses the test of categorical features: a name of
	// CategoricalTests.
	Categorical string
	// Measures are the distances a verdict shows beside the test, by their names
	// in AllMeasures; nil: DefaultMeasures.
	Measures []string
	// Decision is DecisionFloor or DecisionMinimumEffect.
	Decision string
	// Ties is TiesContinuous or TiesExact.
	Ties string
	// Feature gives the settings of a feature that has its own: of them Numeric,
	// Categorical, MinEffect, MinEvents, Measures and Ties count. It returns nil
	// for every other feature; a nil Feature is of none that has.
	Feature func(name string) *Settings
	// Quality decides what counts as broken data.
	Quality QualitySettings
	// Objectives are what the service promises.
	Objectives Objectives
	// Success are the statuses that count as successes; nil: success, ok and
	// 200 to 299.
	Success []string
}

// How significance and size decide together.
const (
	// DecisionFloor: a feature has drifted when its corrected p-value, of no
	// difference at all, is below the level, and its effect at least the floor.
	DecisionFloor = "floor"
	// DecisionMinimumEffect: a feature has drifted when the corrected p-value of
	// an effect that is not larger than the floor is below the level.
	DecisionMinimumEffect = "minimum_effect"
)

// What a Kolmogorov–Smirnov p-value makes of values that tie.
const (
	// TiesContinuous takes the law of values that do not tie, which errs on the
	// safe side.
	TiesContinuous = "continuous"
	// TiesExact takes the law given which of the pooled values are equal (Schröer
	// and Trenkler 1995), where every value is compared and p-values are exact.
	TiesExact = "exact"
)

// of gives the settings that hold for a feature.
func (s *Settings) of(name string) *Settings {
	if s.Feature != nil {
		if own := s.Feature(name); own != nil {
			return own
		}
	}
	return s
}

// AutoDistinct is the number of distinct reference values up to which a
// numeric feature is tested by chi-square when Numeric is "auto": with so few
// values ties make a KS p-value several times too large.
const AutoDistinct = 10

// Default are the settings of a model whose configuration says nothing.
func Default() Settings {
	return Settings{
		Alpha: 0.05, Correction: CorrectionBH, MinEffect: 0.1, MinEvents: 50, Numeric: testAuto, Categorical: testChi2,
		Decision: DecisionFloor, Ties: TiesContinuous,
		Quality: DefaultQuality(),
	}
}
