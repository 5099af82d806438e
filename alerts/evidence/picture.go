package evidence

import (
	"bytes"
	"fmt"
	"image/color"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// The picture of a feature is for where a page cannot be shown: a chat's preview of
// a link, which is small, so that what it says is large.
const (
	pictureWidth, pictureHeight = 1200, 630 // pixels, and the units of what is drawn
	pictureMargin               = 40
	pictureCategories           = 8
	// mostPictures are drawn at a time: each keeps a processor busy and takes some
	// megabytes.
	mostPictures = 2
)

// The colours are those of the style sheet in the light.
var (
	paperColour     = color.NRGBA{0xfb, 0xfa, 0xf7, 0xff}
	inkColour       = color.NRGBA{0x1b, 0x1d, 0x21, 0xff}
	faintColour     = color.NRGBA{0x5d, 0x62, 0x6b, 0xff}
	lineColour      = color.NRGBA{0xde, 0xdb, 0xd3, 0xff}
	referenceColour = color.NRGBA{0x5c, 0x6f, 0x86, 0xff}
	currentColour   = color.NRGBA{0xc2, 0x53, 0x0f, 0xff}
)

// plotPicture answers with the picture of a feature in a window, as PNG. What is not
// there is answered as on the pages.
func (s *server) plotPicture(w http.ResponseWriter, r *http.Request) {
	v, selected, verdict, f, ok := s.findFeature(w, r)
	if !ok {
		return
	}
	select {
	case s.drawing <- struct{}{}:
		defer func() { <-s.drawing }()
	case <-r.Context().Done():
		return
	}
	name := r.URL.Query().Get("feature")
	data, err := picture{
		title: visible(name) + " · " + v.title(),
		found: foundWords(f),
		about: aboutWords(span(selected.start, selected.end), verdict.Reference),
	}.draw(f)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "image/png")
	// A closed window's verdict does not change; which is the newest does.
	header.Set("Cache-Control", "max-age=60")
	if r.URL.Query().Get("window") != "" {
		header.Set("Cache-Control", "max-age=86400")
	}
	s.write(w, r, http.StatusOK, data)
}

// foundWords are the verdict and the numbers of the test in a line.
func foundWords(f *drift.Feature) string {
	words := verdictWords(f)
	if f.Test == "" || f.Statistic == nil {
		return words
	}
	switch f.Test {
	case "ks":
		words += fmt.Sprintf(": %s D = %s", testName(f.Test), statistic(f.Statistic))
	case "chi2":
		words += fmt.Sprintf(": χ² = %s, Cramér’s V = %s", chiSquare(f.Statistic), statistic(f.Effect))
	default:
		words += fmt.Sprintf(": %s = %s", testName(f.Test), statistic(f.Statistic))
	}
	if f.Adjusted != nil {
		p := probability(f.Adjusted, nil)
		if !strings.HasPrefix(p, "<") {
			p = "= " + p
		}
		words += ", adjusted p " + p
	}
	return words
}

// aboutWords name the window and what it is compared with.
func aboutWords(window string, reference *drift.Reference) string {
	if reference == nil {
		return window
	}
	return window + " against a reference of " + count(reference.Rows) + " rows"
}

// A picture is a headline and a plot below it.
type picture struct{ title, found, about string }

// style is a text of the picture.
func style(size vg.Length, c color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler, YAlign: draw.YTop}
}

// fit shortens a text to a width. Of what the font has no glyph for it makes spaces
// that print alike: no-break and narrow ones.
func fit(s text.Style, words string, width vg.Length) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, words))
	if s.Width(string(runes)) <= width {
		return string(runes)
	}
	// The longest beginning that fits with its ellipsis.
	low, high := 0, len(runes)-1
	for low < high {
		middle := (low + high + 1) / 2
		if s.Width(string(runes[:middle])+"…") <= width {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return string(runes[:low]) + "…"
}

// draw makes the PNG.
func (p picture) draw(f *drift.Feature) ([]byte, error) {
	canvas := vgimg.NewWith(vgimg.UseWH(pictureWidth, pictureHeight), vgimg.UseDPI(72), vgimg.UseBackgroundColor(paperColour))
	whole := draw.New(canvas)
	top := vg.Length(pictureHeight - 30)
	for _, line := range []struct {
		words string
		style text.Style
		below vg.Length
	}{
		{p.title, style(44, inkColour, true), 58}, {p.found, style(30, currentColour, true), 42}, {p.about, style(24, faintColour, false), 44},
	} {
		if line.style.Color == currentColour && !f.Drifted {
			line.style.Color = faintColour
		}
		whole.FillText(line.style, vg.Point{X: pictureMargin, Y: top}, fit(line.style, line.words, pictureWidth-2*pictureMargin))
		top -= line.below
	}
	// Crop takes how far the edges move: to the right and up are positive.
	area := draw.Crop(whole, pictureMargin, -pictureMargin, 24, top-pictureHeight)
	var err error
	switch {
	case drawable(f.Quantiles):
		drawCurves(area, f)
	case f.Type == windows.Categorical && f.Counts != nil:
		err = drawCategories(area, f.Counts)
	default:
		words := style(30, faintColour, false)
		words.XAlign, words.YAlign = draw.XCenter, draw.YCenter
		whole.FillText(words, area.Center(), "The verdict carries no distribution of it to draw.")
	}
	if err != nil {
		return nil, fmt.Errorf("drawing a feature: %w", err)
	}
	var out bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&out); err != nil {
		return nil, fmt.Errorf("writing a picture: %w", err)
	}
	return out.Bytes(), nil
}

