package twosample

import "math"

// KSExactTied is P(D ≥ h/lcm(n, m)) given which of the pooled values are equal
// (Schröer and Trenkler 1995, Computational Statistics & Data Analysis 20,
// 185–202). Where values tie, KSExact is too large, by several times where
// there are few distinct values. Both samples are sorted in ascending order.
//
// A path of the lattice is compared with the band only where a group of equal
// values ends. Time is proportional to the cells of the band and to those
// between its edge and what a group can reach from there: at most nm.
//
// Special cases are those of KSExact. NaN in a sample gives NaN. Without ties
// the result is KSExact's; with all values equal it is 1, D being 0.
func KSExactTied(reference, current []float64, h uint64) PValue {
	n, m := len(reference), len(current)
	if n == 0 || m == 0 || endsInNaN(reference) || endsInNaN(current) {
		return noPValue(Exact)
	}
	lcm, up, down, ok := leastCommonMultiple(uint64(n), uint64(m))
	switch {
	case !ok || h > lcm:
		return noPValue(Exact)
	case h == 0:
		return pValue(1, Exact)
	}
	t := tiedLattice{
		lattice: lattice{n: n, m: m, stepI: int64(up), stepJ: int64(down), h: int64(h)},
		ends:    groupEnds(reference, current),
	}
	if !t.plan() {
		return pValue(1, Exact)
	}
	exponent, ok := t.edgeExponent()
	if !ok {
		return PValue{P: 0, LogP: math.Inf(-1), Method: Exact}
	}
	return scaledPValue(t.leave(exponent), exponent, Exact)
}

// groupEnds says for every number s of pooled values, from 0, whether a group
// of equal values ends with the s-th.
func groupEnds(a, b []float64) []bool {
	ends := make([]bool, len(a)+len(b)+1)
	for i, j := 0, 0; i < len(a) || j < len(b); {
		v := math.Inf(1)
		if i < len(a) {
			v = a[i]
		}
		if j < len(b) {
			v = min(v, b[j])
		}
		for i < len(a) && a[i] == v {
			i++
		}
		for j < len(b) && b[j] == v {
			j++
		}
		ends[i+j] = true
	}
	return ends
}

// tiedLattice goes through the lattice by the number s = i+j of steps. A cell
// is named by s and i. What is carried is the probability of lattice: that a
// path passes and has been outside before, here at the end of a group.
type tiedLattice struct {
	lattice
	ends []bool
	// Of the cells of s steps, those from first[s] to last[s] are computed from
	// the cells before; a path to (n, m) that is in none of them at the end of a
	// group is outside there.
	first, last []int
}

// outsideRight is the smallest i of the cells of s steps that lie outside the
// band on the lower side, outsideLeft the largest on the upper side. Either may
// not be a cell of the lattice.
func (t *tiedLattice) outsideRight(s int) int {
	return int((t.h + int64(s)*t.stepJ + t.stepI + t.stepJ - 1) / (t.stepI + t.stepJ))
}

func (t *tiedLattice) outsideLeft(s int) int {
	distance := int64(s)*t.stepJ - t.h
	if distance < 0 {
		return -1
	}
	return int(distance / (t.stepI + t.stepJ))
}

// plan finds, from the end, the cells that have to be computed. It is false
// when every path leaves the band.
func (t *tiedLattice) plan() bool {
	total := t.n + t.m
	t.first, t.last = make([]int, total+1), make([]int, total+1)
	t.first[total], t.last[total] = t.n, t.n
	for s := total - 1; s >= 0; s-- {
		first := max(t.first[s+1]-1, s-t.m, 0)
		last := min(t.last[s+1], s, t.n)
		if t.ends[s] {
			first = max(first, t.outsideLeft(s)+1)
			last = min(last, t.outsideRight(s)-1)
		}
		if first > last {
			return false
		}
		t.first[s], t.last[s] = first, last
	}
	return true
}

// edgeExponent is the binary exponent of the largest probability of passing a
// cell at the edge of the band where a group ends; not ok when no path can be
// outside at the end of a group.
func (t *tiedLattice) edgeExponent() (largest int, ok bool) {
	largest = math.MinInt
	right, left := t.walk(0), t.walk(0)
	for s := 1; s < t.n+t.m; s++ {
		if !t.ends[s] {
			continue
		}
		if i := t.outsideRight(s); i <= min(s, t.n) && s-i <= t.m {
			right.to(i, s-i)
			largest, ok = max(largest, right.binaryExponent()), true
		}
		if i := t.outsideLeft(s); i >= 0 && s-i <= t.m && i <= t.n {
			left.to(i, s-i)
			largest, ok = max(largest, left.binaryExponent()), true
		}
	}
	return largest, ok
}

// leave is p in units of 2^exponent.
func (t *tiedLattice) leave(exponent int) float64 {
	total := t.n + t.m
	u := make([]float64, t.n+2) // by i+1, so that there is a cell left of i = 0
	right, left := t.walk(exponent), t.walk(exponent)
	for s := 1; s <= total; s++ {
		r := 1 / float64(total-s+1)
		// In place, from the right: a cell takes from its own i and the one left.
		for i := t.last[s]; i >= t.first[s]; i-- {
			u[i+1] = (u[i]*float64(t.n-i+1) + u[i+1]*float64(t.m-s+i+1)) * r
		}
		if s == total {
			break
		}
		// What the next cells take from cells that were not computed: from outside
		// the band at the end of a group, and nothing from outside the lattice.
		next, nextLast := t.first[s+1]-1, t.last[s+1]
		for i := next; i < t.first[s]; i++ {
			u[i+1] = 0
		}
		for i := t.last[s] + 1; i <= nextLast; i++ {
			u[i+1] = 0
		}
		if !t.ends[s] {
			continue
		}
		if i := t.outsideRight(s); i <= min(s, t.n) && s-i <= t.m && i <= nextLast {
			right.to(i, s-i)
			value := right.value()
			for ; i <= min(s, t.n, nextLast); i++ {
				u[i+1] = value
				value *= float64(t.n-i) * float64(s-i) / (float64(i+1) * float64(t.m-s+i+1))
			}
		}
		if i := t.outsideLeft(s); i >= 0 && s-i <= t.m && i <= t.n && i >= next {
			left.to(i, s-i)
			value := left.value()
			for ; i >= max(0, s-t.m, next); i-- {
				u[i+1] = value
				value *= float64(i) * float64(t.m-s+i) / (float64(t.n-i+1) * float64(s-i+1))
			}
		}
	}
	return u[t.n+1]
}
