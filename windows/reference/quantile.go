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
	a, b := sorted[i], sorted[i+1]
	if a == b { // an infinite difference times zero would be NaN
		return a
	}
	t := position - float64(i)
	// numpy's form, which is exact at both ends: from the nearer one.
	if t < 0.5 {
		return a + float64((b-a)*t)
	}
	return b - float64((b-a)*(1-t))
}

// BinnedQuantile is a quantile of values known by their bins: linear
// interpolation inside the bin that holds the rank, between low and high,
// which bound all values. NaN of no values.
func BinnedQuantile(edges []float64, counts []uint64, low, high, p float64) float64 {
	var total uint64
	for _, n := range counts {
		total += n
	}
	if total == 0 {
		return math.NaN()
	}
	rank := float64(float64(total) * p)
	var below uint64
	for bin, n := range counts {
		if n == 0 {
			continue
		}
		if float64(below+n) >= rank {
			from, to := low, high
			if bin > 0 {
				from = max(low, edges[bin-1])
			}
			if bin < len(edges) {
				to = min(high, edges[bin])
			}
			t := (rank - float64(below)) / float64(n)
			return min(max(from+float64((to-from)*t), low), high)
		}
		below += n
	}
	return high
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
