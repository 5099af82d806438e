package twosample

import "math"

// Wasserstein is the first Wasserstein distance of two samples sorted in
// ascending order: the area ∫|F−G|dx between their distribution functions, in
// the units of the values, in [0, ∞]. Divide it by the reference's standard
// deviation to compare features.
//
// Special cases are:
//
//	either sample is empty or holds NaN: NaN
//	the samples have unlike shares of a value that is infinite: +Inf
//	LCM exceeds 63 bits (see KS): NaN
func Wasserstein(reference, current []float64) float64 {
	n, m := len(reference), len(current)
	if n == 0 || m == 0 || endsInNaN(reference) || endsInNaN(current) {
		return math.NaN()
	}
	lcm, up, down, ok := leastCommonMultiple(uint64(n), uint64(m))
	if !ok {
		return math.NaN()
	}
	area := areaBetween(reference, current, int64(up), int64(down), float64(lcm), 1)
	if math.IsInf(area, 1) {
		// The area in units of 1/lcm may be what is too large.
		const unit = 0x1p+70
		area = areaBetween(reference, current, int64(up), int64(down), float64(lcm), 1/unit) * unit
	}
	return area
}

// areaBetween is ∫|F−G|dx of the values times unit, a power of two.
func areaBetween(reference, current []float64, up, down int64, lcm, unit float64) float64 {
	n, m := len(reference), len(current)
	area, lost := 0.0, 0.0 // Neumaier's sum: lost is what rounding took from area
	before := min(reference[0], current[0])
	gap := int64(0)
	for i, j := 0, 0; i < n || j < m; {
		var x float64
		var rise int64
		if j == m || i < n && reference[i] <= current[j] {
			x, rise = reference[i], up
			i++
		} else {
			x, rise = current[j], -down
			j++
		}
		if x != before && gap != 0 {
			part := (unit*x - unit*before) * math.Abs(float64(gap))
			sum := area + part
			if area >= part {
				lost += (area - sum) + part
			} else {
				lost += (part - sum) + area
			}
			area = sum
		}
		gap += rise
		before = x
	}
	if math.IsInf(area, 1) {
		return math.Inf(1)
	}
	return (area + lost) / lcm
}
