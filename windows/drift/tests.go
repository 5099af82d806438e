package drift

// The names of the tests in a verdict and in settings. A test other than ks and
// chi2 takes the size of the difference from a measure, and whether it is more
// than noise from the test that goes with it.
const (
	testAuto = "auto"
	// testKS compares distribution functions; the effect is D.
	testKS = "ks"
	// testChi2 compares counts in categories, or of distinct values; the effect
	// is Cramér's V.
	testChi2 = "chi2"
	// The others have the effect of the measure of that name. wasserstein goes with
	// the p-value of Kolmogorov–Smirnov, and its effect is in standard deviations of
	// the reference; the others go with chi-square over the same counts, to which
	// they are equivalent for small differences (Salicrú, Morales, Menéndez and Pardo
	// 1994).
	testWasserstein    = measureWasserstein
	testPSI            = measurePSI
	testJensenShannon  = measureJensenShannon
	testHellinger      = measureHellinger
	testTotalVariation = measureTotalVariation
)

// NumericTests are the tests of numeric features.
func NumericTests() []string {
	return []string{testAuto, testKS, testChi2, testWasserstein, testPSI, testJensenShannon, testHellinger, testTotalVariation}
}

// CategoricalTests are the tests of categorical features.
func CategoricalTests() []string {
	return []string{testChi2, testPSI, testJensenShannon, testHellinger, testTotalVariation}
}

// The methods in a verdict.
const (
	// methodExact: every value of both samples was compared.
	methodExact = "exact"
	// methodBinned: every value was counted between reference quantiles; the
	// true D lies within statistic_error above the statistic.
	methodBinned = "binned"
	// methodSampled: uniform samples were compared.
	methodSampled = "sampled"
)

// Where an expected count is below sparseBelow the chi-square law raises false
// alarms, and the p-value comes from so many permutations (Cochran 1954 for the
// bound).
const (
	sparseBelow  = 5
	permutations = 1999
)

// sampledConfidence is the confidence with which the error of a sampled
// statistic is stated.
const sampledConfidence = 0.99
