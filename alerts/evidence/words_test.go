package evidence

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

func TestNumbersAsPeopleReadThem(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"},
		{count(999), "999"},
		{count(1234567), "1\u202f234\u202f567"},
		{decimal(38.5, 6), "38.5"},
		{decimal(0.1+0.2, 6), "0.3"},
		{decimal(-1234.5678, 6), "−1234.57"},
		{decimal(0, 4), "0"},
		{decimal(1.5e-7, 3), "1.50e-07"},
		{decimal(math.Inf(1), 3), "–"},
		{aligned(742, 2), "742.00"},
		{aligned(-0.001, 2), "0.00"},
		{plus(0.001, aligned(0.001, 2)), "0.00"},
		{plus(3, "3.0"), "+3.0"},
		{probability(ptr(0.0314), nil), "0.031"},
		{probability(ptr(2.4e-29), nil), "2.4e−29"},
		{probability(ptr(0), ptr(-931.2)), "1e−404"},
		{probability(ptr(0), nil), "< 1e−300"},
		{probability(nil, nil), "–"},
		{statistic(ptr(0.13749)), "0.137"},
		{percent(0, 10), "0 %"},
		{percent(1, 0), "–"},
		{percent(1, 1e6), "< 0.1 %"},
		{percent(999999, 1e6), "> 99.9 %"},
		{percent(1, 3), "33.3 %"},
		{span(storyStart, storyStart.Add(time.Hour)), "2026-03-02 00:00 – 01:00 UTC"},
		{span(storyStart, storyStart.Add(24*time.Hour)), "2026-03-02 00:00 – 2026-03-03 00:00 UTC"},
		{versionWord("3"), "v3"},
		{versionWord("main"), "main"},
		{versionWord("2026-02"), "2026-02"},
		{visible("a b\n"), `a b\u000a`},
		{visible("\xff"), `\xff`},
		{visible("\u202e"), `\u202e`},
		{visible(strings.Repeat("x", 300)), strings.Repeat("x", 200) + "…"},
		{plural(1, "window", "windows"), "1 window"},
		{plural(0, "window", "windows"), "0 windows"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestExplanations(t *testing.T) {
	larger := numericFeature(0.137, true)
	smaller := numericFeature(0.137, false)
	smaller.Sign, smaller.Method = -1, "exact"
	sampled := numericFeature(0.137, true)
	sampled.Method, sampled.StatisticError = "sampled", ptr(0.05)
	for name, c := range map[string]struct {
		feature *drift.Feature
		want    []string
	}{
		"larger": {larger, []string{
			"The largest difference between the two distributions is D = 0.137 at 38.5.",
			"13.7 percentage points smaller than in the reference. Values are now larger.", "the true D is at most 0.0004 larger.", "to count as drift",
		}},
		"smaller":     {smaller, []string{"percentage points larger than in the reference. Values are now smaller.", "Every value of both samples was compared.", "does not count as drift"}},
		"sampled":     {sampled, []string{"within 0.05 of this, with 99 % confidence"}},
		"categorical": {categoricalFeature(0.3, true), []string{"with 7 degrees of freedom: an effect of V = 0.300", "1 category is new, which the reference does not have: “ZZ”.", "p = 1e−404"}},
		"untested":    {&drift.Feature{Untested: "the window has no values"}, []string{"was not tested in this window: the window has no values."}},
		"error":       {&drift.Feature{Error: "the grid is gone"}, []string{"could not be made: the grid is gone."}},
	} {
		t.Run(name, func(t *testing.T) {
			said := strings.Join(explain(c.feature), " ")
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("%q does not say %q", said, want)
				}
			}
		})
	}
}

// TestCurvesShowTheGap: D's line stands between the curves, and as long as
// their difference there.
func TestCurvesShowTheGap(t *testing.T) {
	f := numericFeature(0.137, true)
	for i := range f.Quantiles.P { // uniform on 0–100 and on 20–120
		f.Quantiles.Reference[i] = 100 * f.Quantiles.P[i]
		f.Quantiles.Current[i] = 100*f.Quantiles.P[i] + 20
	}
	f.Location = ptr(50)
	c := newCurves(f)
	if c == nil || c.Gap == nil {
		t.Fatal("no curves, or no gap")
	}
	if got, want := c.Gap.Y2-c.Gap.Y1, 0.2*(c.Bottom-c.Top); math.Abs(got-want) > 0.2 {
		t.Errorf("the gap is %v long; a fifth of the plot is %v", got, want)
	}
	if got, want := c.Gap.X, c.Left+(c.Right-c.Left)*50/120; math.Abs(got-want) > 0.1 {
		t.Errorf("the gap stands at %v, not %v", got, want)
	}
	if c.Clipped {
		t.Error("a uniform distribution has no tails to leave out")
	}
	if far := newCurves(numericFeature(0.137, true)); !far.Clipped {
		t.Error("the tail of amounts presses the rest into a line")
	}
}

func TestDistributionBesideTheSlowOne(t *testing.T) {
	points := reference.QuantilePoints()
	quantiles := make([]float64, len(points))
	for i := range quantiles {
		quantiles[i] = math.Floor(float64(i*i) / 40) // with ties
	}
	for v := -1.0; v < 30; v += 0.25 {
		// The largest p whose quantile is at most v: of many p, read off the line.
		want := 0.0
		for p := 0.0; p <= 1; p += 1.0 / 4096 {
			i := min(int(p*32), 31)
			if q := quantiles[i] + (p*32-float64(i))*(quantiles[i+1]-quantiles[i]); q <= v {
				want = p
			}
		}
		if got := distribution(points, quantiles, v); math.Abs(got-want) > 1.0/2048 {
			t.Errorf("the share up to %v is %v, not %v", v, got, want)
		}
	}
}

func TestTicksAreRoundAndInside(t *testing.T) {
	for _, r := range [][2]float64{{0, 1}, {-3, 17}, {0.001, 0.0013}, {1e6, 1e6 + 3}, {-1e300, 1e300}, {5, 5.0000001}, {0, 5e-324}, {-math.MaxFloat64, math.MaxFloat64}} {
		got := ticks(r[0], r[1])
		if len(got) < 2 || len(got) > 10 {
			t.Errorf("%v: %d ticks", r, len(got))
		}
		var labels []string
		for _, tick := range got {
			if tick.At < r[0] || tick.At > r[1] {
				t.Errorf("%v: a tick at %v", r, tick.At)
			}
			if slices.Contains(labels, tick.Label) {
				t.Errorf("%v: two ticks say %s", r, tick.Label)
			}
			labels = append(labels, tick.Label)
		}
	}
}
