package reference

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
)

// windowOf is a window of rows, counted on a grid if there is one. hour is when.
func windowOf(t *testing.T, rows []windows.Observation, grid *windows.Grid, hour, sample int) *windows.Window {
	t.Helper()
	interval := windows.Interval{Start: windows.Timestamp(hour * 3600_000), End: windows.Timestamp((hour + 1) * 3600_000)}
	pane := windows.NewPane(windows.PaneKey{}, interval, grid, sample, limits)
	for i := range rows {
		pane.Count(&rows[i], windows.RowHash(uint64(hour*1_000_000+i)))
	}
	return windows.Merge(interval, []windows.Part{{Pane: pane}})
}

func summaryOf(w *windows.Window, size int) *Reference {
	return Summarise(w, Origin{Model: "m", Version: "1", Start: w.Interval.Start, End: w.Interval.End}, size)
}

// hours are rows for windows of different sizes, whose values move.
func hours(r *rand.Rand, count int) [][]windows.Observation {
	all := make([][]windows.Observation, count)
	for h := range all {
		values := make([]float64, 1+r.IntN(700))
		for i := range values {
			values[i] = math.Round(100*(r.NormFloat64()+float64(h)/10)) / 100
		}
		all[h] = rowsOf(values).rows
	}
	return all
}

// Merged summaries on one grid hold the counts, categories and moments of all
// rows, as counting them one after the other gives them.
func TestMergingCountsEveryRow(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		all := hours(r, 1+r.IntN(8))
		grid := build(t, []float64{-1, -0.5, 0, 0, 0.5, 1, 2, 3}, 100).Grid()
		var summaries []*Reference
		var values []float64
		categories := make(map[string]uint64)
		for h, rows := range all {
			summaries = append(summaries, summaryOf(windowOf(t, rows, grid, h, 100), 40))
			for _, o := range rows {
				values = append(values, o.Features[0].Value.Number)
				categories[string(o.Features[1].Value.Text)]++
			}
		}
		merged := Merge(Rolling, summaries, 300)
		x := merged.Feature("x")
		want := make([]uint64, len(x.Edges)+1)
		for _, v := range values {
			bin := 0
			for bin < len(x.Edges) && v > x.Edges[bin] {
				bin++
			}
			want[bin]++
		}
		n := uint64(len(values))
		if !slices.Equal(x.Edges, grid.Feature("x").Edges) || !slices.Equal(x.Counts, want) || x.Counted != n {
			t.Fatalf("seed %d: counts %v of %d, want %v", seed, x.Counts, x.Counted, want)
		}
		if merged.Rows != n || x.Present != n || x.Moments.Count != n || x.Moments.Min != slices.Min(values) || x.Moments.Max != slices.Max(values) {
			t.Fatalf("seed %d: %d rows, %+v", seed, merged.Rows, x.Moments)
		}
		if mean := mean(values); math.Abs(x.Moments.Mean-mean) > 1e-12 {
			t.Errorf("seed %d: mean %v, want %v", seed, x.Moments.Mean, mean)
		}
		for i, name := range merged.Feature("c").Categories {
			if got := merged.Feature("c").CategoryCounts[i]; got != categories[name] {
				t.Errorf("seed %d: %d of category %s, want %d", seed, got, name, categories[name])
			}
		}
		if gone := merged.Feature("gone"); gone.Present != 0 || gone.Missing != n {
			t.Errorf("seed %d: the feature without values is %+v", seed, gone)
		}
		if merged.Prediction == nil || merged.Prediction.Counted != n {
			t.Errorf("seed %d: the prediction is %+v", seed, merged.Prediction)
		}
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// A merged sample has every window's share of the values, and they are spread
// over the window's ranks.
func TestAMergedSampleIsStratified(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		size, perWindow := 1+r.IntN(400), 1+r.IntN(100)
		var parts []*Feature
		total, everything := 0, true
		for w := range 1 + r.IntN(10) {
			f := &Feature{}
			n := r.IntN(300)
			for i := range n {
				f.Moments.Add(float64(i))
				if i < perWindow {
					f.Sample = append(f.Sample, float64(w)+float64(i)/1000) // whose it is, and its rank
				}
			}
			total += n
			everything = everything && n <= perWindow
			parts = append(parts, f)
		}
		merged := mergeSamples(parts, size)
		if everything && total <= size {
			if len(merged) != total {
				t.Fatalf("seed %d: %d of all %d values", seed, len(merged), total)
			}
			continue
		}
		if !slices.IsSorted(merged) || len(merged) > size {
			t.Fatalf("seed %d: %d values, sorted %v, want at most %d", seed, len(merged), slices.IsSorted(merged), size)
		}
		// It is as large as the shares allow: one more would need a value that a
		// window does not have.
		if len(merged) < size {
			scarce := false
			for _, f := range parts {
				n := int(f.Moments.Count)
				scarce = scarce || n > 0 && (len(merged)+1)*n > len(f.Sample)*total
			}
			if !scarce {
				t.Errorf("seed %d: %d values, and no window has too few for more", seed, len(merged))
			}
		}
		for w, f := range parts {
			var own []int
			for _, v := range merged {
				if int(v) == w {
					own = append(own, int(math.Round((v-float64(w))*1000)))
				}
			}
			share := float64(len(merged)) * float64(f.Moments.Count) / float64(max(total, 1))
			if math.Abs(float64(len(own))-share) >= 1 {
				t.Errorf("seed %d: window %d has %d of %d values, its share is %v", seed, w, len(own), len(merged), share)
			}
			for i := 1; i < len(own); i++ {
				step := float64(len(f.Sample)) / float64(len(own))
				if gap := float64(own[i] - own[i-1]); gap < 1 || math.Abs(gap-step) > 1 {
					t.Errorf("seed %d: window %d: ranks %d and %d, of steps of %v", seed, w, own[i-1], own[i], step)
				}
			}
		}
	}
}

