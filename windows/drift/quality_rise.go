package drift

import (
	"math"

	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// exactBelow is the smallest expected count of the table up to which a p-value
// is exact. Just above it the p-value of the normal law is up to 7 % too small at
// z = 2, and half of what it should be at z = 5.
const exactBelow = 1000

// exactFrom is the z from which on a p-value is worth being exact: below it that
// is over 0.15 in any case, and breaks nothing.
const exactFrom = 1

// rise tests whether k1 of n1 is a higher rate than k2 of n2, one-sided: z is
// that of pooled proportions, and the p-value Fisher's (1935), the probability of
// at least k1 given how many there are in all, where a count is small, and that
// of the normal limit otherwise. Fisher's is never too small, whatever the rate:
// a rare category has its rare p-value.
//
// z is NaN where all are successes or none; p is 1 then.
func rise(k1, n1, k2, n2 uint64) (z float64, p twosample.PValue) {
	z, p = twosample.TwoProportions(k1, n1, k2, n2)
	if math.IsNaN(z) {
		return z, twosample.PValue{P: 1, Method: twosample.Exact}
	}
	successes, total := float64(k1+k2), float64(n1+n2)
	if least := min(successes, total-successes) * float64(min(n1, n2)); z >= exactFrom && least < exactBelow*total {
		logP := hypergeometricTail(float64(k1), float64(n1), float64(n2), successes)
		return z, twosample.PValue{P: math.Exp(logP), LogP: logP, Method: twosample.Exact}
	}
	if z < 0 {
		upper := 1 - p.P/2
		return z, twosample.PValue{P: upper, LogP: math.Log(upper), Method: p.Method}
	}
	return z, twosample.PValue{P: p.P / 2, LogP: p.LogP - math.Ln2, Method: p.Method}
}

// hypergeometricTail is the logarithm of the probability that of so many
// successes among n1 + n2 at least k fall to the n1. Terms are added from k on:
// beyond the mean they fall, and the sum ends where they no longer count. k must
// not be far below the mean.
func hypergeometricTail(k, n1, n2, successes float64) float64 {
	first := logChoose(n1, k) + logChoose(n2, successes-k) - logChoose(n1+n2, successes)
	sum, term := 1.0, 1.0
	for last := min(n1, successes); k < last; k++ {
		term *= (n1 - k) / (k + 1) * ((successes - k) / (n2 - successes + k + 1))
		sum += term
		if term < 1e-17*sum {
			break
		}
	}
	return min(0, first+math.Log(sum))
}

// logChoose is the logarithm of n over k.
func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}
