package evidence

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// slowShares spreads the mass between each two quantiles by itself: a range gives
// each bin what overlaps with it, and what has no width goes where it ends.
func slowShares(p, quantiles []float64, lo, hi float64, bins int) shares {
	out := shares{bins: make([]float64, bins)}
	width := (hi - lo) / float64(bins)
	put := func(v, mass float64) {
		switch at := int(math.Ceil((v-lo)/width)) - 1; {
		case v <= lo && quantiles[0] < lo:
			out.below += mass
		case v > hi:
			out.above += mass
		default:
			out.bins[min(max(at, 0), bins-1)] += mass
		}
	}
	put(quantiles[0], p[0])
	for i := 1; i < len(p); i++ {
		from, to, mass := quantiles[i-1], quantiles[i], p[i]-p[i-1]
		if from == to {
			put(to, mass)
			continue
		}
		overlap := func(a, b float64) float64 { return max(min(b, to)-max(a, from), 0) / (to - from) * mass }
		out.below += overlap(math.Inf(-1), lo)
		out.above += overlap(hi, math.Inf(1))
		for b := range bins {
			out.bins[b] += overlap(lo+float64(b)*width, lo+float64(b+1)*width)
		}
	}
	return out
}

// Whatever the quantiles: the bars and what lies outside them add up to all
// values, and each bar is what the slow way gives it.
func TestSharesAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 28))
	for round := range 2000 {
		points := reference.QuantilePoints()
		quantiles := make([]float64, len(points))
		for i := range quantiles {
			switch quantiles[i] = random.NormFloat64() * math.Exp(3*random.NormFloat64()); round % 3 {
			case 1:
				quantiles[i] = math.Round(quantiles[i]) // ties
			case 2:
				quantiles[i] = float64(random.IntN(3))
			}
		}
		slices.Sort(quantiles)
		lo, hi := quantiles[random.IntN(8)], quantiles[len(quantiles)-1-random.IntN(8)]
		if lo >= hi {
			lo, hi = lo-1, lo+1
		}
		// Edges that no value lies on: there, one float64 more or less decides.
		lo, hi = lo-0.137, hi+0.0719
		got := sharesIn(points, quantiles, spread{lo: lo, hi: hi}, histogramBins)
		want := slowShares(points, quantiles, lo, hi, histogramBins)
		sum := got.below + got.above
		for i, share := range got.bins {
			sum += share
			if share < 0 || math.Abs(share-want.bins[i]) > 1e-9 {
				t.Fatalf("round %d: bar %d is %g, want %g, of %v from %g to %g", round, i, share, want.bins[i], quantiles, lo, hi)
			}
		}
		if math.Abs(sum-1) > 1e-9 || math.Abs(got.below-want.below) > 1e-9 || math.Abs(got.above-want.above) > 1e-9 {
			t.Fatalf("round %d: the shares add up to %g, %g below and %g above, want %g and %g", round, sum, got.below, got.above, want.below, want.above)
		}
	}
}

// The bars' areas are the shares: as high as the axis says, none beyond the plot.
func TestHistogramIsDrawnToScale(t *testing.T) {
	f := numericFeature(0.137, true)
	h, s := newHistogram(f), spreadOf(f)
	want := sharesIn(f.Quantiles.P, f.Quantiles.Current, s, histogramBins)
	// The axis: two ticks give its scale.
	a, b := h.TicksY[0], h.TicksY[len(h.TicksY)-1]
	value := func(label string) float64 {
		var x float64
		for _, d := range strings.TrimSuffix(label, " %") {
			x = 10*x + float64(d-'0')
		}
		return x / 100
	}
	perShare := (a.At - b.At) / (value(b.Label) - value(a.Label))
	for i, bar := range h.Bars {
		if math.Abs(bar.H/perShare-want.bins[i]) > 0.001 {
			t.Errorf("bar %d shows %.4f, its share is %.4f", i, bar.H/perShare, want.bins[i])
		}
		if bar.X < h.Left || bar.X+bar.W > h.Right || bar.Y < h.Top || bar.Y+bar.H > h.Bottom+0.1 {
			t.Errorf("bar %d lies outside the plot: %+v", i, bar)
		}
	}
	if !s.clipped || !strings.Contains(h.Outside, "to its right 2.2 % of the reference") {
		t.Errorf("amounts have a tail that is cut off, of which the picture says %q", h.Outside)
	}
	if !strings.Contains(h.Alt, h.Outside) || !strings.Contains(h.Alt, "The highest bar of the reference") {
		t.Errorf("in words it is %q", h.Alt)
	}
}

