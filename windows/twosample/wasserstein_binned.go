package twosample

import "math"

// WassersteinBinned is the first Wasserstein distance of two samples that are
// known by their counts in the same bins and by their extremes. Bin b holds the
// values in (edges[b−1], edges[b]]; the first has no lower edge and the last no
// upper one, so k ascending finite edges make k+1 counts. refMin and refMax are
// the smallest and the largest value of the reference, curMin and curMax those
// of the current sample.
//
// The distribution functions are known at the edges and beyond the extremes.
// value takes them as linear inside a bin, between what of the bin lies within
// the sample's extremes. The true distance lies in [value−err, value+err]:
// inside a bin each function stays between what it is at either end, and the
// area is summed up of the least and of the largest distance that this leaves.
// Nothing smaller is true of every pair of samples with these counts as long as
// their extremes do not fall inside a bin that both have values in.
//
// A bin of a single value, whose lower edge is the float64 before its upper one,
// is no wider than that and adds nothing to err. Both results are in the units
// of the values, in [0, ∞].
//
// Both are NaN where
//
//	either side has no values, or a total exceeds 63 bits
//	reference and current differ in length or do not have one count more than
//	there are edges
//	the extremes are not finite, or not in the outermost bins that hold values
func WassersteinBinned(edges []float64, reference, current []uint64, refMin, refMax, curMin, curMax float64) (value, err float64) {
	n, m, ok := sameBins(reference, current)
	if !ok || len(reference) != len(edges)+1 || !holdsExtremes(edges, reference, refMin, refMax) || !holdsExtremes(edges, current, curMin, curMax) {
		return math.NaN(), math.NaN()
	}
	// Where the range of all values overflows, everything is taken in larger units.
	const huge, unit = 0x1p+1000, 0x1p+100
	if max(-refMin, -curMin, refMax, curMax) > huge {
		scaled := make([]float64, len(edges))
		for i, e := range edges {
			scaled[i] = e / unit
		}
		value, err = binnedWasserstein(scaled, reference, current, n, m, refMin/unit, refMax/unit, curMin/unit, curMax/unit)
		return value * unit, err * unit
	}
	return binnedWasserstein(edges, reference, current, n, m, refMin, refMax, curMin, curMax)
}

// binnedWasserstein is WassersteinBinned of n and m values, where all is well.
func binnedWasserstein(edges []float64, reference, current []uint64, n, m uint64, refMin, refMax, curMin, curMax float64) (value, err float64) {
	var area binnedArea
	first, last := min(refMin, curMin), max(refMax, curMax)
	var below, belowCurrent uint64
	scale := float64(n) * float64(m)
	apart := func(i, j uint64) float64 { // i/n − j/m
		return crossOf(j, m, i, n).difference / scale
	}
	for b, count := range reference {
		low, high := first, last
		if b > 0 {
			low = max(low, edges[b-1])
		}
		if b < len(edges) {
			high = min(high, edges[b])
		}
		i, j := below+count, belowCurrent+current[b]
		if low < high {
			area.add(piece{
				low: low, high: high,
				f: ramp{max(low, refMin), min(high, refMax), float64(count) / float64(n)},
				g: ramp{max(low, curMin), min(high, curMax), float64(current[b]) / float64(m)},
				// F less G with either function at either end of the bin.
				lowLow: apart(below, belowCurrent), lowHigh: apart(below, j),
				highLow: apart(i, belowCurrent), highHigh: apart(i, j),
			})
		}
		below, belowCurrent = i, j
	}
	return area.linear, max(area.most-area.linear, area.linear-area.least, 0)
}

// holdsExtremes says that the outermost bins with values hold the extremes.
func holdsExtremes(edges []float64, counts []uint64, smallest, largest float64) bool {
	if !(smallest <= largest) || math.IsInf(smallest, 0) || math.IsInf(largest, 0) {
		return false
	}
	holds := func(b int, v float64) bool {
		return (b == 0 || v > edges[b-1]) && (b == len(edges) || v <= edges[b])
	}
	low, high := 0, len(counts)-1
	for counts[low] == 0 {
		low++
	}
	for counts[high] == 0 {
		high--
	}
	return holds(low, smallest) && holds(high, largest)
}

// A ramp is how a distribution function rises inside a bin: by rise, from low
// to high, of which nothing else is known.
type ramp struct{ low, high, rise float64 }

// share is how much of the rise a straight line has by x; 0 or 1 outside.
func (r ramp) share(x float64, after bool) float64 {
	switch {
	case x < r.low || x == r.low && !(after && r.low == r.high):
		return 0
	case x >= r.high:
		return 1
	}
	return (x - r.low) / (r.high - r.low)
}

// A piece is a bin: where it lies, how F and G rise in it, and F−G with either
// at the lower or the upper end (lowHigh is F at the lower end less G at the
// upper).
type piece struct {
	low, high                          float64
	f, g                               ramp
	lowLow, lowHigh, highLow, highHigh float64
}

// binnedArea sums up ∫|F−G|: with straight lines, and what it is at least and
// at most.
type binnedArea struct{ linear, least, most float64 }

// add cuts the bin where an extreme lies in it: beyond those a function is
// constant.
func (a *binnedArea) add(p piece) {
	cuts := [6]float64{p.low, p.f.low, p.f.high, p.g.low, p.g.high, p.high}
	// Four in between, each within the bin or beyond it, put in order.
	for i := range cuts {
		cuts[i] = min(max(cuts[i], p.low), p.high)
		for k := i; k > 0 && cuts[k] < cuts[k-1]; k-- {
			cuts[k], cuts[k-1] = cuts[k-1], cuts[k]
		}
	}
	for k := 1; k < len(cuts); k++ {
		if cuts[k-1] < cuts[k] {
			a.addBetween(p, cuts[k-1], cuts[k])
		}
	}
}

// addBetween adds a part of a bin in which each function is constant or rises.
func (a *binnedArea) addBetween(p piece, from, to float64) {
	width := to - from
	fFrom, fTo := p.f.share(from, true), p.f.share(to, false)
	gFrom, gTo := p.g.share(from, true), p.g.share(to, false)
	start, end := p.at(fFrom, gFrom), p.at(fTo, gTo)
	if start*end >= 0 {
		a.linear += width * (math.Abs(start+end) / 2)
	} else { // the lines cross
		a.linear += width * ((start*start + end*end) / (2 * (math.Abs(start) + math.Abs(end))))
	}
	// Where a function rises it may be at either end of the bin.
	fRises, gRises := fFrom < fTo, gFrom < gTo
	fLow, fHigh := fFrom, fFrom
	if fRises {
		fLow, fHigh = 0, 1
	}
	gLow, gHigh := gFrom, gFrom
	if gRises {
		gLow, gHigh = 0, 1
	}
	above, under := p.at(fHigh, gLow), p.at(fLow, gHigh) // the largest and the least F−G
	a.most += width * max(math.Abs(above), math.Abs(under))
	a.least += width * max(under, -above, 0)
}

// at is F−G where F has a share f of its rise and G a share g.
func (p piece) at(f, g float64) float64 {
	switch {
	case f == 0 && g == 0:
		return p.lowLow
	case f == 0 && g == 1:
		return p.lowHigh
	case f == 1 && g == 0:
		return p.highLow
	case f == 1 && g == 1:
		return p.highHigh
	}
	return p.lowLow + (f*p.f.rise - g*p.g.rise)
}
