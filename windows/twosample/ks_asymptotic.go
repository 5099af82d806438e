package twosample

import "math"

// KSAsymptotic is the probability that D of two samples of n and m values is
// at least d, taken from the law of the one-sample statistic at size
// N = nm/(n+m), rounded half to even, as scipy does. It is not Kolmogorov's
// limit, which is further from the truth.
//
// Special cases are:
//
//	n or m is not positive, or d is NaN: NaN
//	N rounds to 0 (n = m = 1): 1, which is what D, always 1 then, has
//	d ≤ 0: 1
//	d ≥ 1: 0, the law being one of continuous data
func KSAsymptotic(n, m int, d float64) PValue {
	if n <= 0 || m <= 0 || math.IsNaN(d) {
		return noPValue(Asymptotic)
	}
	size := math.RoundToEven(float64(n) * (float64(m) / (float64(n) + float64(m))))
	if size < 1 {
		return pValue(1, Asymptotic)
	}
	return ksOneSample(size, d)
}

// AutoExactUpTo is the size of the larger sample up to which KSPValue is exact.
const AutoExactUpTo = 10_000

// KSPValue is the p-value of D = h/lcm(n, m) by scipy's rule: exact when the
// larger sample has at most AutoExactUpTo values, asymptotic otherwise. The
// asymptotic value is lower by about 1 % at the switch and p ≈ 0.05.
//
// The special cases are those of KSExact and KSAsymptotic.
func KSPValue(n, m int, h uint64) PValue {
	if max(n, m) <= AutoExactUpTo {
		return KSExact(n, m, h)
	}
	if n <= 0 || m <= 0 {
		return noPValue(Asymptotic)
	}
	lcm, _, _, ok := leastCommonMultiple(uint64(n), uint64(m))
	if !ok || h > lcm {
		return noPValue(Asymptotic)
	}
	return KSAsymptotic(n, m, ratio(h, lcm))
}

// ksOneSample is P(D_N ≥ d) for the two-sided one-sample statistic of N values.
// Which formula serves where follows Simard and L'Ecuyer (2011), Journal of
// Statistical Software 39(11); with t = Nd:
//
//	t ≤ ½                        1
//	t ≤ 1                        1 − N!((2t−1)/N)^N          (Ruben & Gambino 1982)
//	t ≥ N−1                      2(1−d)^N
//	d ≥ ½                        twice the one-sided tail
//	N ≤ 140:  Nd² ≤ 4            1 − the exact recursion
//	          beyond             twice the one-sided tail
//	N > 140:  Nd² ≥ 2.2          twice the one-sided tail
//	          Nd^1.5 ≤ 1.4 and N ≤ 10⁵   1 − Durbin's matrix
//	          else               1 − Pelz and Good's expansion
//
// The exact recursion stands for Durbin's matrix and Pomeranz's algorithm,
// which compute the same number.
func ksOneSample(size, d float64) PValue {
	t := size * d
	lambda := t * d // N d²
	switch {
	case d >= 1:
		return logPValue(math.Inf(-1), Asymptotic)
	case t <= 0.5:
		return pValue(1, Asymptotic)
	case t <= 1:
		return pValue(1-stirlingPower(size, 2*t-1), Asymptotic)
	case t >= size-1:
		return logPValue(math.Ln2+size*math.Log1p(-d), Asymptotic)
	case d >= 0.5, size <= 140 && lambda > 4, size > 140 && lambda >= 2.2:
		return logPValue(math.Ln2+logOneSidedTail(size, d), Asymptotic)
	case size <= 140:
		return pValue(1-stayProbability(int(size), d), Asymptotic)
	}
	stay := pelzGood(size, d)
	// Where the matrix would be used p is 1 − stay, and the expansion's part in
	// that, about 10³·stay/N², may be too small to be worth a large matrix.
	if size <= 1e5 && t*math.Sqrt(d) <= 1.4 && stay > 5e-14*size*size {
		stay = durbinMatrix(int(size), d)
	}
	return pValue(1-stay, Asymptotic)
}

// stirlingPower is N!(x/N)^N for 0 ≤ x ≤ 1.
func stirlingPower(size, x float64) float64 {
	if size <= 140 {
		product := 1.0
		for k := 1.0; k <= size; k++ {
			product *= k * x / size
		}
		return product
	}
	logFactorial, _ := math.Lgamma(size + 1)
	return math.Exp(logFactorial + size*math.Log(x/size))
}
