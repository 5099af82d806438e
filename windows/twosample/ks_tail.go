package twosample

import "math"

// logOneSidedTail is the logarithm of Smirnov's (1944) one-sided tail in the
// form of Birnbaum and Tingey (1951), where it is small (Nd² ≥ 2.2):
//
//	P(D⁺ ≥ d) = d Σ_{j ≤ N(1−d)} C(N, j) (d + j/N)^(j−1) (1 − d − j/N)^(N−j)
//
// Every term is a binomial probability at p = d + j/N, divided by p. Where there
// are many terms and d is not large their sum has a closed form.
func logOneSidedTail(size, d float64) float64 {
	if size >= tailSeriesFrom && d <= 0.5 {
		return tailSeries(size, d)
	}
	return logOneSidedTailEvery(0, size, d)
}

// tailSeriesFrom is the N from which tailSeries has all digits.
const tailSeriesFrom = 64

// tailSeries is log P(D⁺ ≥ d) for d ≤ ½ as
//
//	−N·r(d) + g₀(d) + g₁(d)/N + g₂(d)/N² + …
//
// Over τ = j/N the terms are a smooth bump that vanishes with all its
// derivatives at both ends, so that their sum is an integral but for a part of
// about e^(−√(2π)·Nd), and the integral has such an expansion (Laplace's
// method): r is the least divergence of a proportion τ from τ+d, and g₀ comes
// from the bump's width. With d = z/√N the first terms are those of Chang
// (1956), log P = −2z² − 2z/(3√N) + (4z²/9 − 4z⁴/9)/N + …. The parts that are
// left out are below 10⁻¹¹ at N = 64.
//
// The polynomials are economised power series on [0, ½]; testdata/one_sided_tail.py
// computes them.
func tailSeries(size, d float64) float64 {
	g := polynomial(tailG4[:], d)
	g = polynomial(tailG3[:], d) + g/size
	g = polynomial(tailG2[:], d) + g/size
	g = polynomial(tailG1[:], d) + g/size
	g = polynomial(tailG0[:], d) + g/size
	return d*g - size*d*(d*polynomial(tailRate[:], d*d))
}

// polynomial is c₀ + c₁x + c₂x² + ….
func polynomial(c []float64, x float64) float64 {
	sum := 0.0
	for k := len(c) - 1; k >= 0; k-- {
		sum = sum*x + c[k]
	}
	return sum
}

// r(d)/d² by powers of d², and g(d)/d by powers of d.
var (
	tailRate = [...]float64{
		2.0, 0.4444444444444731, 0.23703703702960072, 0.16630217594804939,
		0.13333155135322639, 0.11549778653645605, 0.10507978546393426, 0.09924170869893327,
		0.09184230380927286, 0.11561140789527442, -0.010082799698587759, 0.40469707726956783,
		-0.4968209679664035, 0.6578272600671748,
	}
	tailG0 = [...]float64{
		-0.6666666666666669, 0.444444444444697, -0.2172839506775971, 0.31604938840600627,
		-0.14673749572422073, 0.27207852737791993, -0.12157229365648137, 0.2538500203764731,
		-0.13362634922359914, 0.4152543554746415, -1.0846640172627826, 4.383305163701014,
		-13.434301517256632, 32.4423220139192, -57.68659750443119, 73.92950690226188,
		-63.84024463598459, 33.32193044101072, -7.6894569087387294,
	}
	tailG1 = [...]float64{
		0.08888888877489577, -0.08888887756407002, 0.0902994580478301, -0.08728837415064904,
		0.09199139807886975, -0.0784650868126594, 0.16681706862921059, -0.7165204291352781,
		4.065253852425569, -16.309902018913743, 46.6631501643, -91.29928882136146,
		117.92451218548806, -90.57807282079952, 32.13057195555079,
	}
	tailG2 = [...]float64{
		0.005643739405943303, -0.01994112152269372, 0.02732856787270966, -0.06590073542718992,
		0.057864645286491816, -0.04062736194717372, -0.5679274261089652, 2.7705957666104277,
		-8.17317557130208, 14.078993205857259, -13.812402522405245, 5.6189353498247,
	}
	tailG3 = [...]float64{
		-0.009406225857440154, 0.019568336524235865, -0.033264685324400155, 0.054946892695685014,
		-0.2329652939839179, 1.5483363250495075, -8.232874053272615, 27.46525986603099,
		-56.59521265998687, 65.19905118328208, -33.40066240388307,
	}
	tailG4 = [...]float64{
		-0.0016199908040028747, 0.009750492622494384, -0.027608677579559725, 0.09773611758944817,
		-0.19854175688445563, 0.28838570000605723,
	}
)

// logOneSidedTailEvery adds up every stride-th term, times the stride. Terms
// are taken relative to the largest, so that none of the sum is lost to
// underflow. Stride 0 means as long a one as loses no digit: the trapezoidal
// rule converges faster than any power on a bump that is smooth and vanishes at
// both ends, and 2π²(σ/stride)² is the exponent of what it leaves out where the
// bump is Gaussian with standard deviation σ.
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
	if stride == 0 {
		stride = 1
		// The standard deviation, from how far the terms fall over a fortieth of
		// the range.
		if step := math.Floor(min(top, last-top) / 40); step >= 1 {
			fall := 2*reference - logTailTerm(size, d, top-step) - logTailTerm(size, d, top+step)
			if deviation := step / math.Sqrt(fall); top > 15*deviation && last-top > 15*deviation {
				stride = max(1, math.Floor(deviation/2))
			}
		}
	}
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
