package evidence

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// curves are both distribution functions of a numeric feature, drawn through
// the quantiles of its verdict.
type curves struct {
	Width, Height            float64
	Left, Right, Top, Bottom float64 // edges of the plot
	Notch                    float64 // lower end of the marks below the plot
	Reference, Current       string  // points of the polylines
	TicksX, TicksY           []tick
	// Gap marks where D is; nil without a location.
	Gap *gap
	// Clipped says that the tails lie outside the plot.
	Clipped bool
	Alt     string
}

// A tick is a mark on an axis.
type tick struct {
	At    float64
	Label string
}

// A gap is the vertical line between the curves at D's location.
type gap struct {
	X, Y1, Y2      float64
	LabelX, LabelY float64
	Anchor         string // text-anchor of the label
	Label          string
}

// newCurves lays the curves out. It returns nil where the verdict has no
// quantiles that could be drawn: different lengths, fewer than two, or not in
// order.
func newCurves(f *drift.Feature) *curves {
	q := f.Quantiles
	if !drawable(q) {
		return nil
	}
	c := &curves{Width: 640, Height: 330, Left: 76, Right: 624, Top: 14, Bottom: 290, Notch: 295}
	location, located := finite(f.Location)
	shown := spreadOf(f)
	lo, hi := shown.lo, shown.hi
	c.Clipped = shown.clipped
	x := func(v float64) float64 { return c.Left + (c.Right-c.Left)*fraction(v, lo, hi) }
	y := func(p float64) float64 { return c.Bottom - (c.Bottom-c.Top)*p }
	c.Reference = polyline(q.P, q.Reference, shown, x, y)
	c.Current = polyline(q.P, q.Current, shown, x, y)
	for _, v := range ticks(lo, hi) {
		c.TicksX = append(c.TicksX, tick{At: round(x(v.At)), Label: v.Label})
	}
	for _, p := range []float64{0, 0.25, 0.5, 0.75, 1} {
		c.TicksY = append(c.TicksY, tick{At: round(y(p)), Label: strconv.Itoa(int(100*p)) + " %"})
	}
	if located && f.Test == "ks" && f.Statistic != nil {
		c.mark(q, location, x, y, "D = "+statistic(f.Statistic))
	}
	c.Alt = curvesAlt(f, q, location, located)
	return c
}

// mark puts D's line between the curves.
func (c *curves) mark(q *drift.Quantiles, location float64, x, y func(float64) float64, label string) {
	a, b := y(distribution(q.P, q.Reference, location)), y(distribution(q.P, q.Current, location))
	g := &gap{X: round(x(location)), Y1: round(min(a, b)), Y2: round(max(a, b)), Label: label, Anchor: "start"}
	g.LabelX, g.LabelY = g.X+10, round((a+b)/2+5)
	if g.X > (c.Left+c.Right)/2 {
		g.LabelX, g.Anchor = g.X-10, "end"
	}
	c.Gap = g
}

// distribution is the share of values up to v, linear between quantiles.
func distribution(p, quantiles []float64, v float64) float64 {
	// after is the first quantile beyond v.
	after, _ := slices.BinarySearchFunc(quantiles, v, func(q, v float64) int {
		if q <= v {
			return -1
		}
		return 1
	})
	switch after {
	case 0:
		return 0
	case len(quantiles):
		return 1
	}
	below, above := quantiles[after-1], quantiles[after]
	return p[after-1] + fraction(v, below, above)*(p[after]-p[after-1])
}

// fraction is how far v is on the way from lo to hi, which is beyond it; from 0
// to 1. The way may be longer than the largest float64.
func fraction(v, lo, hi float64) float64 {
	way, gone := hi-lo, v-lo
	if math.IsInf(way, 0) {
		way, gone = hi/2-lo/2, v/2-lo/2
	}
	return min(max(gone/way, 0), 1)
}

// polyline draws a distribution function over a range.
func polyline(p, quantiles []float64, s spread, x, y func(float64) float64) string {
	var b strings.Builder
	eachPoint(p, quantiles, s, func(v, share float64) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(coordinate(x(v)) + "," + coordinate(y(share)))
	})
	return b.String()
}

// eachPoint visits the corners of a distribution function over a range, from left
// to right: a value, and the share of values up to it.
func eachPoint(p, quantiles []float64, s spread, visit func(v, share float64)) {
	last := len(quantiles) - 1
	if quantiles[0] >= s.lo {
		visit(s.lo, 0)
		visit(quantiles[0], 0)
	} else {
		visit(s.lo, distribution(p, quantiles, s.lo))
	}
	for i, q := range quantiles {
		if s.lo <= q && q <= s.hi {
			visit(q, p[i])
		}
	}
	if quantiles[last] <= s.hi {
		visit(quantiles[last], 1)
		visit(s.hi, 1)
	} else {
		visit(s.hi, distribution(p, quantiles, s.hi))
	}
}

// ticks are four to six round numbers within a range.
func ticks(lo, hi float64) []tick {
	width := hi - lo
	if math.IsInf(width, 0) || width <= 0 || width < math.Abs(lo)*1e-12 {
		return []tick{{At: lo, Label: decimal(lo, 6)}, {At: hi, Label: decimal(hi, 6)}}
	}
	step := math.Pow(10, math.Floor(math.Log10(width/4)))
	switch rough := width / 4 / step; {
	case rough >= 5:
		step *= 5
	case rough >= 2:
		step *= 2
	}
	if step == 0 || math.IsInf(step, 0) {
		return []tick{{At: lo, Label: decimal(lo, 6)}, {At: hi, Label: decimal(hi, 6)}}
	}
	digits := 2 + int(math.Ceil(math.Log10(max(math.Abs(lo), math.Abs(hi), step)/step)))
	var out []tick
	// Adding 0 makes 0 of −0.
	for i := math.Ceil(lo/step) + 0; i*step <= hi && len(out) < 10; i++ {
		out = append(out, tick{At: i * step, Label: decimal(i*step, min(max(digits, 1), 15))})
	}
	return out
}

func curvesAlt(f *drift.Feature, q *drift.Quantiles, location float64, located bool) string {
	median := func(quantiles []float64) string { return decimal(quantiles[len(quantiles)/2], 4) }
	alt := fmt.Sprintf("Two cumulative distribution curves. The middle quantile is %s in the reference and %s in the window.", median(q.Reference), median(q.Current))
	if located && f.Statistic != nil {
		alt += fmt.Sprintf(" They are furthest apart at %s, by %s.", decimal(location, 6), statistic(f.Statistic))
	}
	return alt
}

func coordinate(x float64) string { return strconv.FormatFloat(round(x), 'f', -1, 64) }

// round keeps coordinates to a tenth of a unit.
func round(x float64) float64 { return math.Round(10*x) / 10 }
