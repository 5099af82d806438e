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
	// Numeric chooses the test of numeric features: "ks", "chi2", or "auto",
	// which is KS but chi-square for a feature with at most AutoDistinct
	// distinct values in its reference.
	Numeric string
	// Categorical chooses the test of categorical features: "chi2".
	Categorical string
	// Success are the statuses that count as successes; nil: success, ok and
	// 200 to 299.
	Success []string
}

// AutoDistinct is the number of distinct reference values up to which a
// numeric feature is tested by chi-square when Numeric is "auto": with so few
// values ties make a KS p-value several times too large.
const AutoDistinct = 10

// Default are the settings of a model whose configuration says nothing.
func Default() Settings {
	return Settings{Alpha: 0.05, Correction: "bh", MinEffect: 0.1, MinEvents: 50, Numeric: "auto", Categorical: "chi2"}
}
