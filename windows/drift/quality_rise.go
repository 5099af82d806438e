package drift

import (
	"math"

	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// exactFrom is the z from which on a p-value is worth being exact: below it that
// is over 0.15 in any case, and breaks nothing.
const exactFrom = 1

// rise tests whether k1 of n1 is a higher rate than k2 of n2, one-sided: z is
// that of pooled proportions, and the p-value that of twosample.ProportionIncrease,
// exact where a count is small: it is never too small, whatever the rate, and a rare
// category has its rare p-value.
//
// z is NaN where all are successes or none; p is 1 then.
func rise(k1, n1, k2, n2 uint64) (z float64, p twosample.PValue) {
	z, p = twosample.TwoProportions(k1, n1, k2, n2)
	switch {
	case math.IsNaN(z):
		return z, twosample.PValue{P: 1, Method: twosample.Exact}
	case z >= exactFrom:
		return twosample.ProportionIncrease(k2, n2, k1, n1)
	case z < 0:
		upper := 1 - p.P/2
		return z, twosample.PValue{P: upper, LogP: math.Log(upper), Method: p.Method}
	}
	return z, twosample.PValue{P: p.P / 2, LogP: p.LogP - math.Ln2, Method: p.Method}
}
