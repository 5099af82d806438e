package drift

import (
	"math"
	"slices"
)

// The multiplicity procedures that Adjust knows, by the names of
// Settings.Correction.
const (
	CorrectionBH   = "bh"
	CorrectionHolm = "holm"
	CorrectionNone = "none"
)

// Adjust gives the adjusted p-values of a family of tests, in the caller's
// order: a test is rejected at level α by the procedure exactly when its
// adjusted p-value is at most α.
//
//	bh    Benjamini and Hochberg (1995): the false discovery rate, the expected
//	      share of tests among the rejected that should not be, is at most α
//	      where the tests are independent or positively dependent
//	holm  Holm (1979): the probability of rejecting any test that should not be
//	      is at most α, whatever the dependence
//	none  the p-values themselves
//
// A p-value that is NaN stands for a test that was not made: it is no member of
// the family, and stays NaN. The result is a new slice and p is left as it is.
// Adjusted values are in [0, 1], in the same order as the p-values, and equal
// where those are. With a procedure of another name everything is NaN, which
// rejects nothing.
func Adjust(method string, p []float64) []float64 {
	adjusted := make([]float64, len(p))
	var family []int // the tests that were made, by ascending p-value
	for i, v := range p {
		adjusted[i] = math.NaN()
		if !math.IsNaN(v) {
			family = append(family, i)
		}
	}
	slices.SortStableFunc(family, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	size := float64(len(family))
	switch method {
	case CorrectionNone:
		copy(adjusted, p)
	case CorrectionBH:
		// The running minimum of p·m/rank from the largest down.
		smallest := 1.0
		for k := len(family) - 1; k >= 0; k-- {
			i := family[k]
			smallest = min(smallest, p[i]*size/float64(k+1))
			adjusted[i] = smallest
		}
	case CorrectionHolm:
		// The running maximum of p·(m−rank+1) from the smallest up.
		largest := 0.0
		for k, i := range family {
			largest = min(1, max(largest, p[i]*(size-float64(k))))
			adjusted[i] = largest
		}
	}
	return adjusted
}
