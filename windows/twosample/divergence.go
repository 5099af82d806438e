package twosample

import "math"

// psiFloor takes the place of a zero proportion in PSI.
const psiFloor = 1e-4

// PSI is the population stability index of two sets of counts over the same
// bins,
//
//	Σ (q−p)·ln(q/p)
//
// with p and q the proportions of the reference and the current sample, in
// [0, ∞). A zero proportion is taken as 0.0001, and nothing is renormalised: the
// habit of credit scoring, where the measure comes from (Siddiqi 2006). It is
// the sum of both Kullback–Leibler divergences; its expectation without any
// drift is about (k−1)(1/n + 1/m), so a fixed threshold means little at small
// samples.
//
// It is NaN where either side has no values, the numbers of bins differ, or a
// total exceeds 63 bits. A bin that is empty on both sides adds nothing.
func PSI(reference, current []uint64) float64 {
	n, m, ok := sameBins(reference, current)
	if !ok {
		return math.NaN()
	}
	total := 0.0
	for i, a := range reference {
		b := current[i]
		switch {
		case a == 0 && b == 0:
		case a == 0:
			q := float64(b) / float64(m)
			total += (q - psiFloor) * math.Log(q/psiFloor)
		case b == 0:
			p := float64(a) / float64(n)
			total += (psiFloor - p) * math.Log(psiFloor/p)
		default:
			total += psiTerm(a, n, b, m)
		}
	}
	return total
}

// PSIRaw is PSI without a floor: +Inf where a bin is empty on one side alone.
// The other special cases are PSI's.
func PSIRaw(reference, current []uint64) float64 {
	n, m, ok := sameBins(reference, current)
	if !ok {
		return math.NaN()
	}
	total := 0.0
	for i, a := range reference {
		switch b := current[i]; {
		case a == 0 && b == 0:
		case a == 0 || b == 0:
			return math.Inf(1)
		default:
			total += psiTerm(a, n, b, m)
		}
	}
	return total
}

// PSIAddHalf is PSI of the proportions (c+½)/(n+k/2), which are never zero, k
// being the number of bins. Here a bin that is empty on both sides counts. The
// special cases are PSI's.
func PSIAddHalf(reference, current []uint64) float64 {
	n, m, ok := sameBins(reference, current)
	k := uint64(len(reference))
	if !ok || max(n, m) > math.MaxInt64/2-k {
		return math.NaN()
	}
	total := 0.0
	for i, a := range reference {
		total += psiTerm(2*a+1, 2*n+k, 2*current[i]+1, 2*m+k)
	}
	return total
}

// psiTerm is (q−p)·ln(q/p) for p = a/n and q = b/m, none of them zero.
func psiTerm(a, n, b, m uint64) float64 {
	c := crossOf(a, n, b, m)
	before := float64(a) * float64(m)
	logarithm := c.difference / before // q/p − 1
	if math.Abs(logarithm) < 0.5 {
		logarithm = math.Log1p(logarithm)
	} else {
		logarithm = math.Log(float64(b) * float64(n) / before)
	}
	return c.difference / (float64(n) * float64(m)) * logarithm
}

// JensenShannon is the Jensen–Shannon divergence of two sets of counts over the
// same bins, in bits: the mean of the Kullback–Leibler divergences of either
// side from the middle of both (Lin 1991), in [0, 1]. Its square root,
// JensenShannonDistance, is a metric.
//
// With s = p+q and δ = (q−p)/s a bin adds
//
//	s/4 · [(1−δ)ln(1−δ) + (1+δ)ln(1+δ)] = s/4 · [2δ·artanh δ + ln(1−δ²)]
//
// over ln 2. Every bin's part is positive and, with δ from integers, keeps its
// digits where p and q are close, where the textbook sum has none.
//
// It is NaN where either side has no values, the numbers of bins differ, or a
// total exceeds 63 bits.
func JensenShannon(reference, current []uint64) float64 {
	n, m, ok := sameBins(reference, current)
	if !ok {
		return math.NaN()
	}
	total := 0.0
	for i, a := range reference {
		b := current[i]
		if a == 0 && b == 0 {
			continue
		}
		s := float64(a)/float64(n) + float64(b)/float64(m)
		if a == 0 || b == 0 {
			total += s * (2 * math.Ln2)
			continue
		}
		c := crossOf(a, n, b, m)
		delta := c.difference / c.sum
		if math.Abs(delta) > 0.5 {
			// Here nothing cancels, and near 1 it is 1−δ that matters.
			p, q := float64(a)/float64(n), float64(b)/float64(m)
			total += 2 * (p*math.Log(2*p/s) + q*math.Log(2*q/s))
			continue
		}
		total += s * (2*delta*math.Atanh(delta) + math.Log1p(-delta*delta))
	}
	return min(1, total/(4*math.Ln2))
}

// JensenShannonDistance is the square root of JensenShannon, in [0, 1].
func JensenShannonDistance(reference, current []uint64) float64 {
	return math.Sqrt(JensenShannon(reference, current))
}

// Hellinger is the Hellinger distance of two sets of counts over the same bins,
//
//	√(½ Σ (√p − √q)²)
//
// in [0, 1]. It is NaN where JensenShannon is.
func Hellinger(reference, current []uint64) float64 {
	n, m, ok := sameBins(reference, current)
	if !ok {
		return math.NaN()
	}
	total := 0.0
	for i, a := range reference {
		b := current[i]
		if a == 0 && b == 0 {
			continue
		}
		p, q := float64(a)/float64(n), float64(b)/float64(m)
		root := crossOf(a, n, b, m).difference / (float64(n) * float64(m)) / (math.Sqrt(p) + math.Sqrt(q))
		total += root * root
	}
	return min(1, math.Sqrt(total/2))
}

// TotalVariation is the total variation distance of two sets of counts over the
// same bins, ½ Σ |p − q|, in [0, 1]: the share of values that would have to
// move. It is NaN where JensenShannon is.
func TotalVariation(reference, current []uint64) float64 {
	n, m, ok := sameBins(reference, current)
	if !ok {
		return math.NaN()
	}
	total := 0.0
	for i, a := range reference {
		total += math.Abs(crossOf(a, n, current[i], m).difference)
	}
	return min(1, total/(2*float64(n)*float64(m)))
}
