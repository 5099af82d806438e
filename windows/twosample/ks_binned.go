package twosample

import (
	"math"
	"math/bits"
)

// KSBounds is what counts in bins say about the two-sample
// Kolmogorov–Smirnov statistic of the values that were counted.
type KSBounds struct {
	// N and M are the numbers of values in the reference and the current sample.
	N, M uint64
	// LCM is the least common multiple of N and M; H and UpperH are Lower and
	// Upper in units of 1/LCM.
	H, UpperH, LCM uint64
	// Lower is the largest |F−G| at an edge, Upper what |F−G| cannot exceed
	// anywhere: D lies in [Lower, Upper]. Both are correctly rounded, and NaN
	// where there is nothing to compare.
	Lower, Upper float64
	// Edge is the index of the bin at whose upper edge |F−G| is Lower, of several
	// the smallest; −1 where there is nothing to compare.
	Edge int
	// Sign is +1 where F lies above G at that edge, −1 where it lies below, and
	// 0 where Lower is 0.
	Sign int
}

// KSBinned bounds D from the counts of two samples in the same bins, given in
// ascending order. Bin b holds the values in (e[b−1], e[b]]; the last bin has no
// upper edge and holds what lies above all edges, so k edges make k+1 bins.
//
// Cumulative counts are F and G at the edges, exactly. Inside a bin F and G do
// not fall, so there F−G is at most F at its upper edge less G at its lower
// one, and the other way about. A bin in which all values of both samples are
// equal adds nothing: F and G jump there together, and |F−G| before and after
// is what the edges have. single says which bins are of this kind; nil means
// none. With every repeated value of the reference in a bin of its own, ties
// cost nothing. A bin without values adds nothing either.
//
// Special cases are:
//
//	either side has no values: Lower and Upper are NaN, Edge −1
//	reference and current differ in length, or single is neither nil nor of
//	their length: the same, since counts in different bins are not comparable
//	LCM or a sum exceeds 63 bits: the same
//	one bin: there is no edge, so Lower is 0, Upper 1 and Edge 0, unless the
//	bin is single, when Upper is 0
func KSBinned(reference, current []uint64, single []bool) KSBounds {
	n, fitsN := sum(reference)
	m, fitsM := sum(current)
	if !fitsN || !fitsM {
		return KSBounds{N: n, M: m, Lower: math.NaN(), Upper: math.NaN(), Edge: -1}
	}
	return KSBinnedOf(n, m, reference, current, single)
}

// KSBinnedOf is KSBinned where the sums of the counts are known, which takes a
// third of its time. With sums that are not those of the counts Lower and Upper are
// NaN and Edge is −1, unless the two are wrong in the same proportion.
func KSBinnedOf(n, m uint64, reference, current []uint64, single []bool) KSBounds {
	bounds := KSBounds{N: n, M: m, Lower: math.NaN(), Upper: math.NaN(), Edge: -1}
	if n == 0 || m == 0 || len(reference) != len(current) || single != nil && len(single) != len(reference) {
		return bounds
	}
	lcm, up, down, ok := leastCommonMultiple(n, m)
	if !ok {
		return bounds
	}
	largest, upper, edge, left := gapsAtEdges(reference, current, single, int64(up), int64(down))
	if left != 0 || max(largest, -largest, upper) > int64(lcm) {
		return bounds
	}
	bounds.LCM, bounds.Edge = lcm, edge
	switch {
	case largest > 0:
		bounds.Sign = +1
	case largest < 0:
		bounds.Sign = -1
		largest = -largest
	}
	bounds.H, bounds.UpperH = uint64(largest), uint64(max(largest, upper))
	bounds.Lower, bounds.Upper = ratio(bounds.H, lcm), ratio(bounds.UpperH, lcm)
	return bounds
}

// gapsAtEdges finds, in units of the least common multiple, the F−G at an edge
// that is furthest from 0, the first edge that has it (or one of its negative),
// and what |F−G| cannot exceed inside a bin that is not single. left is F−G above
// all values, which is 0 where up and down are those of the counts.
func gapsAtEdges(reference, current []uint64, single []bool, up, down int64) (gap, upper int64, edge int, left int64) {
	before, least := int64(0), int64(0) // F−G at the lower edge; |gap|
	current = current[:len(reference)]
	for b := range current {
		rise, fall := int64(reference[b])*up, int64(current[b])*down
		// Inside the bin |F−G| is at most this, and neither edge has more.
		if inside := max(before+rise, fall-before); inside > least {
			if inside > upper && (single == nil || !single[b]) {
				upper = inside
			}
			if at := before + rise - fall; max(at, -at) > least {
				gap, least, edge = at, max(at, -at), b
			}
		}
		before += rise - fall
	}
	return gap, upper, edge, before
}

// sum adds up counts; not fits when the sum exceeds 63 bits.
func sum(counts []uint64) (total uint64, fits bool) {
	seen := uint64(0) // all bits of all counts
	for _, c := range counts {
		total += c
		seen |= c
	}
	if bits.Len64(seen)+bits.Len(uint(len(counts))) <= 63 {
		return total, true
	}
	total = 0
	for _, c := range counts {
		if c > math.MaxInt64-total {
			return 0, false
		}
		total += c
	}
	return total, true
}
