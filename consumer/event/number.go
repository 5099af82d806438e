package event

import "math"

// Powers of ten that float64 holds exactly.
var exactPowers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// shortDecimal reads a JSON number without exponent, as nearly all are written,
// several times faster than strconv: when its digits make an integer below 2^53
// and at most 22 of them follow the point, both that integer and the
// power of ten are exact in float64, and one division, which IEEE 754 rounds
// correctly, gives the nearest float64 (Clinger 1990, "How to read floating point
// numbers accurately"). ok is false for any other number.
func shortDecimal(number []byte) (value float64, ok bool) {
	const mostDigits = 19 // any more could overflow the integer
	negative := number[0] == '-'
	if negative {
		number = number[1:]
	}
	if len(number) > mostDigits {
		return 0, false
	}
	var integer uint64
	point := -1
	for i, c := range number {
		switch {
		case isDigit(c):
			integer = integer*10 + uint64(c-'0')
		case c == '.':
			point = i
		default:
			return 0, false
		}
	}
	if integer >= 1<<53 {
		return 0, false
	}
	value = float64(integer)
	if point >= 0 {
		value /= exactPowers[len(number)-1-point]
	}
	if negative {
		value = math.Copysign(value, -1)
	}
	return value, true
}
