package drift

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// binomial draws by the waiting times between successes.
func binomial(random *rand.Rand, n uint64, p float64) uint64 {
	var k uint64
	if p <= 0 {
		return 0
	}
	for at := uint64(0); ; k++ {
		at += 1 + uint64(math.Log(1-random.Float64())/math.Log1p(-p))
		if at > n {
			return k
		}
	}
}

// counted is a side of so many rows whose rates are as given: of missing,
// non-finite and text values, and of values in both tails.
type counted struct{ rows, missing, nonFinite, texts, outside, outliers uint64 }

func draw(random *rand.Rand, rows uint64, rate float64) counted {
	c := counted{rows: rows, missing: binomial(random, rows, rate)}
	present := rows - c.missing
	c.nonFinite = binomial(random, present, rate)
	c.texts = binomial(random, present-c.nonFinite, rate)
	finite := present - c.nonFinite - c.texts
	c.outside, c.outliers = binomial(random, finite, rate), binomial(random, finite, rate)
	return c
}

func (c counted) finite() uint64 { return c.rows - c.missing - c.nonFinite - c.texts }

func (c counted) tally(name string) *windows.Tally {
	return &windows.Tally{
		Name: name, NonFinite: c.nonFinite, Nulls: c.missing, Outliers: c.outliers,
		Moments:    windows.Moments{Count: c.finite(), Min: 0, Max: 2},
		Bins:       []uint64{c.outside / 2, c.finite() - c.outside, c.outside - c.outside/2},
		Categories: map[string]uint64{"n/a": c.texts},
	}
}

func (c counted) feature(name string) *reference.Feature {
	low, high := 0.5, 1.5
	t := c.tally(name)
	return &reference.Feature{
		Name: name, Present: c.rows - c.missing, Missing: c.missing, NonFinite: c.nonFinite, Moments: t.Moments,
		Edges: []float64{0, 2}, Counts: t.Bins, Counted: c.finite(), LowFence: &low, HighFence: &high, Outliers: &c.outliers,
	}
}

// windowAgainst makes features whose counts were drawn on either side.
func windowAgainst(now, before []counted) Case {
	r := &reference.Reference{ID: "drawn"}
	w := &windows.Window{Interval: windows.Interval{End: 3_600_000}, FeatureEvents: now[0].rows, Grid: &windows.Grid{ID: "drawn"}}
	for i := range now {
		name := fmt.Sprintf("x%04d", i)
		r.Features, w.Features = append(r.Features, before[i].feature(name)), append(w.Features, now[i].tally(name))
	}
	return Case{Window: w, Reference: r}
}

// verdictOf is a verdict that holds nothing yet, for judging quality alone.
func verdictOf(c Case) *Verdict {
	v := &Verdict{Features: make(map[string]*Feature)}
	for _, t := range c.Window.Features {
		v.Features[t.Name] = &Feature{N: t.Present(), Missing: c.Window.FeatureEvents - t.Present(), TypeChanges: t.Texts()}
	}
	return v
}

// With the same rates on both sides a window has a broken check no more often than
// alpha, whatever its size; even without a least increase, and with the
// corrections that promise so.
func TestEqualRatesSeldomBreak(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	const alpha = 0.05
	for _, size := range []struct {
		now, before uint64
		rates       []float64
		repeats     int
	}{
		{50, 1000, []float64{0.001, 0.02, 0.3}, 1000},
		{50, 100_000, []float64{0.001, 0.02}, 200},
		{1000, 1000, []float64{0.001, 0.02, 0.3}, 400},
		{10_000, 2000, []float64{0.001, 0.02}, 400},
		{1_000_000, 20_000, []float64{0.0005}, 200},
		{1_000_000, 1_000_000, []float64{0.0005}, 200},
	} {
		for _, rate := range size.rates {
			broken := map[string]int{}
			for range size.repeats {
				var now, before []counted
				for range 3 {
					now, before = append(now, draw(random, size.now, rate)), append(before, draw(random, size.before, rate))
				}
				c := windowAgainst(now, before)
				for _, correction := range []string{CorrectionBH, CorrectionHolm} {
					s := Default()
					s.Correction, s.Quality = correction, QualitySettings{Alpha: alpha}
					v := verdictOf(c)
					judgeQuality(v, &s, &c)
					if v.Broken {
						broken[correction]++
					}
				}
			}
			// Four standard deviations above alpha.
			repeats := float64(size.repeats)
			most := alpha + 4*math.Sqrt(alpha*(1-alpha)/repeats)
			for correction, n := range broken {
				if float64(n)/repeats > most {
					t.Errorf("%d after %d rows, rate %v, %s: %d of %v windows are broken, want at most %.3f of them",
						size.now, size.before, rate, correction, n, repeats, most)
				}
			}
		}
	}
}

