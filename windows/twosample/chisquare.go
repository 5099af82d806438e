package twosample

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ChiSquareResult is Pearson's chi-square statistic of homogeneity.
type ChiSquareResult struct {
	// N and M are the numbers of values in the reference and the current sample.
	N, M uint64
	// Statistic is Σ (observed−expected)²/expected over both rows, in [0, N+M];
	// NaN where there is nothing to compare.
	Statistic float64
	// DegreesOfFreedom is one less than the number of categories that have any
	// values.
	DegreesOfFreedom int
	// CramersV is √(Statistic/(N+M)), the effect size, in [0, 1].
	CramersV float64
	// MinExpected is the smallest expected count of the table. Where it is below
	// 5 the chi-square law is a poor guide, and a permutation p-value a better one.
	MinExpected float64
}

// ChiSquare compares the counts of two samples in the same categories: a 2×k
// table without Yates's correction (Pearson 1900). Categories without any
// values are dropped.
//
// Special cases are:
//
//	either side has no values, the numbers of categories differ, or a total
//	exceeds 63 bits: Statistic, CramersV and MinExpected are NaN
//	one category has all values: Statistic, DegreesOfFreedom and CramersV are 0
func ChiSquare(reference, current []uint64) ChiSquareResult {
	n, m, ok := sameBins(reference, current)
	result := ChiSquareResult{N: n, M: m, Statistic: math.NaN(), CramersV: math.NaN(), MinExpected: math.NaN()}
	if !ok || n > math.MaxInt64-m {
		return result
	}
	statistic, categories, least := 0.0, 0, uint64(math.MaxUint64)
	for i, a := range reference {
		b := current[i]
		if a+b == 0 {
			continue
		}
		categories++
		least = min(least, a+b)
		// Both rows together: (b·n − a·m)²/(n·m·(a+b)).
		difference := crossOf(a, n, b, m).difference
		statistic += difference / float64(n) * (difference / float64(m)) / float64(a+b)
	}
	result.Statistic = statistic
	result.DegreesOfFreedom = categories - 1
	result.CramersV = min(1, math.Sqrt(statistic/float64(n+m)))
	result.MinExpected = float64(least) * (float64(min(n, m)) / float64(n+m))
	return result
}

// PValue is the probability of a statistic at least as large under the
// chi-square law, the limit for large counts: 1 with no degrees of freedom, NaN
// where the statistic is.
func (r ChiSquareResult) PValue() PValue {
	switch {
	case math.IsNaN(r.Statistic):
		return noPValue(Asymptotic)
	case r.DegreesOfFreedom == 0:
		return pValue(1, Asymptotic)
	}
	return gammaTail(float64(r.DegreesOfFreedom)/2, r.Statistic/2, Asymptotic)
}

// gammaTail is the regularised upper incomplete gamma function Q(a, x), the
// probability that a gamma variable of shape a exceeds x.
func gammaTail(a, x float64, method Method) PValue {
	switch {
	case x <= 0:
		return pValue(1, method)
	case math.IsInf(x, 1):
		return logPValue(math.Inf(-1), method)
	}
	if x < a+10*math.Sqrt(a)+50 {
		if p := mathext.GammaIncRegComp(a, x); p > 1e-200 {
			return pValue(p, method)
		}
	}
	// Legendre's continued fraction, for x beyond a, by Lentz's algorithm:
	//
	//	Γ(a, x) = e^(−x) xᵃ · 1/(x+1−a− 1(1−a)/(x+3−a− 2(2−a)/(x+5−a− …)))
	b := x + 1 - a
	c := math.Inf(1)
	d := 1 / b
	fraction := d
	for k := 1.0; k < 1000; k++ {
		numerator := -k * (k - a)
		b += 2
		d = 1 / (numerator*d + b)
		c = b + numerator/c
		factor := c * d
		fraction *= factor
		if math.Abs(factor-1) < 1e-16 {
			break
		}
	}
	logGamma, _ := math.Lgamma(a)
	return logPValue(a*math.Log(x)-x-logGamma+math.Log(fraction), method)
}
