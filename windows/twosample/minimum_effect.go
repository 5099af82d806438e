package twosample

import "math"

// KSMinimumEffect is a p-value of the hypothesis that the two distribution
// functions F and G are nowhere further apart than delta, where d is how far those
// of the samples are. As
//
//	sup|Fₙ−Gₘ| ≤ sup|F−G| + sup|(Fₙ−F)−(Gₘ−G)|
//
// it is the probability that the last term is at least d−delta, by the law it has
// where F and G are equal. That errs on the safe side for two reasons: the largest
// deviation of the samples need not be where F and G are furthest apart, nor have
// the same sign; and where F and G differ, the deviation has nowhere a variance
// above the ¼(1/n+1/m) that it has at the median where they are equal. Where the
// true distance is delta, p is below α far less often than with probability α.
//
// Special cases are:
//
//	delta is NaN or negative: NaN
//	d ≤ delta: 1
//
// and those of KSAsymptotic, which it is at delta 0.
func KSMinimumEffect(n, m int, d, delta float64) PValue {
	if !(delta >= 0) {
		return noPValue(Asymptotic)
	}
	return KSAsymptotic(n, m, d-delta)
}

// ChiSquareMinimumEffect is a p-value of the hypothesis that Cramér's V of the two
// distributions is at most delta: the tail of the non-central chi-square law with
// non-centrality (n+m)·delta².
//
// Special cases are:
//
//	the statistic is NaN, or delta NaN or negative: NaN
//	no degrees of freedom, a statistic of 0, or a delta of 1, which V cannot
//	exceed, or more: 1
//	the statistic is infinite, and delta below 1: 0
//	a statistic above n+m, which no table has: that of n+m
func ChiSquareMinimumEffect(statistic float64, degrees int, n, m uint64, delta float64) PValue {
	switch {
	case math.IsNaN(statistic) || !(delta >= 0):
		return noPValue(Asymptotic)
	case degrees <= 0 || statistic <= 0 || delta >= 1:
		return pValue(1, Asymptotic)
	case math.IsInf(statistic, 1):
		return logPValue(math.Inf(-1), Asymptotic)
	}
	total := float64(n) + float64(m)
	return nonCentralTail(float64(degrees)/2, total*delta*delta/2, min(statistic, total)/2)
}

// nonCentralTail is the upper tail of the non-central chi-square law with 2a
// degrees of freedom and non-centrality 2w at 2x, a mixture of central laws whose
// weights are those of a Poisson law:
//
//	Σ_j e^(−w) wʲ/j! · Q(a+j, x)
//
// The terms are added relative to the largest, outward from it, so that small
// probabilities keep their digits; where the largest is many standard deviations
// from j = 0, only every few of them (see logOneSidedTailEvery).
func nonCentralTail(a, w, x float64) PValue {
	if w == 0 {
		return gammaTail(a, x, Asymptotic)
	}
	logTerm := func(j float64) float64 {
		if j == 0 {
			return gammaTail(a, x, Asymptotic).LogP - w
		}
		return gammaTail(a+j, x, Asymptotic).LogP - logStirling(j) - deviance(j, w-j)
	}
	// Where the tail is thin the terms are largest at about j(a+j) = wx.
	top := math.Floor(max(w, math.Sqrt(w*x+a*a/4)-a/2))
	largest := logTerm(top)
	stride := 1.0
	if step := math.Floor(math.Sqrt(top) / 4); step >= 2 {
		fall := 2*largest - logTerm(top-step) - logTerm(top+step)
		if deviation := step / math.Sqrt(fall); fall > 0 && top > 15*deviation {
			stride = max(1, math.Floor(deviation/4))
		}
	}
	total := 1.0
	for _, step := range []float64{-stride, +stride} {
		for j := top + step; j >= 0; j += step {
			term := math.Exp(logTerm(j) - largest)
			total += term
			if term < 1e-17*total {
				break
			}
		}
	}
	return logPValue(largest+math.Log(total*stride), Asymptotic)
}
