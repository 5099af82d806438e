package windows

import "math"

// Moments are the count, extremes, mean and sum of squared deviations of a
// stream of finite values. The zero Moments is of no values.
//
// Floating-point sums depend on their order, so the order is part of the
// semantics: a partition adds in offset order, and parts are merged by pane
// and then by partition. Products are written float64(a*b) because a compiler
// may otherwise fuse them into the sum on some architectures and not on others.
type Moments struct {
	Count    uint64
	Min, Max float64
	Mean     float64
	M2       float64 // sum of squared deviations from the mean
}

// Add takes one finite value (Welford 1962).
func (m *Moments) Add(x float64) {
	m.Count++
	if m.Count == 1 {
		m.Min, m.Max, m.Mean, m.M2 = x, x, x, 0
		return
	}
	m.Min = min(m.Min, x)
	m.Max = max(m.Max, x)
	delta := x - m.Mean
	m.Mean += delta / float64(m.Count)
	m.M2 += float64(delta * (x - m.Mean))
}

// Merge adds the moments of another stream (Chan, Golub and LeVeque 1979).
func (m *Moments) Merge(o Moments) {
	switch {
	case o.Count == 0:
		return
	case m.Count == 0:
		*m = o
		return
	}
	total := float64(m.Count + o.Count)
	delta := o.Mean - m.Mean
	share := float64(o.Count) / total
	m.M2 += o.M2 + float64(float64(delta*delta)*float64(float64(m.Count)*share))
	m.Mean += float64(delta * share)
	m.Min = min(m.Min, o.Min)
	m.Max = max(m.Max, o.Max)
	m.Count += o.Count
}

// Std is the standard deviation that divides by the count; 0 of no values.
func (m *Moments) Std() float64 {
	if m.Count == 0 {
		return 0
	}
	return math.Sqrt(m.M2 / float64(m.Count))
}
