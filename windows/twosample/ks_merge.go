package twosample

// stride is how many values of the two samples together lie between one
// boundary and the next. Shorter strides search more boundaries, longer ones
// merge more values.
const stride = 64

// largestGap is the largest |F−G| in units of the least common multiple, F the
// distribution function of a, every value of which adds up, and G that of b,
// every value of which adds down. at is the index in a (sign +1, F above G) or
// in b (sign −1) of the smallest value where it is attained; sign is 0 where
// F and G are the same.
//
// Only a few values have to be looked at. Between two boundaries F and G do not
// fall, so F−G is at most F at the upper boundary less G at the lower one. The
// first pass takes |F−G| at boundaries alone; the second merges the values
// between two boundaries only where |F−G| could come up to that.
func largestGap(a, b []float64, up, down int64) (gap int64, at, sign int) {
	every := max(1, stride*len(a)/(len(a)+len(b)))
	for i, j := 0, 0; i < len(a); {
		i, j = nextBoundary(a, b, i, j, every)
		d := int64(i)*up - int64(j)*down
		gap = max(gap, d, -d)
	}
	// From here on gap is what the merge must exceed: equalling what boundaries
	// have is enough until it is found.
	gap = max(gap-1, 0)
	for i0, j0 := 0, 0; i0 < len(a); {
		i1, j1 := nextBoundary(a, b, i0, j0, every)
		d := int64(i0)*up - int64(j0)*down
		above := d + int64(i1-i0)*up
		below := int64(j1-j0)*down - d
		foundAbove, foundBelow := -1, -1
		gapAbove, gapBelow := gap, gap
		if above > gap {
			gapAbove, foundAbove = largestRise(a[i0:i1], b[j0:j1], up, down, d, gap)
		}
		if below > gap {
			gapBelow, foundBelow = largestRise(b[j0:j1], a[i0:i1], down, up, -d, gap)
		}
		switch {
		case foundAbove >= 0 && (gapAbove > gapBelow || gapAbove == gapBelow && a[i0+foundAbove] < b[j0+foundBelow]):
			gap, at, sign = gapAbove, i0+foundAbove, +1
		case foundBelow >= 0:
			gap, at, sign = gapBelow, j0+foundBelow, -1
		}
		i0, j0 = i1, j1
	}
	if sign == 0 {
		return 0, 0, 0
	}
	return gap, at, sign
}

// nextBoundary counts the values of either sample up to and including a value
// of a that lies at least every further on.
func nextBoundary(a, b []float64, i, j, every int) (int, int) {
	v := a[min(i+every, len(a))-1]
	return countUpTo(a, min(i+every, len(a)), v), countUpTo(b, j, v)
}

// countUpTo is the number of values of a sorted sample that do not exceed v,
// known to be at least from. It looks further and further ahead, then halves.
func countUpTo(sorted []float64, from int, v float64) int {
	if from >= len(sorted) || sorted[from] > v {
		return from
	}
	step := 1
	for from+step < len(sorted) && sorted[from+step] <= v {
		from += step
		step *= 2
	}
	// sorted[from] <= v, and what lies step or more beyond it exceeds v.
	length := min(step, len(sorted)-from)
	for length > 1 {
		half := length / 2
		if sorted[from+half] <= v {
			from += half
		}
		length -= half
	}
	return from + 1
}

// largestRise merges two samples, F−G being d before them, and finds the
// largest F−G that exceeds least: found is the index in a of the smallest value
// where it is attained, −1 (and gap is least) where nothing exceeds it.
//
// Where values are equal, b's are taken first: then F−G rises through a group
// of equal values only after it has fallen, and what is seen inside the group
// never exceeds what stands before or after it. So nothing need be known of
// where groups end, and the loop has no branch that depends on the values.
func largestRise(a, b []float64, up, down, d, least int64) (gap int64, found int) {
	i, j, last := 0, 0, 0
	for i < len(a) && j < len(b) {
		takeB := 0
		if b[j] <= a[i] {
			takeB = 1
		}
		j += takeB
		i += 1 - takeB
		d += up - (up+down)&-int64(takeB)
		if d > least {
			least = d
			last = i
		}
	}
	// What is left of a only rises; what is left of b only falls.
	if d += up * int64(len(a)-i); d > least && i < len(a) {
		least, last = d, len(a)
	}
	return least, last - 1
}