// What cannot be drawn is not, and what is at the ends of the numbers is.
func TestPicturesOfOddQuantiles(t *testing.T) {
	points := []float64{0, 0.25, 0.5, 0.75, 1}
	for name, c := range map[string]struct {
		q                 *drift.Quantiles
		histogram, shifts bool
	}{
		"none":            {q: nil},
		"lengths differ":  {q: &drift.Quantiles{P: points, Reference: []float64{1, 2}, Current: []float64{1, 2, 3, 4, 5}}},
		"out of order":    {q: &drift.Quantiles{P: points, Reference: []float64{5, 4, 3, 2, 1}, Current: []float64{1, 2, 3, 4, 5}}},
		"not numbers":     {q: &drift.Quantiles{P: points, Reference: []float64{1, 2, 3, 4, math.NaN()}, Current: []float64{1, 2, 3, 4, 5}}},
		"one value":       {q: &drift.Quantiles{P: points, Reference: []float64{7, 7, 7, 7, 7}, Current: []float64{7, 7, 7, 7, 7}}, histogram: true, shifts: true},
		"all the numbers": {q: &drift.Quantiles{P: points, Reference: []float64{-math.MaxFloat64, -1, 0, 1, math.MaxFloat64}, Current: []float64{-math.MaxFloat64, -1, 0, 1, math.MaxFloat64}}, histogram: true, shifts: true},
		"the two ends":    {q: &drift.Quantiles{P: points, Reference: []float64{-math.MaxFloat64, -math.MaxFloat64, 0, 1, 2}, Current: []float64{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64, math.MaxFloat64, math.MaxFloat64}}, histogram: true},
	} {
		f := &drift.Feature{Test: "ks", Statistic: ptr(0.1), Quantiles: c.q}
		h, s := newHistogram(f), newShifts(c.q)
		if (h != nil) != c.histogram || (s != nil) != c.shifts {
			t.Errorf("%s: a histogram: %t, shifts: %t", name, h != nil, s != nil)
		}
		if h != nil && strings.Contains(h.Reference, "NaN") || s != nil && strings.Contains(s.Area, "NaN") {
			t.Errorf("%s: a place in the picture is no number", name)
		}
	}
}

func TestShiftsSayHowFar(t *testing.T) {
	f := numericFeature(0.1, true)
	for i := range f.Quantiles.Current {
		f.Quantiles.Reference[i] = float64(i * i)
		f.Quantiles.Current[i] = f.Quantiles.Reference[i] + 10
	}
	s := newShifts(f.Quantiles)
	if want := "How far each quantile moved from the reference: all by +10."; s.Alt != want {
		t.Errorf("all values moved by 10: %q", s.Alt)
	}
	f.Quantiles.Current[16] += 5
	if s, want := newShifts(f.Quantiles), "How far each quantile moved from the reference: least +10 at 3.125 %, most +15 at 50 %."; s.Alt != want {
		t.Errorf("the median moved by 15: %q", s.Alt)
	}
	ys := make(map[string]bool)
	for point := range strings.FieldsSeq(s.Line) {
		_, y, _ := strings.Cut(point, ",")
		ys[y] = true
	}
	if len(ys) != 1 {
		t.Errorf("the line is not level: %s", s.Line)
	}
}

// The shares of missing values stand in the strip as high as they are, and in
// words; of a feature that never lacks a value there is none.
func TestMissingOverTime(t *testing.T) {
	h := NewHistory(Limits{})
	for hour, missing := range []uint64{0, 10, 500, 250} {
		f, whole := numericFeature(0.02, false), numericFeature(0.02, false)
		f.N, f.Missing, whole.Missing = 1000-missing, missing, 0
		add(t, h, storyVerdict("fraud", "3", hour, map[string]*drift.Feature{"amount": f, "whole": whole}))
	}
	id := alerts.Version{Model: "fraud", Version: "3"}
	v, _ := h.one(id)
	p := newPeriod(&v, v.last(), "", "")
	drawn := missingTrend(&v, &p, "amount", v.last())
	var heights []float64
	for _, c := range drawn.Strip.Columns {
		heights = append(heights, c.H)
	}
	if want := []float64{1, 2, 48, 24}; !slices.Equal(heights, want) || drawn.Top != "50.0 %" {
		t.Errorf("columns of %v below %s, want %v below 50.0 %%", heights, drawn.Top, want)
	}
	if want := "The largest share of missing values is 50.0 %, in the window 2026-03-02 02:00 – 03:00 UTC. In this window it is 25.0 %."; drawn.Strip.Alt != want {
		t.Errorf("in words: %q", drawn.Strip.Alt)
	}
	if missingTrend(&v, &p, "whole", v.last()) != nil {
		t.Error("a feature that never lacks a value has a strip of what is missing")
	}
	page := get(t, NewHandler(h, discard(), nil), alerts.FeaturePath(id, storyStart.Add(2*time.Hour), "amount"))
	if !strings.Contains(page.Body.String(), "Missing values") {
		t.Error("the page does not show it")
	}
}
