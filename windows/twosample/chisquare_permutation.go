package twosample

import (
	"math"
	"math/rand/v2"
)

// ChiSquareMatched is the p-value of the chi-square statistic given the margins
// of the table, from a gamma law that has the exact mean and variance of the
// statistic over all ways of dealing the pooled values out to the two samples
// (Haldane 1940, Biometrika 31; Dawson 1954, American Statistician 8). It needs
// no sampling, has no smallest value, and is meant for many sparse categories.
// With a few rare ones the true distribution has steps that no smooth law
// follows: ChiSquarePermutation does.
//
// It is NaN where the statistic is, and 1 where every table of the same margins
// has the same statistic or there are fewer than 4 values in all.
func ChiSquareMatched(reference, current []uint64) PValue {
	r := ChiSquare(reference, current)
	if math.IsNaN(r.Statistic) {
		return noPValue(Permutation)
	}
	mean, variance := chiSquareMoments(reference, current)
	// Rounding leaves a trace of a variance that is 0.
	if r.DegreesOfFreedom == 0 || r.N+r.M < 4 || variance <= 1e-12*mean*mean {
		return pValue(1, Permutation)
	}
	return gammaTail(mean*mean/variance, r.Statistic*mean/variance, Permutation)
}

// chiSquareMoments are the mean and variance of the statistic over all tables
// of the same margins, for 4 or more values.
func chiSquareMoments(reference, current []uint64) (mean, variance float64) {
	n, m, k, inverse := 0.0, 0.0, 0.0, 0.0
	for i, a := range reference {
		n += float64(a)
		m += float64(current[i])
		if c := a + current[i]; c > 0 {
			k++
			inverse += 1 / float64(c)
		}
	}
	total := n + m
	v1 := (total - 2) / (total - 1)
	w1 := (total*(1/n+1/m) - 4) / (total - 2)
	v2 := (k - 1) * (total - k) / (total - 1)
	w2 := (total*inverse - k*k) / (total - 2)
	mean = total * (k - 1) / (total - 1)
	variance = 2*total/(total-3)*(v1-w1)*(v2-w2) + total*total/(total-1)*w1*w2
	return mean, variance
}

// enoughExceedances is how many sampled tables at least as extreme settle a
// p-value: its relative standard error is then 1/√100.
const enoughExceedances = 100

// ChiSquarePermutation is the p-value of the chi-square statistic given the
// margins of the table, from at most rounds tables drawn at random with the
// same margins: values dealt out to the two samples anew. The plain statistic
// stays; only its p-value is another.
//
// The draws are seeded by the table, so that equal tables have equal p-values.
// Drawing ends early once 100 tables were at least as extreme (Besag and
// Clifford 1991). With e of r tables at least as extreme, p is (e+1)/(r+1), or
// 100/r where drawing ended early. Where e is 0, p is below what r tables can
// tell: it is then ChiSquareMatched's if that is smaller, so that a strong
// drift does not stop at 1/(r+1). Nothing is drawn where that is sure to
// happen: where even with all that sparse categories could add taken off, the
// statistic is far out in the chi-square law of the others.
//
// Time is proportional to rounds, the number of categories, and the spread of
// the counts in them (the standard deviation, and no more than 30).
//
// It is NaN where the statistic is or rounds is not positive, and 1 with no
// degrees of freedom.
func ChiSquarePermutation(reference, current []uint64, rounds int) PValue {
	observed := ChiSquare(reference, current)
	if math.IsNaN(observed.Statistic) || rounds <= 0 {
		return noPValue(Permutation)
	}
	if observed.DegreesOfFreedom == 0 {
		return pValue(1, Permutation)
	}
	beyond := pValue(1/float64(rounds+1), Permutation)
	if matched := ChiSquareMatched(reference, current); matched.LogP < beyond.LogP {
		beyond = matched
	}
	table := newMargins(reference, current, observed)
	if table.bound(observed.Statistic).P < 0.01/float64(rounds+1) {
		return beyond
	}
	exceedances := 0
	for drawn := 1; drawn <= rounds; drawn++ {
		if table.draw() >= observed.Statistic*(1-1e-10) {
			exceedances++
		}
		if exceedances == enoughExceedances {
			return pValue(enoughExceedances/float64(drawn), Permutation)
		}
	}
	if exceedances == 0 {
		return beyond
	}
	return pValue(float64(exceedances+1)/float64(rounds+1), Permutation)
}

