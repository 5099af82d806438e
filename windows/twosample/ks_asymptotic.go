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
	// Where the matrix would be used p is 1 − stay, and stay may be too small to
	// be worth a large matrix.
	if size <= 1e5 && t*math.Sqrt(d) <= 1.4 && stay > 1e-12 {
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

// logOneSidedTail is the logarithm of Smirnov's (1944) one-sided tail in the
// form of Birnbaum and Tingey (1951):
//
//	P(D⁺ ≥ d) = d Σ_{j ≤ N(1−d)} C(N, j) (d + j/N)^(j−1) (1 − d − j/N)^(N−j)
//
// Every term is a binomial probability at p = d + j/N, divided by p. Terms are
// taken relative to the largest so that none of the sum is lost to underflow.
//
// While d is not large the terms are a smooth bump that vanishes with all its
// derivatives at both ends, like exp(−Nd²/(2τ(1−τ))) at τ = j/N. Of such a
// function every s-th term, times s, gives the sum to all digits while the bump
// is several s wide (the trapezoidal rule converges faster than any power), so
// that the time does not grow with N.
func logOneSidedTail(size, d float64) float64 {
	stride := 1.0
	if d < 0.3 {
		width := math.Sqrt(size) / (4 * d) // of the bump around its top
		stride = max(1, math.Floor(min(size/256, width/4)))
	}
	return logOneSidedTailEvery(stride, size, d)
}

// logOneSidedTailEvery adds up every stride-th term.
func logOneSidedTailEvery(stride, size, d float64) float64 {
	last := math.Floor(size * (1 - d))
	// The terms rise to one top, which for small d is about the middle of the
	// range and for large d near 0.
	left, right := 0.0, last
	for right-left > 2 {
		third := math.Floor((right - left) / 3)
		if logTailTerm(size, d, left+third) < logTailTerm(size, d, right-third) {
			left += third
		} else {
			right -= third
		}
	}
	// Neighbours can differ by more than exp can span where d is near 1, so the
	// top must be found, not merely approached.
	top := left
	for j := left + 1; j <= right; j++ {
		if logTailTerm(size, d, j) > logTailTerm(size, d, top) {
			top = j
		}
	}
	reference := logTailTerm(size, d, top)
	total := 1.0
	for _, step := range []float64{-stride, +stride} {
		for j := top + step; j >= 0 && j <= last; j += step {
			term := math.Exp(logTailTerm(size, d, j) - reference)
			total += term
			if term < 1e-20*total {
				break
			}
		}
	}
	return reference + math.Log(d*total*stride)
}

// logTailTerm is log C(N, j) p^(j−1) (1−p)^(N−j) at p = d + j/N, by Loader's
// (2000) saddle-point form of the binomial: the exponent is a sum of deviances,
// not a difference of large logarithms of factorials.
func logTailTerm(size, d, j float64) float64 {
	p := d + j/size
	q := 1 - p
	switch {
	case j == 0:
		return size*math.Log1p(-d) - math.Log(d)
	case q <= 0:
		if j == size {
			return -math.Log(p)
		}
		return math.Inf(-1)
	}
	k := size - j
	if k == 0 {
		return (size - 1) * math.Log(p)
	}
	t := size * d
	exponent := stirlingError(size) - stirlingError(j) - stirlingError(k) - deviance(j, t) - deviance(k, -t)
	return exponent + 0.5*math.Log(size/(2*math.Pi*j*k)) - math.Log(p)
}

// deviance is x·log(x/(x+t)) + t, at least 0: without cancellation where t is
// small against x.
func deviance(x, t float64) float64 {
	r := t / x
	if math.Abs(r) > 0.1 {
		return t - x*math.Log1p(r)
	}
	// r − log(1+r) = r²/2 − r³/3 + …
	sum, power := 0.0, r*r
	for k := 2.0; ; k++ {
		next := sum + power/k
		if next == sum {
			return x * sum
		}
		sum = next
		power *= -r
	}
}

// stirlingError is log n! − log(√(2πn)(n/e)ⁿ) for an integer n ≥ 1.
func stirlingError(n float64) float64 {
	if n < 16 {
		logFactorial, _ := math.Lgamma(n + 1)
		return logFactorial - (n+0.5)*math.Log(n) + n - 0.5*math.Log(2*math.Pi)
	}
	s := 1 / (n * n)
	return (1.0/12 - (1.0/360-(1.0/1260-(1.0/1680-(1.0/1188-691.0/360360*s)*s)*s)*s)*s) / n
}
