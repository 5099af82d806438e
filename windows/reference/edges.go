package reference

import (
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// edgesOf chooses the bin edges for values in ascending order: the distinct
// values at the ranks ⌈n·i/B⌉, and for each of them that occurs more than once
// also the next smaller float64, so that it has a bin of its own and ties cost
// nothing. B is 1,024, or less where that would make more than
// windows.MaxEdges edges. Where all distinct values fit, each has a bin of its
// own and the bins lose nothing.
func edgesOf(sorted []float64) []float64 {
	if len(sorted) == 0 {
		return nil
	}
	if distinct := distinctUpTo(sorted, windows.MaxEdges/2); distinct != nil && len(distinct) < len(sorted) {
		edges := make([]float64, 0, 2*len(distinct))
		for _, v := range distinct {
			edges = appendEdge(edges, v, true)
		}
		return edges
	}
	for bins := windows.MaxEdges + 1; ; bins -= 16 {
		edges := quantileEdges(sorted, bins)
		if len(edges) <= windows.MaxEdges {
			return edges
		}
	}
}

func quantileEdges(sorted []float64, bins int) []float64 {
	n := len(sorted)
	var edges []float64
	for i := 1; i < bins; i++ {
		rank := (n*i + bins - 1) / bins // ⌈n·i/B⌉, at least 1
		v := sorted[rank-1]
		if len(edges) > 0 && edges[len(edges)-1] >= v {
			continue
		}
		repeated := (rank < n && sorted[rank] == v) || (rank > 1 && sorted[rank-2] == v)
		edges = appendEdge(edges, v, repeated)
	}
	return edges
}

// appendEdge adds the edge v, with one just below it if the reference repeats
// the value.
func appendEdge(edges []float64, v float64, repeated bool) []float64 {
	if repeated {
		below := math.Nextafter(v, math.Inf(-1))
		if !math.IsInf(below, 0) && (len(edges) == 0 || edges[len(edges)-1] < below) {
			edges = append(edges, below)
		}
	}
	return append(edges, v)
}

// distinctUpTo lists the different values, or is nil when there are more than
// limit.
func distinctUpTo(sorted []float64, limit int) []float64 {
	var distinct []float64
	for i, v := range sorted {
		if i > 0 && v == sorted[i-1] {
			continue
		}
		if len(distinct) == limit {
			return nil
		}
		distinct = append(distinct, v)
	}
	return distinct
}

func countDistinct(sorted []float64) int {
	return len(slices.Compact(slices.Clone(sorted)))
}
