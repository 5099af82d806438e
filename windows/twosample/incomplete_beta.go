package twosample

import "math"

// logBetaTail is the logarithm of the regularised incomplete beta function
// I_y(a, b) at y = 1/(1+ratio), for a ratio in [0, ∞], without underflow. It is
// the upper tail of F with 2b and 2a degrees of freedom at ratio·a/b.
func logBetaTail(a, b, ratio float64) float64 {
	switch {
	case ratio <= 0:
		return 0
	case math.IsInf(ratio, 1):
		return math.Inf(-1)
	}
	// y and 1−y, and their logarithms, without loss where one of them is near 1.
	y, rest := 1/(1+ratio), ratio/(1+ratio)
	logY := -math.Log1p(ratio)
	logRest := -math.Log1p(1 / ratio)
	if distance := (a*ratio - b) / (1 + ratio); distance >= 0 {
		return logBetaFraction(a, b, y, rest, distance) + a*logY + b*logRest
	}
	// y is on the far side of the mean: 1 − I_{1−y}(b, a).
	distance := (b - a*ratio) / (1 + ratio)
	other := logBetaFraction(b, a, rest, y, distance) + a*logY + b*logRest
	return math.Log1p(-min(1, math.Exp(other)))
}

// logBetaFraction is log I_x(a, b) less the logarithm of xᵃ(1−x)ᵇ, for x up to
// the mean a/(a+b), by the continued fraction of DiDonato and Morris (1992,
// Transactions on Mathematical Software 18, 360–373):
//
//	I_x(a, b)·B(a, b)/(xᵃ(1−x)ᵇ) = 1/(β₀ + α₁/(β₁ + α₂/(β₂ + …)))
//	α_n = (a+n−1)(a+b+n−1)·n(b−n)x²/(a+2n−1)²
//	β_n = n + n(b−n)x/(a+2n−1) + (a+n)/(a+2n+1)·(λ+1+n(2−x))
//
// λ = a−(a+b)x is given, since computing it from a rounded x loses everything
// where a is large. The limit for large a is Legendre's fraction for the gamma
// law (see gammaTail).
func logBetaFraction(a, b, x, rest, lambda float64) float64 {
	inverse := a / (a + 1) * (lambda + 1) // of the value, by Lentz's algorithm
	c, d := inverse, 0.0
	for n := 1.0; n < 1e6; n++ {
		share := n / (a + 2*n - 1) * ((b - n) * x)
		alpha := (a + n - 1) / (a + 2*n - 1) * (a + b + n - 1) * x * share
		beta := n + share + (a+n)/(a+2*n+1)*(lambda+1+n*(1+rest))
		d = 1 / (beta + alpha*d)
		c = beta + alpha/c
		inverse *= c * d
		if math.Abs(c*d-1) < 1e-16 {
			break
		}
	}
	return -math.Log(inverse) - logBeta(a, b)
}

// logBeta is log B(a, b) = log Γ(a)Γ(b)/Γ(a+b). Where an argument is large, the
// logarithms of two large gamma functions are not subtracted: what is left of
// Stirling's formula is.
func logBeta(a, b float64) float64 {
	small, large := min(a, b), max(a, b)
	logSmall, _ := math.Lgamma(small)
	if large < 16 {
		logLarge, _ := math.Lgamma(large)
		logBoth, _ := math.Lgamma(a + b)
		return logSmall + logLarge - logBoth
	}
	rise := (large-0.5)*math.Log1p(small/large) + small*(math.Log(large+small)-1) + stirlingError(large+small) - stirlingError(large)
	return logSmall - rise
}
