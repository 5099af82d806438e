package main

import (
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
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

func newEvidently(history []batch) *evidently {
	e := &evidently{}
	for feature := range history[0] {
		var all []float64
		for _, w := range history {
			all = append(all, w[feature]...)
		}
		slices.Sort(all)
		e.reference, e.norms = append(e.reference, all), append(e.norms, max(momentsOf(all).Std(), 0.001))
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
	reference  [][]uint64 // counts between them, and outside
	thresholds []float64
}

func newNannyML(history []batch) *nannyML {
	n := &nannyML{}
	for feature := range history[0] {
		var all []float64
		for _, w := range history {
			all = append(all, w[feature]...)
		}
		edges := doaneEdges(all)
		n.edges, n.reference = append(n.edges, edges), append(n.reference, histogram(all, edges))
		var distances windows.Moments
		for _, w := range history {
			distances.Add(n.distance(feature, w[feature]))
		}
		n.thresholds = append(n.thresholds, distances.Mean+3*distances.Std())
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
	return twosample.JensenShannonDistance(n.reference[feature], histogram(values, n.edges[feature]))
}

// doaneEdges are numpy's: as many equal bins between the extremes as Doane's
// (1976) rule, which allows for skewness, asks for.
func doaneEdges(values []float64) []float64 {
	n := float64(len(values))
	m := momentsOf(values)
	skewness := 0.0
	for _, v := range values {
		z := (v - m.Mean) / m.Std()
		skewness += z * z * z / n
	}
	spread := math.Sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
	bins := int(math.Ceil(1 + math.Log2(n) + math.Log2(1+math.Abs(skewness)/spread)))
	low, high := m.Min, m.Max
	edges := make([]float64, bins+1)
	for i := range edges {
		edges[i] = low + (high-low)*float64(i)/float64(bins)
	}
	edges[bins] = high
	return edges
}

// histogram counts the values between equal edges, and last those outside them.
func histogram(values, edges []float64) []uint64 {
	bins := len(edges) - 1
	low, high := edges[0], edges[bins]
	scale := float64(bins) / (high - low)
	counts := make([]uint64, bins+1)
	for _, v := range values {
		if v < low || v > high {
			counts[bins]++
			continue
		}
		counts[min(int((v-low)*scale), bins-1)]++
	}
	return counts
}

func momentsOf(values []float64) *windows.Moments {
	m := new(windows.Moments)
	for _, v := range values {
		m.Add(v)
	}
	return m
}
