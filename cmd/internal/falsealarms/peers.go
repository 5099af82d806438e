package main

import (
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// The default rules of two programs that people use for the same purpose,
// restated from their published sources. They have no alerts that begin and end: every
// window that they flag counts.

// evidently is Evidently's default for numeric columns and more than 1,000 rows of
// reference (evidently/legacy/calculations/stattests/wasserstein_distance_norm.py,
// 0.7.23): a column has drifted when its Wasserstein distance is at least 0.1
// standard deviations of the reference, the data set when at least half of its
// columns have (DataDriftPreset).
type evidently struct {
	reference batch // sorted
	norms     []float64
}

const (
	evidentlyThreshold = 0.1
	evidentlyShare     = 0.5
)

func newEvidently(windows []batch) *evidently {
	e := &evidently{}
	for feature := range windows[0] {
		var all []float64
		for _, w := range windows {
			all = append(all, w[feature]...)
		}
		_, deviation := meanAndDeviation(all)
		slices.Sort(all)
		e.reference, e.norms = append(e.reference, all), append(e.norms, max(deviation, 0.001))
	}
	return e
}

// flags says whether any column has drifted, and whether the data set has.
func (e *evidently) flags(w batch) (column, dataset bool) {
	drifted := 0
	for feature, values := range w {
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		if twosample.Wasserstein(e.reference[feature], sorted)/e.norms[feature] >= evidentlyThreshold {
			drifted++
		}
	}
	return drifted > 0, float64(drifted) >= evidentlyShare*float64(len(w))
}

// nannyML is NannyML's default for continuous columns
// (nannyml/drift/univariate/methods.py and nannyml/thresholds.py, 0.13.1): the
// Jensen–Shannon distance, base 2, over equal bins by Doane's rule between the
// reference's extremes, what is outside being one more bin; a column alerts when it
// is above the mean of the reference's own chunks plus three standard deviations.
type nannyML struct {
	edges      [][]float64
	reference  [][]float64 // shares
	thresholds []float64
}

func newNannyML(windows []batch) *nannyML {
	n := &nannyML{}
	for feature := range windows[0] {
		var all []float64
		for _, w := range windows {
			all = append(all, w[feature]...)
		}
		edges := doaneEdges(all)
		shares, _ := histogram(all, edges)
		n.edges, n.reference = append(n.edges, edges), append(n.reference, shares)
		var distances []float64
		for _, w := range windows {
			distances = append(distances, n.distance(feature, w[feature]))
		}
		mean, deviation := meanAndDeviation(distances)
		n.thresholds = append(n.thresholds, mean+3*deviation)
	}
	return n
}

// flags says whether any column alerts.
func (n *nannyML) flags(w batch) bool {
	for feature, values := range w {
		if n.distance(feature, values) > n.thresholds[feature] {
			return true
		}
	}
	return false
}

func (n *nannyML) distance(feature int, values []float64) float64 {
	shares, outside := histogram(values, n.edges[feature])
	p, q := n.reference[feature], shares
	if outside > 0 {
		p, q = append(slices.Clone(p), 0), append(q, outside)
	}
	divergence := 0.0
	for i := range p {
		middle := (p[i] + q[i]) / 2
		if p[i] > 0 {
			divergence += p[i] * math.Log2(p[i]/middle) / 2
		}
		if q[i] > 0 {
			divergence += q[i] * math.Log2(q[i]/middle) / 2
		}
	}
	return math.Sqrt(max(0, divergence))
}

// doaneEdges are numpy's: as many equal bins between the extremes as Doane's
// (1976) rule, which allows for skewness, asks for.
func doaneEdges(values []float64) []float64 {
	n := float64(len(values))
	mean, deviation := meanAndDeviation(values)
	skewness := 0.0
	for _, v := range values {
		z := (v - mean) / deviation
		skewness += z * z * z / n
	}
	spread := math.Sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
	bins := int(math.Ceil(1 + math.Log2(n) + math.Log2(1+math.Abs(skewness)/spread)))
	low, high := slices.Min(values), slices.Max(values)
	edges := make([]float64, bins+1)
	for i := range edges {
		edges[i] = low + (high-low)*float64(i)/float64(bins)
	}
	edges[bins] = high
	return edges
}

// histogram are the shares of values between equal edges, and outside them.
func histogram(values, edges []float64) (shares []float64, outside float64) {
	bins := len(edges) - 1
	low, high := edges[0], edges[bins]
	scale := float64(bins) / (high - low)
	shares = make([]float64, bins)
	for _, v := range values {
		if v < low || v > high {
			outside++
			continue
		}
		shares[min(int((v-low)*scale), bins-1)]++
	}
	for i := range shares {
		shares[i] /= float64(len(values))
	}
	return shares, outside / float64(len(values))
}

func meanAndDeviation(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}
