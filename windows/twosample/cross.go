package twosample

import "math/bits"

// cross is the difference of two proportions in integers,
//
//	b/m − a/n = (b·n − a·m)/(n·m)
//
// computed without a rounded proportion, so that proportions close to one
// another keep all digits of their difference.
type cross struct {
	difference float64 // b·n − a·m, rounded once
	sum        float64 // b·n + a·m, rounded once
}

func crossOf(a, n, b, m uint64) cross {
	bnHigh, bnLow := bits.Mul64(b, n)
	amHigh, amLow := bits.Mul64(a, m)
	var c cross
	low, carry := bits.Add64(bnLow, amLow, 0)
	high, carry := bits.Add64(bnHigh, amHigh, carry)
	c.sum = (float64(carry)*0x1p+64+float64(high))*0x1p+64 + float64(low)
	low, borrow := bits.Sub64(bnLow, amLow, 0)
	high, borrow = bits.Sub64(bnHigh, amHigh, borrow)
	if borrow == 0 {
		c.difference = float64(high)*0x1p+64 + float64(low)
		return c
	}
	low, borrow = bits.Sub64(amLow, bnLow, 0)
	high, _ = bits.Sub64(amHigh, bnHigh, borrow)
	c.difference = -(float64(high)*0x1p+64 + float64(low))
	return c
}

// sameBins says that two tables have the same bins and neither is empty, and
// gives their totals.
func sameBins(reference, current []uint64) (n, m uint64, ok bool) {
	n, fitsN := sum(reference)
	m, fitsM := sum(current)
	return n, m, fitsN && fitsM && n > 0 && m > 0 && len(reference) == len(current)
}
