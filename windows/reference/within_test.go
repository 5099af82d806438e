package reference

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// While there are few values BuildWithin keeps them all, and beyond that it is
// Build, whenever it finds out.
func TestBuildWithinIsBuildOfTheRightSize(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	values := make([]float64, 67_584) // twice: the prediction is as long
	for i := range values {
		values[i] = random.NormFloat64()
	}
	for _, c := range []struct {
		keep Within
		size int // of the same reference
	}{
		{Within{All: 2 * 67_584, Each: 500}, math.MaxInt32},
		{Within{All: 2*67_584 - 1, Each: 500}, 500}, // found out with the last row
		{Within{All: 100_000, Each: 66_000}, 66_000},
		{Within{All: 0, Each: 500}, 500},
	} {
		want := build(t, values, c.size)
		got, err := BuildWithin(Fixed, rowsOf(values), c.keep, limits)
		if err != nil {
			t.Fatal(err)
		}
		if c.keep.All/3 < minEdgeSample && c.size == 500 && c.keep.All > 0 {
			// Three features share what may be kept, so the edges are told by less.
			if f := got.Feature("x"); f.Counted != 67_584 || len(f.Sample) != 500 || f.Complete {
				t.Errorf("%+v: counted %d, sampled %d", c.keep, f.Counted, len(f.Sample))
			}
			continue
		}
		if got.ID != want.ID {
			t.Errorf("%+v: the reference is not that of size %d", c.keep, c.size)
		}
	}
}

// A window counted within a bound has the counts of all rows, and a sample that
// is everything or as small as was asked for.
func TestCountWithinCountsEverything(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	values := make([]float64, 5000)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	grid := build(t, values[:2000], 1000).Grid()
	sorted := slices.Sorted(slices.Values(values))
	for _, c := range []struct {
		keep    Within
		sampled int
	}{{Within{All: 10_000, Each: 100}, 5000}, {Within{All: 3000, Each: 100}, 100}, {Within{All: 0, Each: 100}, 100}} {
		w, err := CountWithin(rowsOf(values), grid, c.keep, limits)
		if err != nil {
			t.Fatal(err)
		}
		x := w.Feature("x")
		var binned uint64
		for _, n := range x.Bins {
			binned += n
		}
		if w.Events != 5000 || x.Moments.Count != 5000 || binned != 5000 || x.Sample.Len() != c.sampled {
			t.Errorf("%+v: %d events, %d values, %d in bins, %d sampled", c.keep, w.Events, x.Moments.Count, binned, x.Sample.Len())
		}
		if c.sampled == 5000 && !slices.Equal(x.Sample.Sorted(), sorted) {
			t.Errorf("%+v: the sample is not every value", c.keep)
		}
	}
}
