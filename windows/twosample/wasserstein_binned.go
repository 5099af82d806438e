package twosample

import "math"

// WassersteinBinned is the first Wasserstein distance of two samples known by
// their counts in the same bins, in the units of the values, and how far it can be
// from the distance of the values themselves.
//
// edges are the upper edges of all bins but the last, ascending, and bins are as in
// KSBinned; the first begins at the smallest value of either sample and the last
// ends at the largest. The distribution functions are known at the edges. Between
// them each is taken to be linear; in truth it can be any that rises from one value
// to the other, which bounds the area between the two. A bin without values adds no
// error, and a narrow one hardly any.
//
// Special cases are:
//
//	either side has no values, or counts and edges do not fit together: NaN
//	a smallest or largest value is not finite: NaN
func WassersteinBinned(edges []float64, reference, current []uint64, referenceMin, referenceMax, currentMin, currentMax float64) (distance, err float64) {
	n, m, ok := sameBins(reference, current)
	low, high := min(referenceMin, currentMin), max(referenceMax, currentMax)
	if !ok || len(reference) != len(edges)+1 || math.IsNaN(high-low) || math.IsInf(low, 0) || math.IsInf(high, 0) {
		return math.NaN(), math.NaN()
	}
	var value, least, most float64
	var belowF, belowG uint64
	f, g := 0.0, 0.0 // at the lower edge
	for bin := range reference {
		from, to := low, high
		if bin > 0 {
			from = min(max(low, edges[bin-1]), high)
		}
		if bin < len(edges) {
			to = max(min(high, edges[bin]), low)
		}
		belowF += reference[bin]
		belowG += current[bin]
		nextF, nextG := float64(belowF)/float64(n), float64(belowG)/float64(m)
		width := max(0, to-from)
		value += float64(width * meanDistance(f-g, nextF-nextG))
		most += float64(width * max(nextF-g, nextG-f))
		least += float64(width * max(0, f-nextG, g-nextF))
		f, g = nextF, nextG
	}
	return value, max(0, most-value, value-least)
}

// meanDistance is the mean of |x| while x goes from a to b at constant speed.
func meanDistance(a, b float64) float64 {
	if (a < 0) == (b < 0) || a == 0 || b == 0 {
		return (math.Abs(a) + math.Abs(b)) / 2
	}
	a, b = math.Abs(a), math.Abs(b)
	return (float64(a*a) + float64(b*b)) / (2 * (a + b))
}
