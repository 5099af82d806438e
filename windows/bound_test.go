package windows

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A pane that is bounded on the way ends with the samples of one that was small
// from the start, and one that never had too many keeps everything.
func TestABoundedPaneKeepsTheSampleOfASmallOne(t *testing.T) {
	const size = 50
	limits := Limits{Features: 10, Categories: 10}
	all := Interval{Start: Unset, End: Forever}
	for _, c := range []struct {
		values  int
		every   uint64
		bounded bool
	}{{10_000, 1, false}, {2000, 1, false}, {1999, 1, true}, {300, 7, true}, {0, 100, true}, {300, 900, true}} {
		random := rand.New(rand.NewPCG(1, 2))
		bounded := NewPane(PaneKey{}, all, nil, 1_000_000, limits)
		small := NewPane(PaneKey{}, all, nil, size, limits)
		whole := NewPane(PaneKey{}, all, nil, 1_000_000, limits)
		for n := range uint64(1000) {
			number := func(name string) Field {
				return Field{Name: []byte(name), Value: Value{Kind: Number, Number: random.NormFloat64()}}
			}
			// The second feature comes when the pane may be bounded already.
			o := Observation{HasFeatures: true, Features: []Field{number("a")}}
			if n >= 500 {
				o.Features = append(o.Features, number("b"), number("c"))
			}
			for _, p := range []*Pane{bounded, small, whole} {
				p.Count(&o, RowHash(n))
			}
			if (n+1)%c.every == 0 {
				bounded.Bound(c.values, size)
			}
		}
		got := bounded.Bound(c.values, size)
		want := whole
		if c.bounded {
			want = small
		}
		if got != c.bounded {
			t.Errorf("%+v: bounded is %v", c, got)
		}
		for i, f := range bounded.Features {
			if !slices.Equal(f.Sample.Sorted(), want.Features[i].Sample.Sorted()) || f.Moments != want.Features[i].Moments {
				t.Errorf("%+v: feature %s keeps %d values, want %d", c, f.Name, f.Sample.Len(), want.Features[i].Sample.Len())
			}
		}
	}
}
