package twosample

// mostGroups is how many groups DecileGroups makes at most.
const mostGroups = 10

// DecileGroups puts neighbouring bins together into at most ten groups that hold
// about equal shares of the reference: the i-th ends with the bin whose upper edge
// is nearest to the i-th decile, the lower of two. It returns the number of bins up
// to the end of each group, ascending; the last is all of them. PSI and its like
// are taken over such groups, since over many small bins they are mostly noise.
//
// A group holds at least one bin, so a bin that holds several deciles makes for
// fewer groups. Of counts without any value there is one group.
func DecileGroups(reference []uint64) []int {
	total, _ := sum(reference)
	var ends []int
	var below uint64 // in the bins before
	next := uint64(1)
	for bin, n := range reference {
		for ; next < mostGroups; next++ {
			// Distances from the decile in tenths of a value.
			at, before := 10*(below+n), 10*below
			decile := next * total
			if at < decile {
				break
			}
			end := bin + 1
			if before <= decile && decile-before <= at-decile {
				end = bin
			}
			if end > 0 && end < len(reference) && (len(ends) == 0 || end > ends[len(ends)-1]) {
				ends = append(ends, end)
			}
		}
		below += n
	}
	return append(ends, len(reference))
}

// Group adds up counts in the groups whose ends DecileGroups gave.
func Group(counts []uint64, ends []int) []uint64 {
	grouped := make([]uint64, len(ends))
	from := 0
	for i, end := range ends {
		for _, n := range counts[from:end] {
			grouped[i] += n
		}
		from = end
	}
	return grouped
}