// Among many quiet features one that is broken is found, and it alone.
func TestTheBrokenOneOfMany(t *testing.T) {
	random := rand.New(rand.NewPCG(10, 11))
	for _, correction := range []string{CorrectionBH, CorrectionHolm, CorrectionNone} {
		var now, before []counted
		for range 300 {
			now, before = append(now, draw(random, 2000, 0.01)), append(before, draw(random, 20_000, 0.01))
		}
		now[17].missing += 100
		c := windowAgainst(now, before)
		s := Default()
		s.Correction = correction
		v := verdictOf(c)
		judgeQuality(v, &s, &c)
		for name, f := range v.Features {
			if want := name == "x0017"; f.Broken != want || want && f.BrokenMost().Name != "missing" {
				t.Errorf("%s: %s broken %v", correction, name, f.Broken)
			}
			for _, check := range f.Quality.Checks() {
				if correction == CorrectionNone && check.P != nil && *check.P != *check.Adjusted {
					t.Errorf("%s of %s: %v became %v without a correction", check.Name, name, *check.P, *check.Adjusted)
				}
			}
		}
	}
}

// A rate must rise by the least increase and the least ratio, however improbable
// the rise is, and the rise must be improbable, however large it is.
func TestProbabilityIncreaseAndRatioDecide(t *testing.T) {
	for _, c := range []struct {
		now, before     counted
		increase, ratio float64
		broken          bool
	}{
		{counted{rows: 1_000_000, missing: 25_000}, counted{rows: 1_000_000, missing: 20_000}, 0.01, 1, false},
		{counted{rows: 1_000_000, missing: 25_000}, counted{rows: 1_000_000, missing: 20_000}, 0.005, 1, true},
		{counted{rows: 1_000_000, missing: 25_000}, counted{rows: 1_000_000, missing: 20_000}, 0.005, 1.3, false},
		{counted{rows: 1_000_000, missing: 600_000}, counted{rows: 1_000_000, missing: 400_000}, 0.01, 5, true}, // 1.5 of ⅔, and of a gap the double is enough
		{counted{rows: 1_000_000, missing: 550_000}, counted{rows: 1_000_000, missing: 400_000}, 0.01, 5, false},
		{counted{rows: 1_000_000, nonFinite: 600_000}, counted{rows: 1_000_000, nonFinite: 400_000}, 0.01, 2, true},
		{counted{rows: 1_000_000, nonFinite: 600_000}, counted{rows: 1_000_000, nonFinite: 400_000}, 0.01, 2.3, false},
		{counted{rows: 60, missing: 4}, counted{rows: 1000, missing: 20}, 0.01, 1, false},
		{counted{rows: 60, missing: 10}, counted{rows: 1000, missing: 20}, 0.01, 3, true},
	} {
		s := Default()
		s.Quality.MinIncrease, s.Quality.MinRatio = c.increase, c.ratio
		one := windowAgainst([]counted{c.now}, []counted{c.before})
		v := verdictOf(one)
		judgeQuality(v, &s, &one)
		if v.Broken != c.broken {
			t.Errorf("%+v after %+v with a least increase of %v and ratio of %v: broken %v", c.now, c.before, c.increase, c.ratio, v.Broken)
		}
	}
}

