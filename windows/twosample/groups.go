package twosample

import "math/bits"

// DecileGroups joins bins to at most ten groups between the reference's
// deciles, for PSI, JensenShannon, Hellinger and TotalVariation of samples that
// are known by fine counts. It gives the ends of the groups, for Group: group g
// is the bins from ends[g−1] up to, not including, ends[g], and the last end is
// the number of bins.
//
// The i-th decile of n values by the linear rule (numpy's; type 7 of Hyndman
// and Fan 1996) has at least ⌊(n−1)i/10⌋+1 values up to it, and exactly so many
// where values do not tie there. A group ends with the first bin up to which
// there are at least as many. Where several deciles fall into one bin they make
// one group, as deciles of one value do. So the groups are those of the deciles
// where the deciles are edges, with a value of the reference between any two of
// them, and no edge lies between a decile and the next smaller value; otherwise
// they are off by less than the bin in which a decile lies.
//
// The groups depend on the reference alone. There is one group where the
// reference has no values or a total of over 63 bits, and none without bins.
func DecileGroups(reference []uint64) []int {
	if len(reference) == 0 {
		return nil
	}
	n, fits := sum(reference)
	var ends []int
	if fits && n > 0 {
		upTo, decile := uint64(0), uint64(1)
		for b, count := range reference {
			upTo += count
			if decile > 9 || upTo < valuesUpToDecile(n, decile) {
				continue
			}
			for decile <= 9 && upTo >= valuesUpToDecile(n, decile) {
				decile++
			}
			ends = append(ends, b+1)
		}
	}
	if len(ends) == 0 || ends[len(ends)-1] < len(reference) {
		ends = append(ends, len(reference))
	}
	return ends
}

// valuesUpToDecile is ⌊(n−1)i/10⌋+1.
func valuesUpToDecile(n, i uint64) uint64 {
	high, low := bits.Mul64(n-1, i)
	quotient, _ := bits.Div64(high, low, 10) // i < 10, so high < 10
	return quotient + 1
}

// Group adds up counts in the groups with the given ends, as DecileGroups gives
// them. It is nil where the ends are not ascending or the last is not the
// number of counts. A sum of over 64 bits wraps; the measures refuse counts
// beyond 63 bits in all.
func Group(counts []uint64, ends []int) []uint64 {
	if len(ends) == 0 || ends[len(ends)-1] != len(counts) {
		return nil
	}
	groups := make([]uint64, len(ends))
	from := 0
	for g, end := range ends {
		if end < from || end > len(counts) {
			return nil
		}
		for _, c := range counts[from:end] {
			groups[g] += c
		}
		from = end
	}
	return groups
}
