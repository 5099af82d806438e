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

// exactProportionsBelow is the smallest expected count below which
// ProportionTest is exact (Cochran 1954).
const exactProportionsBelow = 5

// ProportionTest compares k1 successes of n1 with k2 of n2 and is two-sided: by
// FisherExact where an expected count is under 5, by TwoProportions otherwise.
// The Method of the p-value says which. z is that of TwoProportions.
//
// Both are NaN where FisherExact is. Where all are successes or none, z is NaN
// and p is 1.
func ProportionTest(k1, n1, k2, n2 uint64) (z float64, p PValue) {
	if !areProportions(k1, n1, k2, n2) {
		return math.NaN(), noPValue(Exact)
	}
	z, p = TwoProportions(k1, n1, k2, n2)
	if leastExpectedBelow(exactProportionsBelow, k1, n1, k2, n2) {
		p = FisherExact(k1, n1, k2, n2).TwoSided
	}
	return z, p
}

// exactIncreaseBelow is the smallest expected count below which
// ProportionIncrease is exact. One tail of the normal law is too thin where counts
// are small and the samples unlike: for the smaller of two samples, one a
// twentieth of the other, it is a 25th of what it should be with 5 expected and
// z = 4, and with 1,000 expected still 7 % too small at z = 2, half at z = 5.
const exactIncreaseBelow = 1000

// ProportionIncrease is one-sided: p is the probability, where both samples come
// from one population, of a second proportion that exceeds the first by at least
// as much as observed, and z is positive where it does exceed it. p is that of
// FisherExact where an expected count is under 1,000, and the upper tail of the
// normal law at z otherwise. Where the second proportion is the smaller, p is
// above ½ or near it.
//
// Both are NaN where FisherExact is. Where all are successes or none, z is NaN
// and p is 1.
func ProportionIncrease(k1, n1, k2, n2 uint64) (z float64, p PValue) {
	if !areProportions(k1, n1, k2, n2) {
		return math.NaN(), noPValue(Exact)
	}
	z, p = TwoProportions(k2, n2, k1, n1)
	switch {
	case leastExpectedBelow(exactIncreaseBelow, k1, n1, k2, n2):
		s := splitOf(k1, n1, k2, n2)
		return z, s.less(s.mode(), s.logProbability(s.observed))
	case z < 0:
		return z, pValue(1-p.P/2, Asymptotic)
	}
	return z, PValue{P: p.P / 2, LogP: p.LogP - math.Ln2, Method: Asymptotic}
}

// leastExpectedBelow says whether the smallest expected count of the table is
// below bound, or nothing can be expected but what there is.
func leastExpectedBelow(bound float64, k1, n1, k2, n2 uint64) bool {
	successes, total := k1+k2, n1+n2
	return float64(min(successes, total-successes))*float64(min(n1, n2)) < bound*float64(total)
}
