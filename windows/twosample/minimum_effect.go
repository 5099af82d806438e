package twosample

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// KSMinimumEffect is a p-value of the hypothesis that the two distribution
// functions F and G are nowhere further apart than delta, where d is how far those
// of the samples are. As
//
//	sup|Fₙ−Gₘ| ≤ sup|F−G| + sup|(Fₙ−F)−(Gₘ−G)|
//
// it is the probability that the last term is at least d−delta, by the law it has
// where F and G are equal. That errs on the safe side: F and G are delta apart at
// one point at worst, and the largest deviation need not be there.
//
// Its special cases are those of KSAsymptotic, and 1 where d ≤ delta.
func KSMinimumEffect(n, m int, d, delta float64) PValue { return KSAsymptotic(n, m, d-delta) }

// ChiSquareMinimumEffect is a p-value of the hypothesis that Cramér's V of the two
// distributions is at most delta: the tail of the non-central chi-square law with
// non-centrality (n+m)·delta².
//
// Special cases are:
//
//	the statistic is NaN: NaN
//	no degrees of freedom: 1
func ChiSquareMinimumEffect(statistic float64, degrees int, n, m uint64, delta float64) PValue {
	switch {
	case math.IsNaN(statistic):
		return noPValue(Asymptotic)
	case degrees <= 0 || statistic <= 0:
		return pValue(1, Asymptotic)
	}
	lambda := (float64(n) + float64(m)) * delta * delta
	switch {
	case lambda == 0:
		return gammaTail(float64(degrees)/2, statistic/2, Asymptotic)
	case lambda > 1e4:
		return sankaran(statistic, float64(degrees), lambda)
	}
	// A mixture of central laws, whose weights are those of a Poisson law:
	//
	//	Σ e^(−λ/2) (λ/2)ʲ/j! · Q(k/2+j, x/2)
	total := 0.0
	half := lambda / 2
	width := 12*math.Sqrt(half) + 40
	for j := max(0, math.Floor(half-width)); j <= half+width; j++ {
		logFactorial, _ := math.Lgamma(j + 1)
		weight := math.Exp(j*math.Log(half) - half - logFactorial)
		total += weight * mathext.GammaIncRegComp(float64(degrees)/2+j, statistic/2)
	}
	return pValue(total, Asymptotic)
}

// sankaran is the tail of the non-central chi-square law by Sankaran's (1963)
// power of the statistic that is nearly normal.
func sankaran(x, k, lambda float64) PValue {
	s := k + lambda
	h := 1 - 2*s*(k+3*lambda)/(3*(k+2*lambda)*(k+2*lambda))
	p := (k + 2*lambda) / (s * s)
	m := (h - 1) * (1 - 3*h)
	z := (math.Pow(x/s, h) - (1 + h*p*(h-1-(2-h)*m*p/2))) / (h * math.Sqrt(2*p) * (1 + m*p/2))
	if z <= 0 {
		return pValue(math.Erfc(z/math.Sqrt2)/2, Asymptotic)
	}
	two := normalTails(z)
	return logPValue(two.LogP-math.Ln2, Asymptotic)
}
