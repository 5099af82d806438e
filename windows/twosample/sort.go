package twosample

import (
	"math"
	"slices"
)

// Sort puts values in ascending order, as KS and Wasserstein want them, NaN
// first. It does what slices.Sort does, and several times faster where there are
// many values: with time proportional to their number, and 16 bytes for each
// while it works.
func Sort(values []float64) {
	if len(values) < radixFrom {
		slices.Sort(values)
		return
	}
	radixSort(values)
}

// radixFrom is the number of values from which sorting by digits pays.
const radixFrom = 512

// Three digits of eleven bits are the sign, the exponent and 21 bits of the
// fraction: enough to bring all but few values of most samples in order.
const (
	digitBits = 11
	digits    = 1 << digitBits
	passes    = 3
	lowest    = 64 - passes*digitBits
)

// radixSort orders by one digit after the other, the least significant of the
// three first, keeping the order of equal digits, and then puts in order what has
// all three in common. The bits of a float64 that is not negative are ordered as
// the numbers are; those of a negative one the other way about, so all of them
// are turned round.
func radixSort(values []float64) {
	keys, next := make([]uint64, len(values)), make([]uint64, len(values))
	var counts [passes][digits]uint32
	n := 0
	for _, v := range values {
		if v != v { // NaN
			continue
		}
		key := math.Float64bits(v)
		key ^= uint64(int64(key)>>63) | 1<<63
		keys[n] = key
		n++
		counts[0][key>>lowest%digits]++
		counts[1][key>>(lowest+digitBits)%digits]++
		counts[2][key>>(lowest+2*digitBits)%digits]++
	}
	keys, next = keys[:n], next[:n]
	for pass := range passes {
		shift := lowest + digitBits*pass
		places := &counts[pass]
		if n == 0 || places[keys[0]>>shift%digits] == uint32(n) {
			continue // one digit has them all
		}
		place := uint32(0)
		for digit, count := range places {
			places[digit] = place
			place += count
		}
		for _, key := range keys {
			digit := key >> shift % digits
			next[places[digit]] = key
			places[digit]++
		}
		keys, next = next, keys
	}
	sortWithinEqual(keys)
	nans := len(values) - n
	for i := range nans {
		values[i] = math.NaN()
	}
	for i, key := range keys {
		key ^= uint64(^int64(key)>>63) | 1<<63
		values[nans+i] = math.Float64frombits(key)
	}
}

// sortWithinEqual orders keys that are in order but for the bits below lowest.
func sortWithinEqual(keys []uint64) {
	for i := 0; i < len(keys); {
		end := i + 1
		ordered := true
		for end < len(keys) && keys[end]>>lowest == keys[i]>>lowest {
			ordered = ordered && keys[end-1] <= keys[end]
			end++
		}
		if !ordered {
			slices.Sort(keys[i:end])
		}
		i = end
	}
}