// newPlot is a plot in the picture's style, from 0 to 1 along x: places are worked
// out here, since a plot cannot hold the widest ranges of float64.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = paperColour
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = lineColour, lineColour
		axis.Tick.Label = text.Style{Color: faintColour, Font: style(22, nil, false).Font, Handler: plot.DefaultTextHandler}
		axis.Padding = 0
	}
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XCenter, draw.YTop
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	p.Legend.TextStyle = text.Style{Color: inkColour, Font: style(24, nil, false).Font, Handler: plot.DefaultTextHandler}
	p.Legend.ThumbnailWidth, p.Legend.Padding = 60, 6
	p.Legend.XOffs = -10
	return p
}

// level are the lines behind a plot.
func level() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color, g.Horizontal.Width = nil, lineColour, 1
	return g
}

func drawCurves(area draw.Canvas, f *drift.Feature) {
	q, s := f.Quantiles, spreadOf(f)
	p := newPlot()
	p.Legend.YOffs = 20
	along := func(v float64) float64 { return fraction(v, s.lo, s.hi) }
	var marks []plot.Tick
	for _, t := range ticks(s.lo, s.hi) {
		marks = append(marks, plot.Tick{Value: along(t.At), Label: t.Label})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(marks), plot.ConstantTicks(shareTicks(1))
	p.Add(level())
	for _, side := range []struct {
		name      string
		quantiles []float64
		colour    color.Color
		dashes    []vg.Length
	}{{"reference", q.Reference, referenceColour, []vg.Length{14, 9}}, {"this window", q.Current, currentColour, nil}} {
		var points plotter.XYs
		eachPoint(q.P, side.quantiles, s, func(v, share float64) { points = append(points, plotter.XY{X: along(v), Y: share}) })
		line := &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: side.colour, Width: 5, Dashes: side.dashes}}
		p.Add(line)
		p.Legend.Add(side.name, line)
	}
	if at, ok := finite(f.Location); ok && f.Test == "ks" && f.Statistic != nil {
		a, b := distribution(q.P, q.Reference, at), distribution(q.P, q.Current, at)
		p.Add(gapMark{x: along(at), low: min(a, b), high: max(a, b), words: "D = " + statistic(f.Statistic)})
	}
	p.Draw(area)
}

// A gapMark is the line between the curves where they differ most, and its length
// in words beside it, on a ground that keeps them off the curves.
type gapMark struct {
	x, low, high float64
	words        string
}

// Plot implements plot.Plotter.
func (g gapMark) Plot(c draw.Canvas, p *plot.Plot) {
	xs, ys := p.Transforms(&c)
	x, low, high := xs(g.x), ys(g.low), ys(g.high)
	words := style(28, inkColour, true)
	width := words.Width(g.words)
	left := x + 16
	if g.x > 0.5 {
		left = x - 16 - width
	}
	middle := (low + high) / 2
	c.FillPolygon(paperColour, []vg.Point{{X: left - 4, Y: middle - 17}, {X: left + width + 4, Y: middle - 17}, {X: left + width + 4, Y: middle + 17}, {X: left - 4, Y: middle + 17}})
	c.StrokeLine2(draw.LineStyle{Color: inkColour, Width: 4}, x, low, x, high)
	for _, y := range []vg.Length{low, high} {
		c.DrawGlyph(draw.GlyphStyle{Color: inkColour, Radius: 7, Shape: draw.CircleGlyph{}}, vg.Point{X: x, Y: y})
	}
	words.YAlign = draw.YCenter
	c.FillText(words, vg.Point{X: left, Y: middle}, g.words)
}

// drawCategories draws the categories whose shares changed most as pairs of bars.
func drawCategories(area draw.Canvas, counts *drift.Counts) error {
	rows, _ := categoryRows(counts)
	if len(rows) == 0 {
		return nil
	}
	rows = rows[:min(len(rows), pictureCategories)]
	p := newPlot()
	n := float64(len(rows))
	p.X.Min, p.X.Max = -0.5, n-0.5
	room := area.Max.X - area.Min.X
	width := min(room/vg.Length(3.4*n), 90)
	var reference, current plotter.Values
	var marks []plot.Tick
	top := 0.0
	for i, row := range rows {
		reference, current = append(reference, row.ReferenceShare), append(current, row.CurrentShare)
		top = max(top, row.ReferenceShare, row.CurrentShare)
		marks = append(marks, plot.Tick{Value: float64(i), Label: fit(p.X.Tick.Label, visible(row.Name), 0.8*room/vg.Length(n))})
	}
	p.X.Tick.Marker, p.Y.Max, p.X.Tick.LineStyle.Width = plot.ConstantTicks(marks), max(top*1.25, 0.01), 0
	p.Y.Tick.Marker = plot.ConstantTicks(shareTicks(p.Y.Max))
	p.Legend.Top, p.Legend.YOffs = true, -6
	p.Add(level())
	for _, side := range []struct {
		name   string
		values plotter.Values
		colour color.Color
		offset vg.Length
	}{{"reference", reference, referenceColour, -width / 2}, {"this window", current, currentColour, width / 2}} {
		bars, err := plotter.NewBarChart(side.values, width)
		if err != nil {
			return err
		}
		bars.Color, bars.Offset, bars.LineStyle.Width = side.colour, side.offset, 0
		p.Add(bars)
		p.Legend.Add(side.name, bars)
	}
	p.Draw(area)
	return nil
}

// shareTicks are marks of shares, up to one.
func shareTicks(top float64) []plot.Tick {
	var marks []plot.Tick
	if top == 1 {
		for _, share := range []float64{0, 0.25, 0.5, 0.75, 1} {
			marks = append(marks, plot.Tick{Value: share, Label: strconv.Itoa(int(100*share)) + " %"})
		}
		return marks
	}
	for _, t := range ticks(0, 100*top) {
		marks = append(marks, plot.Tick{Value: t.At / 100, Label: t.Label + " %"})
	}
	return marks
}