// The checks are a family of their own: however many, the drift's corrected
// p-values stay.
func TestQualityLeavesDriftAlone(t *testing.T) {
	before, now := normal(1, 5000, 0), mixed(normal(2, 2000, 0.4), 5, always(nil))
	with, without := Default(), Default()
	without.Quality = QualitySettings{}
	a, b := judged(t, with, before, now), judged(t, without, before, now)
	x, y := a.Features["x"], b.Features["x"]
	if *x.Adjusted != *y.Adjusted || x.Drifted != y.Drifted || x.Quality == nil || y.Quality != nil {
		t.Errorf("with checks %v %v %v, without %v %v %v", *x.Adjusted, x.Drifted, x.Quality, *y.Adjusted, y.Drifted, y.Quality)
	}
}

// With a budget both kinds of page have a part of the level: they add up to it.
func TestABudgetCoversQuality(t *testing.T) {
	const budget = 1e-4
	now := []counted{{rows: 200, missing: 8}}
	before := []counted{{rows: 10_000, missing: 50}}
	c := windowAgainst(now, before)
	s := Default()
	plain := verdictOf(c)
	judgeQuality(plain, &s, &c)
	c.Budget = budget
	held := verdictOf(c)
	judgeQuality(held, &s, &c)
	check := plain.Features["x0000"].Quality.Missing
	if p := float64(*check.Adjusted); p > s.Quality.Alpha || p < qualityShare*budget {
		t.Fatalf("p is %v: this tests nothing", p)
	}
	if !plain.Broken || held.Broken {
		t.Errorf("broken without a budget %v, with one %v", plain.Broken, held.Broken)
	}
	if sum := driftBudget(budget) + qualityShare*budget; math.Abs(sum-budget) > 1e-18 {
		t.Errorf("the parts of the budget add up to %v", sum)
	}
}

// Where features were left out for being too many, what was left out may be the
// values that seem to be missing.
func TestValuesBeyondTheLimitAreNotMissing(t *testing.T) {
	c := windowAgainst([]counted{{rows: 2000, missing: 900}}, []counted{{rows: 10_000}})
	s := Default()
	for overLimit, want := range map[uint64]bool{0: true, 500: true, 890: false, 5000: false} {
		c.Window.OverLimit = overLimit
		v := verdictOf(c)
		judgeQuality(v, &s, &c)
		if v.Broken != want {
			t.Errorf("with %d values beyond the limit: broken %v", overLimit, v.Broken)
		}
	}
}

// A feature that names nearly every event, such as an order's number, always has
// categories that the reference lacks. As many as ever are not news; more are.
func TestCategoriesThatAreAlwaysNew(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 13))
	zipf := func(n int, shift int) []any {
		values := make([]any, n)
		for i := range values {
			values[i] = fmt.Sprint(shift + int(math.Pow(1/(1-random.Float64()), 1.4)*3))
		}
		return values
	}
	limits := windows.Limits{Models: 1, Features: 10, Categories: math.MaxInt32}
	broken := 0
	const repeats = 100
	s := Default()
	s.Quality = QualitySettings{Alpha: 0.05}
	for range repeats {
		r, err := reference.Build(reference.Fixed, rowsOf(zipf(1500, 0)), 1000, limits)
		if err != nil {
			t.Fatal(err)
		}
		f := r.Feature("x")
		f.Present = total(f.CategoryCounts)
		v := Compare(Case{Window: windowOf(zipf(800, 0), r.Grid()), Reference: r}, s)
		if check := v.Features["x"].Quality.NewCategories; check == nil || check.ReferenceRate < 0.05 {
			t.Fatalf("the check is %+v: this tests nothing", check)
		}
		if v.Broken {
			broken++
		}
	}
	if broken > 14 { // 0.05 · 100 and four standard deviations
		t.Errorf("%d of %d windows are broken by categories that are new as always", broken, repeats)
	}
	r, err := reference.Build(reference.Fixed, rowsOf(zipf(1500, 0)), 1000, limits)
	if err != nil {
		t.Fatal(err)
	}
	if v := Compare(Case{Window: windowOf(zipf(800, 1_000_000), r.Grid()), Reference: r}, s); v.Features["x"].BrokenMost().Name != "new_categories" {
		t.Errorf("all categories new: %+v", v.Features["x"].Quality.NewCategories)
	}
	// A reference that counted only some of its categories says nothing.
	few, err := reference.Build(reference.Fixed, rowsOf(zipf(1500, 0)), 1000, windows.Limits{Models: 1, Features: 10, Categories: 20})
	if err != nil {
		t.Fatal(err)
	}
	if v := Compare(Case{Window: windowOf(zipf(800, 0), few.Grid()), Reference: few}, s); v.Features["x"].Quality != nil {
		t.Errorf("a reference with categories beyond the limit: %+v", v.Features["x"].Quality)
	}
}

