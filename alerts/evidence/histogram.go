package evidence

import (
	"fmt"
	"strings"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// histogramBins is how many bars of equal width a histogram has: fewer than the
// quantiles it is drawn from, so that most bars rest on more than one.
const histogramBins = 24

// A histogram shows which share of the values lies in each of the bars, on both
// sides.
type histogram struct {
	Width, Height            float64
	Left, Right, Top, Bottom float64 // edges of the plot
	Notch                    float64 // lower end of the marks below the plot
	Reference                string  // the outline, down to the axis at both ends
	Bars                     []histogramBar
	TicksX, TicksY           []tick
	// Outside says what lies beyond the picture; "" where nothing does.
	Outside string
	Alt     string
}

// A histogramBar is this window's share of the values between From and To.
type histogramBar struct {
	X, Y, W, H float64
	Title      string
}

// shares are those of one side: in each bin, and outside the bins.
type shares struct {
	bins         []float64
	below, above float64
}

// sharesIn spreads a distribution over bins of equal width. Its quantiles are all
// that is known: between two of them values are taken to lie evenly, and where
// several are equal so much of the mass is one value, which counts in one bin: the
// one that it ends, or lies in. Bins, below and above add up to one.
func sharesIn(p, quantiles []float64, s spread, bins int) shares {
	out := shares{bins: make([]float64, bins)}
	last := len(quantiles) - 1
	// What is at the lowest edge belongs to the first bin, unless the edge cuts
	// values off.
	if quantiles[0] < s.lo {
		out.below = distribution(p, quantiles, s.lo)
	}
	before := out.below
	for i := range out.bins {
		upTo := distribution(p, quantiles, s.at(float64(i+1)/float64(bins)))
		if i == bins-1 && quantiles[last] <= s.hi {
			upTo = 1
		}
		out.bins[i] = max(upTo-before, 0)
		before = max(before, upTo)
	}
	out.above = max(1-before, 0)
	return out
}

// newHistogram lays the histograms of both sides out over a range of values; nil
// where there are no quantiles that could be drawn.
func newHistogram(f *drift.Feature) *histogram {
	q := f.Quantiles
	if !drawable(q) {
		return nil
	}
	s := spreadOf(f)
	reference, current := sharesIn(q.P, q.Reference, s, histogramBins), sharesIn(q.P, q.Current, s, histogramBins)
	h := &histogram{Width: 640, Height: 330, Left: 76, Right: 624, Top: 14, Bottom: 290, Notch: 295}
	most := 0.0
	for i := range histogramBins {
		most = max(most, reference.bins[i], current.bins[i])
	}
	if most <= 0 {
		return nil
	}
	top := most * 1.05
	x := func(i int) float64 { return h.Left + (h.Right-h.Left)*float64(i)/histogramBins }
	y := func(share float64) float64 { return h.Bottom - (h.Bottom-h.Top)*share/top }
	var outline strings.Builder
	outline.WriteString(coordinate(h.Left) + "," + coordinate(h.Bottom))
	for i := range histogramBins {
		at := coordinate(y(reference.bins[i]))
		outline.WriteString(" " + coordinate(x(i)) + "," + at + " " + coordinate(x(i+1)) + "," + at)
		bar := histogramBar{X: round(x(i) + 1), W: round(x(i+1) - x(i) - 2), Y: round(y(current.bins[i]))}
		bar.H = round(h.Bottom - bar.Y)
		bar.Title = fmt.Sprintf("%s to %s: reference %s, window %s", decimal(s.at(float64(i)/histogramBins), 4),
			decimal(s.at(float64(i+1)/histogramBins), 4), percent(reference.bins[i], 1), percent(current.bins[i], 1))
		h.Bars = append(h.Bars, bar)
	}
	outline.WriteString(" " + coordinate(h.Right) + "," + coordinate(h.Bottom))
	h.Reference = outline.String()
	along := func(v float64) float64 { return h.Left + (h.Right-h.Left)*fraction(v, s.lo, s.hi) }
	for _, t := range ticks(s.lo, s.hi) {
		h.TicksX = append(h.TicksX, tick{At: round(along(t.At)), Label: t.Label})
	}
	for _, t := range ticks(0, 100*top) {
		h.TicksY = append(h.TicksY, tick{At: round(y(t.At / 100)), Label: t.Label + " %"})
	}
	h.Outside = outside(reference, current)
	h.Alt = histogramAlt(s, reference, current)
	if h.Outside != "" {
		h.Alt += " " + h.Outside
	}
	return h
}

// outside says which shares lie beyond the picture.
func outside(reference, current shares) string {
	var parts []string
	for _, end := range []struct {
		side               string
		reference, current float64
	}{{"left", reference.below, current.below}, {"right", reference.above, current.above}} {
		// What rounding leaves is nothing.
		if end.reference > 1e-9 || end.current > 1e-9 {
			parts = append(parts, fmt.Sprintf("to its %s %s of the reference and %s of this window", end.side, percent(end.reference, 1), percent(end.current, 1)))
		}
	}
	if parts == nil {
		return ""
	}
	return "Outside the picture lie " + strings.Join(parts, ", ") + "."
}

// histogramAlt says where most values lie, and where the shares changed most.
func histogramAlt(s spread, reference, current shares) string {
	between := func(i int) string {
		return fmt.Sprintf("%s and %s", decimal(s.at(float64(i)/histogramBins), 4), decimal(s.at(float64(i+1)/histogramBins), 4))
	}
	highest := func(bins []float64) int {
		best := 0
		for i, share := range bins {
			if share > bins[best] {
				best = i
			}
		}
		return best
	}
	changes := make([]float64, histogramBins)
	for i := range changes {
		changes[i] = max(current.bins[i]-reference.bins[i], reference.bins[i]-current.bins[i])
	}
	r, c, most := highest(reference.bins), highest(current.bins), highest(changes)
	return fmt.Sprintf("Two histograms. The highest bar of the reference is %s of its values between %s, of the window %s between %s. The shares differ most between %s: %s in the reference, %s in the window.",
		percent(reference.bins[r], 1), between(r), percent(current.bins[c], 1), between(c),
		between(most), percent(reference.bins[most], 1), percent(current.bins[most], 1))
}
