package twosample

import "math"

// FisherResult are the exact p-values of two proportions.
type FisherResult struct {
	// Less is the probability of a first proportion no larger than the observed,
	// Greater of one no smaller, and TwoSided of any split of the successes that
	// is no more probable than the observed.
	Less, Greater, TwoSided PValue
}

// FisherExact compares k1 successes of n1 with k2 of n2 (Fisher 1935): given how
// many successes there are in all, how they fall to the first sample has a
// hypergeometric distribution. Unlike the z test it holds however rare the
// successes are.
//
// Splits within 10⁻⁷ of the observed one's probability, relative to it, count as
// equally probable, so that rounding does not part a split from its mirror
// image. Terms are added from the observed split outward until they no longer
// count: time is proportional to the standard deviation of the split, which is
// at most √k for k successes, however large the samples.
//
// All three are NaN where n1 or n2 is 0, a count exceeds its total, or the
// totals add up to over 63 bits; all are 1 where all are successes or none.
func FisherExact(k1, n1, k2, n2 uint64) FisherResult {
	if !areProportions(k1, n1, k2, n2) {
		none := noPValue(Exact)
		return FisherResult{none, none, none}
	}
	s := splitOf(k1, n1, k2, n2)
	log := s.logProbability(s.observed)
	if s.least == s.largest {
		one := pValue(1, Exact)
		return FisherResult{one, one, one}
	}
	mode := s.mode()
	r := FisherResult{Less: s.less(mode, log), Greater: s.greater(mode, log)}
	r.TwoSided = s.twoSided(mode, log, r)
	return r
}

func areProportions(k1, n1, k2, n2 uint64) bool {
	return n1 > 0 && n2 > 0 && k1 <= n1 && k2 <= n2 && n1 <= math.MaxInt64-min(n2, math.MaxInt64)
}

// A split is how successes fall to two samples. Its numbers are integers, and
// exact up to 2⁵³.
type split struct {
	n1, n2, successes float64
	observed          float64 // of the first sample
	least, largest    float64 // that can be
	shift             float64 // expected less observed successes of the first sample
	rate, otherRate   float64 // the share of successes and of failures in all
	margins           float64 // the part of the logarithm that all splits share
}

func splitOf(k1, n1, k2, n2 uint64) *split {
	s := &split{n1: float64(n1), n2: float64(n2), successes: float64(k1 + k2), observed: float64(k1)}
	s.least = max(0, s.successes-s.n2)
	s.largest = min(s.n1, s.successes)
	total := float64(n1 + n2)
	s.shift = crossOf(k1, n1, k2, n2).difference / total
	s.rate, s.otherRate = s.successes/total, float64(n1+n2-k1-k2)/total
	s.margins = -logStirling(total)
	for _, margin := range []float64{s.n1, s.n2, s.successes, float64(n1 + n2 - k1 - k2)} {
		s.margins += logStirling(margin)
	}
	return s
}

// logStirling is log(n!·eⁿ/nⁿ).
func logStirling(n float64) float64 {
	if n == 0 {
		return 0
	}
	return stirlingError(n) + 0.5*math.Log(2*math.Pi*n)
}

// logProbability is the logarithm of the hypergeometric probability of x
// successes of the first sample. Each cell of the table has the probability of
// a Poisson variable of its expected count, by Loader's (2000) deviance, so that
// nothing is lost where the counts are large and near what is expected.
func (s *split) logProbability(x float64) float64 {
	y := s.successes - x
	t := s.shift + (s.observed - x) // expected less x
	sum := s.margins
	for _, cell := range [4]struct{ count, short, expected float64 }{
		{x, t, s.n1 * s.rate}, {s.n1 - x, -t, s.n1 * s.otherRate},
		{y, -t, s.n2 * s.rate}, {s.n2 - y, t, s.n2 * s.otherRate},
	} {
		switch {
		case cell.count == 0:
			sum -= cell.expected
			continue
		case math.Abs(cell.short) < 0.1*cell.count:
			sum -= deviance(cell.count, cell.short)
		default: // what is short may have lost all digits of a small expected count
			sum -= cell.count*math.Log(cell.count/cell.expected) + cell.short
		}
		sum -= logStirling(cell.count)
	}
	return sum
}

// mode is a split that no other exceeds in probability.
func (s *split) mode() float64 {
	x := math.Floor((s.n1 + 1) * ((s.successes + 1) / (s.n1 + s.n2 + 2)))
	x = min(max(x, s.least), s.largest)
	for x < s.largest && s.ratio(x, +1) > 1 {
		x++
	}
	for x > s.least && s.ratio(x, -1) > 1 {
		x--
	}
	return x
}

// ratio is the probability of the split one further, over that of x.
func (s *split) ratio(x, step float64) float64 {
	if step > 0 {
		return (s.n1 - x) / (x + 1) * ((s.successes - x) / (s.n2 - s.successes + x + 1))
	}
	return x / (s.n1 - x + 1) * ((s.n2 - s.successes + x) / (s.successes - x + 1))
}

// less is the probability of a split no larger than the observed: the nearer
// tail is added up, the other is what is left of 1. log is the observed split's.
func (s *split) less(mode, log float64) PValue {
	if s.observed < mode {
		return s.tail(s.observed, log, -1)
	}
	return s.rest(s.observed+1, +1)
}

// greater is the probability of a split no smaller than the observed.
func (s *split) greater(mode, log float64) PValue {
	if s.observed > mode {
		return s.tail(s.observed, log, +1)
	}
	return s.rest(s.observed-1, -1)
}

// tail adds up the splits from x on, away from the mode; log is that of x.
func (s *split) tail(x, log, step float64) PValue {
	total, term := 1.0, 1.0
	for ; x > s.least && step < 0 || x < s.largest && step > 0; x += step {
		term *= s.ratio(x, step)
		total += term
		if term < 1e-18*total {
			break
		}
	}
	return logPValue(log+math.Log(total), Exact)
}

// rest is 1 less the splits from x on, x lying beyond the mode.
func (s *split) rest(x, step float64) PValue {
	if x < s.least || x > s.largest {
		return pValue(1, Exact)
	}
	return pValue(max(0, 1-s.tail(x, s.logProbability(x), step).P), Exact)
}

// twoSided adds the tail that begins with the observed split to that on the
// other side of the mode, which begins with the first split no more probable.
func (s *split) twoSided(mode, log float64, r FisherResult) PValue {
	limit := log + 1e-7
	if s.logProbability(mode) <= limit {
		return pValue(1, Exact)
	}
	near, step, end := r.Less, +1.0, s.largest
	if s.observed > mode {
		near, step, end = r.Greater, -1.0, s.least
	}
	// From the mode outward probabilities fall: halve what lies between.
	inside, outside := mode, end+step
	for math.Abs(outside-inside) > 1 {
		middle := inside + step*math.Floor(math.Abs(outside-inside)/2)
		if s.logProbability(middle) <= limit {
			outside = middle
		} else {
			inside = middle
		}
	}
	if outside == end+step {
		return near
	}
	far := s.tail(outside, s.logProbability(outside), step)
	low, high := min(near.LogP, far.LogP), max(near.LogP, far.LogP)
	return logPValue(high+math.Log1p(math.Exp(low-high)), Exact)
}