// A summary that was written and read gives the same reference, to the byte.
func TestASummaryKeepsEverythingButItsEdges(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	grid := build(t, sampled(r, 5000), 1000).Grid()
	var summaries, back []*Reference
	for h, rows := range hours(r, 6) {
		on := grid
		if h == 1 {
			on = nil
		}
		s := summaryOf(windowOf(t, rows, on, h, 100), 40)
		head, parts := s.Encode()
		if len(parts) != s.Parts() {
			t.Errorf("%d parts, said to be %d", len(parts), s.Parts())
		}
		if size := len(head) + len(parts[2]); h > 1 && size > 8_000 {
			t.Errorf("a summary's feature takes %d bytes: are its edges in it?", size)
		}
		read, err := Decode(head, parts)
		if err != nil {
			t.Fatal(err)
		}
		if err := read.OnGrid(on); err != nil {
			t.Fatal(err)
		}
		if h != 1 && &read.Feature("x").Edges[0] != &grid.Feature("x").Edges[0] {
			t.Error("the edges are not shared with the grid")
		}
		summaries, back = append(summaries, s), append(back, read)
	}
	want, got := Merge(Seasonal, summaries, 200), Merge(Seasonal, back, 200)
	if want.ID != got.ID {
		t.Errorf("merged before it was written: %s, after: %s", want.ID, got.ID)
	}
	if other := build(t, []float64{1, 2, 3}, 10).Grid(); back[0].OnGrid(other) == nil {
		t.Error("a summary was put on another grid than its own")
	}
}

func sampled(r *rand.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = r.NormFloat64()
	}
	return values
}

// A window that was counted on another grid, or on none, is counted anew by its
// sample; the grid is that of the last window.
func TestWindowsOnAnotherGridAreCountedByTheirSamples(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	old, now := build(t, sampled(r, 3000), 100).Grid(), build(t, sampled(r, 3000), 100).Grid()
	rows := func() []windows.Observation { return rowsOf(sampled(r, 500)).rows }
	merged := Merge(Rolling, []*Reference{
		summaryOf(windowOf(t, rows(), nil, 0, 100), 30),
		summaryOf(windowOf(t, rows(), old, 1, 100), 30),
		summaryOf(windowOf(t, rows(), now, 2, 100), 30),
	}, 90)
	x := merged.Feature("x")
	if !slices.Equal(x.Edges, now.Feature("x").Edges) || x.Counted != 560 || x.Moments.Count != 1500 || len(x.Sample) != 90 || x.Complete {
		t.Errorf("%d counted of %d, a sample of %d", x.Counted, x.Moments.Count, len(x.Sample))
	}
	// Without any grid the reference makes one of its own.
	merged = Merge(Rolling, []*Reference{summaryOf(windowOf(t, rows(), nil, 0, 100), 30), summaryOf(windowOf(t, rows(), nil, 1, 100), 30)}, 60)
	if x := merged.Feature("x"); len(x.Edges) != 60 || x.Counted != 60 || x.LowFence == nil {
		t.Errorf("%d edges, %d counted", len(x.Edges), x.Counted)
	}
}

