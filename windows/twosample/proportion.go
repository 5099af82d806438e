package twosample

import "math"

// TwoProportions compares k1 successes of n1 with k2 of n2 by the pooled z test,
//
//	z = (p₁−p₂)/√(p(1−p)(1/n₁+1/n₂)),  p = (k₁+k₂)/(n₁+n₂)
//
// positive where the first proportion is the larger. The p-value is two-sided,
// of the normal limit.
//
// z and p are NaN where n1 or n2 is 0, a count exceeds its total, the totals add
// up to over 63 bits, or all are successes or none (the variance is 0).
func TwoProportions(k1, n1, k2, n2 uint64) (z float64, p PValue) {
	if n1 == 0 || n2 == 0 || k1 > n1 || k2 > n2 || n1 > math.MaxInt64-min(n2, math.MaxInt64) {
		return math.NaN(), noPValue(Asymptotic)
	}
	successes, total := k1+k2, n1+n2
	if successes == 0 || successes == total {
		return math.NaN(), noPValue(Asymptotic)
	}
	spread := float64(n1) * float64(n2) * (float64(successes) / float64(total)) * float64(total-successes)
	z = crossOf(k2, n2, k1, n1).difference / math.Sqrt(spread)
	return z, normalTails(z)
}

// normalTails is the probability that a standard normal is at least as far from
// 0 as z: erfc(|z|/√2), by its asymptotic expansion where that underflows.
func normalTails(z float64) PValue {
	x := math.Abs(z) / math.Sqrt2
	if x < 26 {
		return pValue(math.Erfc(x), Asymptotic)
	}
	// erfc(x) = e^(−x²)/(x√π) · (1 − 1/(2x²) + 1·3/(2x²)² − …)
	series, term := 1.0, 1.0
	for k := 1.0; k <= 9; k += 2 {
		term *= -k / (2 * x * x)
		series += term
	}
	return logPValue(-x*x-math.Log(x*math.Sqrt(math.Pi)/series), Asymptotic)
}

// ProportionTest compares k1 successes of n1 with k2 of n2 and is two-sided: by
// FisherExact where an expected count is under 5 (Cochran's rule, 1954), by
// TwoProportions otherwise. The Method of the p-value says which.
//
// It is NaN where FisherExact is, and 1 where all are successes or none.
func ProportionTest(k1, n1, k2, n2 uint64) PValue {
	if !areProportions(k1, n1, k2, n2) {
		return noPValue(Exact)
	}
	successes, total := float64(k1+k2), float64(n1+n2)
	if min(successes, total-successes)*float64(min(n1, n2)) < 5*total {
		return FisherExact(k1, n1, k2, n2).TwoSided
	}
	_, p := TwoProportions(k1, n1, k2, n2)
	return p
}
