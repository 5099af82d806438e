package twosample

import (
	"math"
	"math/big"
	"math/bits"
)

// KSResult is the two-sample Kolmogorov–Smirnov statistic in integers: with F
// the reference's and G the current sample's empirical distribution function,
// D = sup|F−G| is H/LCM exactly.
type KSResult struct {
	// N and M are the sizes of the reference and of the current sample.
	N, M int
	// LCM is the least common multiple of N and M, and H = D·LCM, in [0, LCM].
	H, LCM uint64
	// D is H/LCM, correctly rounded, in [0, 1]; NaN where there is nothing to
	// compare.
	D float64
	// Location is the smallest value at which |F−G| is D; NaN when D is.
	Location float64
	// Sign is +1 where F lies above G at Location, −1 where it lies below, and
	// 0 where the two functions are the same everywhere.
	Sign int
}

// KS compares two samples sorted in ascending order.
//
// The functions F and G are compared after whole groups of equal values, in
// integers: H is the largest |i·(m/g) − j·(n/g)|, g the greatest common divisor
// of n and m, over the counts i and j of values up to and including each of the
// pooled ones (Hodges 1958). The result depends on the order and the equality
// of the values alone: −0 equals 0, and infinities are values like any other.
//
// Special cases are:
//
//	either sample is empty: D and Location are NaN, H and LCM 0
//	either sample holds NaN: D and Location are NaN, H and LCM 0
//	the samples have one and the same distribution: D is 0, Sign 0 and
//	Location the smallest value
//	LCM exceeds 63 bits (two samples of over 3·10⁹ values): D and Location are
//	NaN, H and LCM 0
//
// Samples that are not sorted give a meaningless result. NaN is recognised at
// either end, where sorting puts it.
func KS(reference, current []float64) KSResult {
	n, m := len(reference), len(current)
	result := KSResult{N: n, M: m, D: math.NaN(), Location: math.NaN()}
	if n == 0 || m == 0 || endsInNaN(reference) || endsInNaN(current) {
		return result
	}
	lcm, up, down, ok := leastCommonMultiple(uint64(n), uint64(m))
	if !ok {
		return result
	}
	gap, at, sign := largestGap(reference, current, int64(up), int64(down))
	result.LCM, result.H, result.Sign = lcm, uint64(gap), sign
	switch sign {
	case +1:
		result.Location = reference[at]
	case -1:
		result.Location = current[at]
	default:
		result.Location = min(reference[0], current[0])
	}
	result.D = ratio(result.H, lcm)
	return result
}

func endsInNaN(sorted []float64) bool {
	return math.IsNaN(sorted[0]) || math.IsNaN(sorted[len(sorted)-1])
}

// leastCommonMultiple is lcm(n, m) with what one value of either sample adds to
// its distribution function in units of 1/lcm; not ok when it exceeds 63 bits.
func leastCommonMultiple(n, m uint64) (lcm, stepN, stepM uint64, ok bool) {
	g := greatestCommonDivisor(n, m)
	stepN, stepM = m/g, n/g
	high, lcm := bits.Mul64(stepN, n)
	return lcm, stepN, stepM, high == 0 && lcm <= math.MaxInt64
}

func greatestCommonDivisor(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// ratio is h/lcm, correctly rounded.
func ratio(h, lcm uint64) float64 {
	const exact = 1 << 53 // up to here integers are float64s
	if h <= exact && lcm <= exact {
		return float64(h) / float64(lcm)
	}
	quotient := new(big.Rat).SetFrac(new(big.Int).SetUint64(h), new(big.Int).SetUint64(lcm))
	d, _ := quotient.Float64()
	return d
}