// margins draws tables with the margins of one.
type margins struct {
	n, m    float64
	columns []float64 // their sums
	random  *rand.Rand
	// factorials holds log k! for small k.
	factorials []float64
}

func newMargins(reference, current []uint64, r ChiSquareResult) *margins {
	t := &margins{n: float64(r.N), m: float64(r.M)}
	seed := uint64(len(reference))
	for i, a := range reference {
		for _, c := range []uint64{a, current[i]} {
			seed ^= c
			seed *= 0x9E3779B97F4A7C15
			seed ^= seed >> 29
		}
		if c := a + current[i]; c > 0 {
			t.columns = append(t.columns, float64(c))
		}
	}
	t.random = rand.New(rand.NewPCG(seed, r.N^r.M<<32))
	t.factorials = make([]float64, min(r.N+r.M, 4095)+1)
	for k := 2; k < len(t.factorials); k++ {
		t.factorials[k] = t.factorials[k-1] + math.Log(float64(k))
	}
	return t
}

// bound is a p-value that the statistic's cannot much exceed: that of what is
// left of it when every category with an expected count under 5 has taken its
// largest possible part, in the chi-square law of the other categories.
func (t *margins) bound(statistic float64) PValue {
	dense := 0.0
	for _, column := range t.columns {
		if column*min(t.n, t.m) < 5*(t.n+t.m) {
			statistic -= column * max(t.n/t.m, t.m/t.n)
		} else {
			dense++
		}
	}
	if dense == 0 {
		return pValue(1, Permutation)
	}
	return gammaTail(dense/2, statistic/2, Permutation)
}

// draw is the statistic of a table drawn at random.
func (t *margins) draw() float64 {
	statistic := 0.0
	left, total := t.n, t.n+t.m // what is left to deal to the reference, and in all
	for _, column := range t.columns {
		a := t.hypergeometric(left, total-left, column)
		difference := (column-a)*t.n - a*t.m
		statistic += difference / t.n * (difference / t.m) / column
		left -= a
		total -= column
	}
	return statistic
}

// hypergeometric draws how many of the values drawn are good, without putting
// any back: one by one where they are few, else by inversion from the mode
// outward, or, where the standard deviation exceeds 30, as a rounded normal of
// the same mean and variance.
func (t *margins) hypergeometric(good, bad, drawn float64) float64 {
	total := good + bad
	low, high := max(0, drawn-bad), min(drawn, good)
	if low >= high {
		return low
	}
	share := good / total
	variance := drawn * share * (bad / total) * ((total - drawn) / max(1, total-1))
	if variance > 900 {
		x := math.Round(drawn*share + t.random.NormFloat64()*math.Sqrt(variance))
		return min(max(x, low), high)
	}
	if drawn <= 8 {
		x := 0.0
		for ; drawn > 0; drawn-- {
			if t.random.Float64()*total < good {
				good--
				x++
			}
			total--
		}
		return x
	}
	u := t.random.Float64()
	mode := min(max(math.Floor((drawn+1)*(good+1)/(total+2)), low), high)
	atMode := math.Exp(t.logChoose(good, mode) + t.logChoose(bad, drawn-mode) - t.logChoose(total, drawn))
	up, down := mode, mode
	pUp, pDown := atMode, atMode
	if u -= atMode; u < 0 {
		return mode
	}
	for up < high || down > low {
		if up < high {
			pUp *= (good - up) * (drawn - up) / ((up + 1) * (bad - drawn + up + 1))
			up++
			if u -= pUp; u < 0 {
				return up
			}
		}
		if down > low {
			pDown *= down * (bad - drawn + down) / ((good - down + 1) * (drawn - down + 1))
			down--
			if u -= pDown; u < 0 {
				return down
			}
		}
	}
	return mode // rounding left a trace of u
}

// logChoose is log C(n, k).
func (t *margins) logChoose(n, k float64) float64 {
	return t.logFactorial(n) - t.logFactorial(k) - t.logFactorial(n-k)
}

func (t *margins) logFactorial(n float64) float64 {
	if n < float64(len(t.factorials)) {
		return t.factorials[int(n)]
	}
	return stirlingError(n) + (n+0.5)*math.Log(n) - n + 0.5*math.Log(2*math.Pi)
}
