package twosample

import (
	"math"
	"slices"
)

// stayProbability is P(D_N < d) for the one-sample statistic with Nd > ½, by
// following how many of the N values lie up to x as x goes from 0 to ½. Given
// that it ends at N, the count is a Poisson process of rate N, and D_N < d says
// that it stays between Nx−Nd and Nx+Nd. An integer k leaves these bounds at
// x = (k+Nd)/N and enters them at x = (k−Nd)/N: the probabilities of the counts
// are carried from one such x to the next. What is true from 0 to ½ is true,
// turned round, from 1 to ½, so there the two halves are joined. All terms are
// positive. The time is about N·Nd, so this is for small N.
func stayProbability(n int, d float64) float64 {
	size := float64(n)
	t := size * d
	// The next integers to leave and to enter, and the counts that are allowed.
	leave, enter := 0, int(t)+1
	low, high := 0, int(t)
	state, next, arrivals := make([]float64, n+2), make([]float64, n+2), make([]float64, n+2)
	state[0] = 1
	before, logScale := 0.0, 0.0
	for before < 0.5 {
		leaves, enters := (float64(leave)+t)/size, (float64(enter)-t)/size
		x := min(leaves, enters, 0.5)
		mean := size * (x - before)
		before = x
		// A count can rise by any number, but hardly by one that is long out of
		// reach: what is left out is below 10⁻¹⁸ of all paths.
		reach := 1
		arrivals[0] = 1
		for term := mean; reach <= high-low && term > 1e-22; reach++ {
			arrivals[reach] = term
			term *= mean / float64(reach+1)
		}
		target := next[low : high+1]
		clear(target)
		for from, weight := range state[low : high+1] {
			rises := arrivals[:min(reach, len(target)-from)]
			onto := target[from:][:len(rises)]
			for k, probability := range rises {
				onto[k] += weight * probability
			}
		}
		largest := slices.Max(target)
		for k := range target {
			target[k] /= largest
		}
		logScale += math.Log(largest)
		state, next = next, state
		if x == leaves {
			leave++
			low++
		}
		if x == enters {
			high++
			state[high] = 0
			enter++
		}
	}
	joined := 0.0
	for k := low; k <= min(high, n); k++ {
		if turned := n - k; turned >= low && turned <= high {
			joined += state[k] * state[turned]
		}
	}
	// Divide by the probability of N values in all; e^(−N) was left out of both.
	logFactorial, _ := math.Lgamma(size + 1)
	return joined * math.Exp(2*logScale+logFactorial-size*math.Log(size))
}

// durbinMatrix is P(D_N < d) by Durbin's (1973) matrix as computed by
// Marsaglia, Tsang and Wang (2003), Journal of Statistical Software 8(18):
// with k = ⌈Nd⌉ and e = k−Nd, the middle entry of the N-th power of a matrix of
// 2k−1 rows, times N!/Nᴺ. Time is proportional to k³ log N.
func durbinMatrix(n int, d float64) float64 {
	t := float64(n) * d
	k := int(math.Ceil(t))
	e := float64(k) - t
	rows := 2*k - 1
	base := newMatrix(rows)
	for i := range rows {
		for j := range min(i+2, rows) {
			base.set(i, j, 1)
		}
	}
	for i := range rows {
		power := math.Pow(e, float64(i+1))
		base.set(i, 0, base.at(i, 0)-power)
		if j := rows - 1 - i; j > 0 {
			base.set(rows-1, j, base.at(rows-1, j)-power)
		}
	}
	corner := 1 - 2*math.Pow(e, float64(rows))
	if 2*e > 1 {
		corner += math.Pow(2*e-1, float64(rows))
	}
	base.set(rows-1, 0, corner)
	for i := range rows {
		factorial := 1.0
		for j := i; j >= 0; j-- {
			factorial *= float64(i - j + 1)
			base.set(i, j, base.at(i, j)/factorial)
		}
	}
	power := newMatrix(rows)
	for i := range rows {
		power.set(i, i, 1)
	}
	for rest := n; rest > 0; rest >>= 1 {
		if rest&1 == 1 {
			power = power.times(base)
		}
		if rest > 1 {
			base = base.times(base)
		}
	}
	result, exponent := power.at(k-1, k-1), power.exponent
	for i := 1; i <= n; i++ {
		result *= float64(i) / float64(n)
		if result < 0x1p-500 {
			result *= 0x1p+500
			exponent -= 500
		}
	}
	return math.Ldexp(result, exponent)
}

// A matrix is square, its entries in units of 2^exponent.
type matrix struct {
	rows     int
	entries  []float64
	exponent int
}

func newMatrix(rows int) *matrix {
	return &matrix{rows: rows, entries: make([]float64, rows*rows)}
}

func (a *matrix) at(i, j int) float64     { return a.entries[i*a.rows+j] }
func (a *matrix) set(i, j int, v float64) { a.entries[i*a.rows+j] = v }

// times is the product, brought back into range by a power of two.
func (a *matrix) times(b *matrix) *matrix {
	product := newMatrix(a.rows)
	product.exponent = a.exponent + b.exponent
	largest := 0.0
	for i := range a.rows {
		row := product.entries[i*a.rows : (i+1)*a.rows]
		for k := range a.rows {
			factor := a.at(i, k)
			for j, v := range b.entries[k*a.rows : (k+1)*a.rows] {
				row[j] += factor * v
			}
		}
		largest = max(largest, slices.Max(row))
	}
	if largest > 0x1p+200 {
		for i := range product.entries {
			product.entries[i] *= 0x1p-200
		}
		product.exponent += 200
	}
	return product
}

// pelzGood is P(D_N < d) by the expansion of Pelz and Good (1976), Journal of
// the Royal Statistical Society B 38, 152–156, in the form of Simard and
// L'Ecuyer (2011): with z = √N·d,
//
//	K₀(z) + K₁(z)/√N + K₂(z)/N + K₃(z)/N^1.5
//
// K₀ being Kolmogorov's limit and K₁ a sixth of its derivative.
func pelzGood(size, d float64) float64 {
	z := math.Sqrt(size) * d
	z2 := z * z
	z4, z6 := z2*z2, z2*z2*z2
	const pi2 = math.Pi * math.Pi
	var k0, k1, k2, k3, k2tail, k3tail float64
	for k := 0.0; ; k++ {
		h := pi2 * (k + 0.5) * (k + 0.5) // π²(k+½)²
		e := math.Exp(-h / (2 * z2))
		k0 += e
		k1 += (h - z2) * e
		k2 += (6*z6 + 2*z4 + (2*z4-5*z2)*h + (1-2*z2)*h*h) * e
		k3 += ((5-30*z2)*h*h*h + (-60*z2+212*z4)*h*h + (135*z4-96*z6)*h - (30*z6 + 90*z4*z4)) * e
		w := pi2 * (k + 1) * (k + 1) // π²k², k ≥ 1
		e = math.Exp(-w / (2 * z2))
		k2tail += w * e
		k3tail += (3*w*z2 - w*w) * e
		if e*w*w < 1e-20*k0 || k > 100 {
			break
		}
	}
	// The sums run over all integers: twice what was added up.
	root := math.Sqrt(2 * math.Pi)
	k0 *= root / z
	k1 *= root / (6 * z4)
	k2 = k2*root/(72*z6*z) - k2tail*root/(36*z2*z)
	k3 = k3*root/(6480*z6*z4) + k3tail*root/(216*z6)
	sqrt := math.Sqrt(size)
	return max(0, k0+(k1+(k2+k3/sqrt)/sqrt)/sqrt)
}
