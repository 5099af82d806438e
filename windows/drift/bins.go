package drift

import (
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// onGrid reports whether the window's bins are those of the reference.
func onGrid(w *windows.Window, t *windows.Tally, ref *reference.Feature) bool {
	if w.Grid == nil || t.Bins == nil {
		return false
	}
	grid := w.Grid.Feature(ref.Name)
	return grid != nil && slices.Equal(grid.Edges, ref.Edges)
}

// singles says which bins hold one value alone: those whose lower edge is the
// float64 just below their upper one.
func singles(edges []float64) []bool {
	single := make([]bool, len(edges)+1)
	for i := 1; i < len(edges); i++ {
		single[i] = place(edges[i])-place(edges[i-1]) == 1
	}
	return single
}

// place numbers the float64s in their order: neighbours differ by 1, and both
// zeros have 0.
func place(x float64) int64 {
	bits := math.Float64bits(x)
	magnitude := int64(bits &^ (1 << 63))
	if bits>>63 == 1 {
		return -magnitude
	}
	return magnitude
}

// dkw is how far the distribution function of a uniform sample of n values can
// be from that of all values, with sampledConfidence: the inequality of
// Dvoretzky, Kiefer and Wolfowitz (1956) with Massart's constant (1990).
func dkw(n int) float64 {
	if n == 0 {
		return 1
	}
	return math.Sqrt(math.Log(2/(1-sampledConfidence)) / float64(2*n))
}
