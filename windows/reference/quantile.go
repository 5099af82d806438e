package reference

import (
	"math"
)

// Quantile of ascending values by linear interpolation between the order
// statistics around (n-1)·p, numpy's default and type 7 of Hyndman and Fan
// (1996). NaN of no values.
func Quantile(sorted []float64, p float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	position := float64(float64(n-1) * p)
	i := int(position)
	if i >= n-1 {
		return sorted[n-1]
	}
	return between(sorted[i], sorted[i+1], position-float64(i))
}

// between is the value at t of the way from a to b, in numpy's form, which is
// exact at both ends: from the nearer one.
func between(a, b, t float64) float64 {
	switch difference := b - a; {
	case a == b || t == 0:
		return a
	case math.IsInf(difference, 0): // of finite values: too far apart to subtract
		return float64(a*(1-t)) + float64(b*t)
	case t < 0.5:
		return a + float64(difference*t)
	default:
		return b - float64(difference*(1-t))
	}
}

// BinnedQuantile is a quantile of values known by their bins: linear
// interpolation inside the bin that holds the rank, between low and high,
// which bound all values. NaN of no values.
func BinnedQuantile(edges []float64, counts []uint64, low, high, p float64) float64 {
	return BinnedQuantiles(edges, counts, low, high, []float64{p})[0]
}

// BinnedQuantiles are the quantiles at ascending probabilities; see
// BinnedQuantile.
func BinnedQuantiles(edges []float64, counts []uint64, low, high float64, p []float64) []float64 {
	quantiles := make([]float64, len(p))
	total := sumUp(counts)
	if total == 0 {
		for i := range quantiles {
			quantiles[i] = math.NaN()
		}
		return quantiles
	}
	var below uint64
	next := 0
	for bin, n := range counts {
		if n == 0 {
			continue
		}
		from, to := low, high
		if bin > 0 {
			from = max(low, edges[bin-1])
		}
		if bin < len(edges) {
			to = min(high, edges[bin])
		}
		for ; next < len(p); next++ {
			rank := float64(float64(total) * p[next])
			if float64(below+n) < rank {
				break
			}
			t := (rank - float64(below)) / float64(n)
			quantiles[next] = min(max(between(from, to, t), low), high)
		}
		below += n
	}
	for ; next < len(p); next++ {
		quantiles[next] = high
	}
	return quantiles
}

// QuantilePoints are the probabilities at which a verdict shows quantiles: 33,
// from 0 to 1 in steps of 1/32.
func QuantilePoints() []float64 {
	points := make([]float64, 33)
	for i := range points {
		points[i] = float64(i) / 32
	}
	return points
}
