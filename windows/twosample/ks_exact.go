package twosample

import "math"

// KSExact is P(D ≥ h/lcm(n, m)) for samples of n and m values from one
// continuous distribution.
//
// For n = m it is the closed form of Gnedenko and Korolyuk (1951) in time
// proportional to h; otherwise lattice paths are counted (Hodges 1958; the
// proportion of paths that leave the band rather than of those that stay, so
// that small probabilities keep their digits: Viehmann 2021, arXiv:2102.08037),
// in time proportional to the cells of the band, about nmD, and less where D is
// large. The result is good to about 13 digits at any size of p.
//
// Special cases are:
//
//	n or m is not positive, or h exceeds lcm(n, m): NaN
//	no two samples of these sizes have a smaller D: exactly 1
func KSExact(n, m int, h uint64) PValue {
	if n <= 0 || m <= 0 {
		return noPValue(Exact)
	}
	lcm, _, _, ok := leastCommonMultiple(uint64(n), uint64(m))
	switch {
	case !ok || h > lcm:
		return noPValue(Exact)
	case h == 0:
		return pValue(1, Exact)
	case n == m:
		return ksExactEqual(n, int(h))
	}
	return ksExactLattice(min(n, m), max(n, m), int64(h))
}

// ksExactEqual is the closed form for two samples of n values:
//
//	p = 2 Σ_{k≥1} (−1)^{k+1} C(2n, n−kh)/C(2n, n) = 2 A₀(1 − A₁(1 − A₂(1 − …)))
//	A_k = Π_{j<h} (n−kh−j)/(n+kh+j+1)
//
// In the nested form all factors are at most 1, so nothing is lost where the
// terms of the sum cancel. Rounding can bring it above 1 where p is 1.
func ksExactEqual(n, h int) PValue {
	if h == 1 {
		return pValue(1, Exact) // D is never less than 1/n
	}
	// Terms after the k-th are multiplied by A₁…A_k: how many of them matter?
	var factors []float64
	for k, weight := 1, 1.0; (k+1)*h <= n && weight > 1e-20; k++ {
		a, exponent := fallingRatio(n, h, k)
		a = math.Ldexp(a, exponent)
		factors = append(factors, a)
		weight *= a
	}
	nested := 1.0
	for k := len(factors) - 1; k >= 0; k-- {
		nested = 1 - factors[k]*nested
	}
	first, exponent := fallingRatio(n, h, 0)
	return scaledPValue(2*first*nested, exponent, Exact)
}

// fallingRatio is A_k of the closed form, as a·2^exponent: a product of h
// factors, or where those are many the ratio of the binomial coefficients that
// it is.
func fallingRatio(n, h, k int) (a float64, exponent int) {
	if h >= 64 && n-(k+1)*h >= 16 {
		logarithm := logCentralShare(n, (k+1)*h) - logCentralShare(n, k*h)
		exponent = int(math.Floor(logarithm / math.Ln2))
		// What is left is exp of the logarithm less exponent·ln 2, in two parts of
		// which the first is exact.
		const high, low = 6.93147180369123816490e-01, 1.90821492927058770002e-10
		return math.Exp(logarithm - float64(exponent)*high - float64(exponent)*low), exponent
	}
	a = 1
	for j := range h {
		a *= float64(n-k*h-j) / float64(n+k*h+j+1)
		if a < 0x1p-500 {
			a *= 0x1p+500
			exponent -= 500
		}
	}
	return a, exponent
}

// logCentralShare is log C(2n, n−h)/C(2n, n), by Stirling's formula with x = h/n:
// −n·((1+x)log(1+x) + (1−x)log(1−x)) − ½log(1−x²) and what the formula leaves.
func logCentralShare(n, h int) float64 {
	if h == 0 {
		return 0
	}
	x := float64(h) / float64(n)
	logProduct := math.Log1p(-x * x)
	left := 2*stirlingError(float64(n)) - stirlingError(float64(n-h)) - stirlingError(float64(n+h))
	return left - 0.5*logProduct - float64(n)*(2*x*math.Atanh(x)+logProduct)
}
