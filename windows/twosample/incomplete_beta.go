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
	logY := -math.Log1p(ratio)
	logRest := math.Log(ratio) + logY // log(1−y)
	if y := math.Exp(logY); y <= (a+1)/(a+b+2) {
		return logBetaFraction(a, b, y, logY, logRest)
	}
	// y is on the far side of the mean: 1 − I_{1−y}(b, a).
	return math.Log1p(-min(1, math.Exp(logBetaFraction(b, a, math.Exp(logRest), logRest, logY))))
}

// logBetaFraction is log I_x(a, b) for x up to (a+1)/(a+b+2), by the continued
// fraction (Abramowitz and Stegun 26.5.8) in Lentz's form:
//
//	I_x(a, b) = xᵃ(1−x)ᵇ/(a·B(a, b)) · 1/(1 + d₁/(1 + d₂/(1 + …)))
//	d_{2k} = k(b−k)x/((a+2k−1)(a+2k)),  d_{2k+1} = −(a+k)(a+b+k)x/((a+2k)(a+2k+1))
func logBetaFraction(a, b, x, logX, logRest float64) float64 {
	const tiny = 1e-300
	c, d := 1.0, 1-(a+b)*x/(a+1)
	if math.Abs(d) < tiny {
		d = tiny
	}
	d = 1 / d
	fraction := d
	for k := 1.0; k < 1e6; k++ {
		step := func(numerator float64) float64 {
			if d = 1 + numerator*d; math.Abs(d) < tiny {
				d = tiny
			}
			if c = 1 + numerator/c; math.Abs(c) < tiny {
				c = tiny
			}
			d = 1 / d
			fraction *= c * d
			return c * d
		}
		step(k * (b - k) * x / ((a + 2*k - 1) * (a + 2*k)))
		if last := step(-(a + k) * (a + b + k) * x / ((a + 2*k) * (a + 2*k + 1))); math.Abs(last-1) < 1e-16 {
			break
		}
	}
	return a*logX + b*logRest - math.Log(a) - logBeta(a, b) + math.Log(fraction)
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