// Two windows with the same values are two windows.
func TestNoTwoWindowsShareAnID(t *testing.T) {
	rows := rowsOf([]float64{1, 2, 3}).rows
	w := windowOf(t, rows, nil, 0, 100)
	a := Summarise(w, Origin{Model: "m", Version: "1"}, 10)
	b := Summarise(w, Origin{Model: "m", Version: "2"}, 10)
	if a.ID == b.ID {
		t.Error("the windows of two versions have one id")
	}
	if Merge(Rolling, []*Reference{a}, 10).ID != Merge(Rolling, []*Reference{b}, 10).ID {
		t.Error("references of the same contents have two ids")
	}
}

// A feature that changed its type is what most of its values were.
func TestAFeatureThatChangedItsTypeIsWhatMostOfItWas(t *testing.T) {
	numbers := func(n int) []windows.Observation { return rowsOf(make([]float64, n)).rows }
	texts := numbers(30)
	for i := range texts {
		texts[i].Features[0].Value = windows.Value{Kind: windows.Text, Text: []byte("0")}
	}
	few := Merge(Rolling, []*Reference{summaryOf(windowOf(t, numbers(20), nil, 0, 100), 9), summaryOf(windowOf(t, texts, nil, 1, 100), 9)}, 9)
	if x := few.Feature("x"); x.Type != windows.Categorical || x.CategoryCounts[0] != 30 || x.Present != 50 || x.Counts != nil {
		t.Errorf("%+v", x)
	}
	many := Merge(Rolling, []*Reference{summaryOf(windowOf(t, numbers(40), nil, 0, 100), 9), summaryOf(windowOf(t, texts, nil, 1, 100), 9)}, 9)
	if x := many.Feature("x"); x.Type != windows.Numeric || x.Moments.Count != 40 || x.Categories != nil || x.Distinct != 1 {
		t.Errorf("%+v", x)
	}
}

// A feature that a window did not have is missing in all of its events.
func TestAFeatureThatAWindowLacksIsMissingThere(t *testing.T) {
	with, without := rowsOf(make([]float64, 10)).rows, rowsOf(make([]float64, 7)).rows
	for i := range without {
		without[i].Features = without[i].Features[1:]
	}
	merged := Merge(Rolling, []*Reference{summaryOf(windowOf(t, with, nil, 0, 100), 9), summaryOf(windowOf(t, without, nil, 1, 100), 9)}, 9)
	if x := merged.Feature("x"); x.Present != 10 || x.Missing != 7 {
		t.Errorf("%d present and %d missing, want 10 and 7", x.Present, x.Missing)
	}
}

// Merged windows are calibrated like a file of the same rows in the same
// windows, but for where the cuts are.
func TestAMergedReferenceIsCalibrated(t *testing.T) {
	rows := series(40, 300, 0.8, 11)
	file, err := BuildInWindows(Fixed, rows, 20_000, limits, hourly(t))
	if err != nil {
		t.Fatal(err)
	}
	var summaries []*Reference
	for hour := range 40 {
		summaries = append(summaries, summaryOf(windowOf(t, rows.rows[hour*300:(hour+1)*300], file.Grid(), hour, 100), 20))
	}
	merged := Merge(Rolling, summaries, 800)
	for _, name := range []string{"x", "c"} {
		a, b := file.Feature(name).Calibration, merged.Feature(name).Calibration
		spread := func(c *Calibration) *Spread {
			if c.KS != nil {
				return c.KS
			}
			return c.ChiSquare
		}
		if b == nil || a.Windows != b.Windows || math.Abs(a.Size-b.Size) > 1e-9 || math.Abs(spread(a).Inflation/spread(b).Inflation-1) > 0.05 {
			t.Errorf("%s of a file: %+v\nmerged: %+v", name, a, b)
		}
	}
	if few := Merge(Rolling, summaries[:LeastCalibrationWindows-1], 800); few.Feature("x").Calibration != nil {
		t.Error("too few windows say how much windows differ")
	}
}