// Counted on the reference's grid or read off a sample that is whole, the rates
// are the same.
func TestTailsWithAndWithoutAGrid(t *testing.T) {
	r := referenceOf(t, normal(1, 9000, 0))
	now := mixed(normal(2, 900, 0), 4, always(55.0))
	s := Default()
	a := Compare(Case{Window: windowOf(now, r.Grid()), Reference: r}, s).Features["x"].Quality
	b := Compare(Case{Window: windowOf(now, nil), Reference: r}, s).Features["x"].Quality
	one, _ := json.Marshal(a)
	other, _ := json.Marshal(b)
	if string(one) != string(other) || a.Outliers == nil || !a.OutOfRange.Broken {
		t.Errorf("on the grid %s, from the sample %s", one, other)
	}
	// On another grid, whose bins mean something else, as well.
	elsewhere := referenceOf(t, normal(3, 9000, 5))
	c := Compare(Case{Window: windowOf(now, elsewhere.Grid()), Reference: r}, s).Features["x"].Quality
	if another, _ := json.Marshal(c); string(another) != string(one) {
		t.Errorf("on another grid %s, from the sample %s", another, one)
	}
}

// What is broken stays in a record that has to be shortened; the checks of quiet
// features go.
func TestBrokenFeaturesStayInShortRecords(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 15))
	var now, before []counted
	for range 400 {
		now, before = append(now, draw(random, 2000, 0.01)), append(before, draw(random, 20_000, 0.01))
	}
	now[42].missing += 500
	c := windowAgainst(now, before)
	s := Default()
	v := verdictOf(c)
	judgeQuality(v, &s, &c)
	whole, err := v.Encode(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{len(whole) / 2, len(whole) / 20} {
		data, err := v.Encode(limit)
		if err != nil {
			t.Fatal(err)
		}
		var short Verdict
		if err := json.Unmarshal(data, &short); err != nil {
			t.Fatal(err)
		}
		f := short.Features["x0042"]
		if f == nil || !f.Broken || f.Quality == nil || !f.Quality.Missing.Broken || !short.Broken {
			t.Errorf("in %d of %d bytes the broken feature is %+v", limit, len(whole), f)
		}
		if quiet := short.Features["x0043"]; quiet != nil && quiet.Quality != nil {
			t.Errorf("in %d of %d bytes a quiet feature keeps its checks", limit, len(whole))
		}
		if !strings.Contains(strings.Join(short.Shed, "; "), "checks of features") {
			t.Errorf("shed %q", short.Shed)
		}
	}
}

func BenchmarkQualityOf3000Features(b *testing.B) {
	random := rand.New(rand.NewPCG(16, 17))
	var now, before []counted
	for range 3000 {
		now, before = append(now, draw(random, 10_000, 0.01)), append(before, draw(random, 100_000, 0.01))
	}
	c := windowAgainst(now, before)
	s := Default()
	v := verdictOf(c)
	for b.Loop() {
		judgeQuality(v, &s, &c)
	}
}
