package twosample

import "math"

// Method names how a p-value was found.
type Method string

// The methods.
const (
	// Exact is the probability itself, up to rounding.
	Exact Method = "exact"
	// Asymptotic is the limit for large samples, or close to it.
	Asymptotic Method = "asymptotic"
	// Permutation is the distribution given the margins of the table at hand,
	// sampled or matched by its moments.
	Permutation Method = "permutation"
)

// A PValue is the probability, where the two samples come from one
// distribution, of a statistic at least as large as the one observed.
type PValue struct {
	// P is in [0, 1]; 0 where it is below the range of float64, NaN where there
	// is nothing to test.
	P float64
	// LogP is the natural logarithm of the probability, in [−Inf, 0]. It stays
	// finite where P underflows. It is −Inf only where the probability is truly
	// 0 or the method has no logarithm to give.
	LogP float64
	// Method is how the two were found.
	Method Method
}

// noPValue is the answer where there is nothing to test.
func noPValue(method Method) PValue {
	return PValue{P: math.NaN(), LogP: math.NaN(), Method: method}
}

// pValue is the p-value p, at most 1.
func pValue(p float64, method Method) PValue {
	p = min(p, 1)
	return PValue{P: p, LogP: math.Log(p), Method: method}
}

// scaledPValue is the p-value p·2^exponent, at most 1, however small.
func scaledPValue(p float64, exponent int, method Method) PValue {
	if small := math.Ldexp(p, exponent); small > 0x1p-1000 {
		return pValue(small, method)
	}
	return PValue{
		P:      math.Ldexp(p, exponent),
		LogP:   math.Log(p) + float64(exponent)*math.Ln2,
		Method: method,
	}
}

// logPValue is the p-value exp(logP), at most 1, however small.
func logPValue(logP float64, method Method) PValue {
	logP = min(logP, 0)
	return PValue{P: math.Exp(logP), LogP: logP, Method: method}
}