// What a rolling reference of 24 windows with 20 features costs.
func BenchmarkMerge(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 9))
	row := func() windows.Observation {
		o := windows.Observation{HasFeatures: true}
		for f := range 20 {
			o.Features = append(o.Features, windows.Field{Name: fmt.Appendf(nil, "f%02d", f), Value: windows.Value{Kind: windows.Number, Number: r.NormFloat64()}})
		}
		return o
	}
	all := windows.Interval{Start: 0, End: 3600_000}
	window := func(grid *windows.Grid, sample int) *windows.Window {
		pane := windows.NewPane(windows.PaneKey{}, all, grid, sample, windows.Limits{Features: 100, Categories: 50})
		for i := range 10_000 {
			o := row()
			pane.Count(&o, windows.RowHash(uint64(i)))
		}
		return windows.Merge(all, []windows.Part{{Pane: pane}})
	}
	grid := FromWindow(First, window(nil, 10_000), 10_000).Grid()
	one := window(grid, 1024)
	var summaries []*Reference
	for h := range 24 {
		summaries = append(summaries, Summarise(one, Origin{Model: "m", Start: windows.Timestamp(h)}, 417))
	}
	head, parts := summaries[0].Encode()
	bytes := len(head)
	for _, part := range parts {
		bytes += len(part)
	}
	b.Run("merge", func(b *testing.B) {
		for b.Loop() {
			Merge(Rolling, summaries, 10_000)
		}
		b.ReportMetric(float64(bytes), "bytes/summary")
		b.ReportMetric(float64(summaries[0].Bytes()), "memory/summary")
	})
	b.Run("summarise", func(b *testing.B) {
		for b.Loop() {
			Summarise(one, Origin{Model: "m"}, 417)
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(head, parts); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A bin in which a crowd of different values stands is told, and only the
// feature that has it gets new edges.
func TestACrowdedFeatureGetsNewEdges(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	grid := build(t, sampled(r, 5000), 1000).Grid()
	window := func(hour int, shift float64) *Reference {
		rows := rowsOf(sampled(r, 1000)).rows
		for i := range rows {
			rows[i].Features[0].Value.Number += shift
		}
		return summaryOf(windowOf(t, rows, grid, hour, 300), 300)
	}
	usual := Merge(Rolling, []*Reference{window(0, 0), window(1, 0)}, 600)
	if got := window(2, 0).Crowded(usual, 0.05, false); got != nil {
		t.Errorf("%v are crowded in a window like the others", got)
	}
	moved := window(3, 10)
	if got := moved.Crowded(usual, 0.05, false); !slices.Equal(got, []string{"x"}) {
		t.Errorf("%v are crowded where x has moved", got)
	}
	// What the reference has in the same bin is no news.
	if got := window(4, 10).Crowded(Merge(Seasonal, []*Reference{moved}, 300), 0.05, true); got != nil {
		t.Errorf("%v are crowded beyond a reference that is as crowded", got)
	}
	// Equal values may stand in one bin, and have one of their own.
	constant := build(t, []float64{3, 3, 3}, 10)
	same := summaryOf(windowOf(t, rowsOf(slices.Repeat([]float64{3}, 500)).rows, constant.Grid(), 5, 300), 300)
	if got := same.Crowded(Merge(Rolling, []*Reference{same}, 300), 0.05, false); got != nil {
		t.Errorf("%v are crowded with one value", got)
	}

	made := Regrid(Rolling, []*Reference{window(6, 0), moved}, []string{"x"}, *moved.Of, 600)
	x, prediction := made.Feature("x"), made.Prediction
	if slices.Equal(x.Edges, grid.Feature("x").Edges) || !slices.Equal(prediction.Edges, grid.Feature(windows.PredictionName).Edges) {
		t.Error("the edges of x stay, or those of the prediction do not")
	}
	xGrid := x.grid()
	if above := len(x.Edges) - xGrid.Bin(5); above < 200 {
		t.Errorf("%d of %d edges are where half of the values are", above, len(x.Edges))
	}
	if other := Regrid(Rolling, []*Reference{window(6, 0), moved}, []string{"x"}, Origin{Version: "2"}, 600); other.ID == made.ID {
		t.Error("the grids of two versions share an id")
	}
	head, parts := made.Encode()
	if back, err := Decode(head, parts); err != nil || !slices.Equal(back.Feature("x").Edges, x.Edges) {
		t.Errorf("a grid was read back without its edges: %v", err)
	}
}

// What documents say a summary takes: about 3 bytes for each of up to 1,024
// bins and 11 for each value of the sample, per numeric feature, and 500 for the
// rest.
func TestWhatASummaryTakes(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	rows := rowsOf(sampled(r, 10_000)).rows
	grid := build(t, sampled(r, 10_000), 1000).Grid()
	s := summaryOf(windowOf(t, rows, grid, 0, 1024), 417)
	_, parts := s.Encode()
	for i, f := range s.all() {
		if f.Name != "x" {
			continue
		}
		if said := 3*len(f.Counts) + 11*len(f.Sample) + 500; len(parts[i]) > said*11/10 || len(parts[i]) < said*8/10 {
			t.Errorf("a feature takes %d bytes, said to be about %d", len(parts[i]), said)
		}
	}
	if said := 8 * (1024 + 417); s.Feature("x").bytes() < said || s.Feature("x").bytes() > said+500 {
		t.Errorf("in memory it takes %d bytes, said to be about %d", s.Feature("x").bytes(), said)
	}
}
