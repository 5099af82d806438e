package reference

import (
	"math"

	"github.com/kolmo-ml/kolmo/windows"
)

// Within says how many values are kept of rows whose number is not known: every
// one while these are at most All, over all features, and Each of each feature
// once there are more. With All 0 it is Each from the beginning.
type Within struct{ All, Each int }

// boundEvery is after how many rows it is seen to that a pane does not hold too
// many values; so many rows may be kept beyond All.
const boundEvery = 1024

// BuildWithin is Build for rows whose number is not known. The counts between
// edges are over all rows either way.
func BuildWithin(kind string, rows Rows, keep Within, limits windows.Limits) (*Reference, error) {
	if keep.All == 0 {
		return Build(kind, rows, keep.Each, limits)
	}
	// A large sample tells where the edges stand; of very many features it has to
	// be smaller.
	pane, bounded := newPane(nil, math.MaxInt32, limits), false
	first, err := passInto(rows, pane, func(*windows.Observation) {
		if pane.Events%boundEvery == 0 {
			bounded = pane.Bound(keep.All, max(keep.Each, min(minEdgeSample, keep.All/max(len(pane.Features), 1))))
		}
	})
	if err != nil {
		return nil, err
	}
	size := keep.Each
	if !bounded {
		size = math.MaxInt32
	}
	return finish(kind, rows, first, size, limits, nil)
}

// CountWithin counts rows as one window on a grid.
func CountWithin(rows Rows, grid *windows.Grid, keep Within, limits windows.Limits) (*windows.Window, error) {
	if keep.All == 0 {
		return pass(rows, grid, keep.Each, limits, func(*windows.Observation) {})
	}
	pane := newPane(grid, math.MaxInt32, limits)
	return passInto(rows, pane, func(*windows.Observation) {
		if pane.Events%boundEvery == 0 {
			pane.Bound(keep.All, keep.Each)
		}
	})
}
