package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// Every row of these tests has one feature, x.

func rowsOf(values []any) *tableRows { return tableRowsOf(table{"x": values}, 0) }

func referenceOf(t *testing.T, values []any) *reference.Reference {
	t.Helper()
	return tableReference(t, table{"x": values}, 10_000, 0)
}

func windowOf(values []any, grid *windows.Grid) *windows.Window {
	return gridWindow(table{"x": values}, grid, 1000)
}

// judged is the verdict on a window that was counted on the reference's grid.
func judged(t *testing.T, s Settings, before, now []any) *Verdict {
	t.Helper()
	r := referenceOf(t, before)
	return Compare(Case{Window: windowOf(now, r.Grid()), Reference: r}, s)
}

// mixed replaces the given share of values by others, evenly.
func mixed(values []any, percent int, by func(i int) any) []any {
	out := slices.Clone(values)
	for i := range out {
		if (i*37)%100 < percent {
			out[i] = by(i)
		}
	}
	return out
}

func always(v any) func(int) any { return func(int) any { return v } }

func normal(seed uint64, n int, mean float64) []any {
	random := rand.New(rand.NewPCG(seed, 1))
	values := make([]any, n)
	for i := range values {
		values[i] = mean + random.NormFloat64()
	}
	return values
}

// categories are drawn with the weights 6, 3 and 1.
func categories(seed uint64, n int) []any {
	random := rand.New(rand.NewPCG(seed, 2))
	values := make([]any, n)
	for i := range values {
		values[i] = []string{"a", "a", "a", "a", "a", "a", "b", "b", "b", "c"}[random.IntN(10)]
	}
	return values
}

// evenly spreads values over a range of width 1.
func evenly(n int, from float64) []any {
	values := make([]any, n)
	for i := range values {
		values[i] = from + float64(i*7919%n)/float64(n)
	}
	return values
}

// A window against its reference: which checks are broken, whether the feature
// drifted, and because of what.
func TestWhatIsBrokenAndWhatDrifted(t *testing.T) {
	numbers, texts := normal(1, 5000, 0), categories(1, 5000)
	today, names := normal(2, 2000, 0), categories(2, 2000)
	for _, story := range []struct {
		name        string
		before, now []any
		broken      []string
		drifted     bool
		causedBy    string
		explained   []string
	}{
		{name: "a quiet number", before: numbers, now: today},
		{name: "quiet categories", before: texts, now: names},
		{name: "as many missing as ever", before: mixed(numbers, 20, always(nil)), now: mixed(today, 20, always(nil))},
		{name: "two in five missing", before: numbers, now: mixed(today, 40, always(nil)), broken: []string{"missing"}},
		{name: "all missing", before: numbers, now: mixed(today, 100, always(nil)), broken: []string{"missing"}},
		{
			name: "missing where the values were large", before: numbers, broken: []string{"missing"}, drifted: true, causedBy: "missing",
			now: func() []any {
				out := slices.Clone(today)
				for i, x := range out {
					if x.(float64) > 0.5 {
						out[i] = nil
					}
				}
				return out
			}(),
		},
		{name: "missing wanders", before: mixed(numbers, 20, always(nil)), now: mixed(today, 30, always(nil))},
		{name: "missing doubles", before: mixed(numbers, 20, always(nil)), now: mixed(today, 40, always(nil)), broken: []string{"missing"}},
		{name: "none missing any more", before: mixed(numbers, 30, always(nil)), now: today},
		{name: "most were missing and none is", before: mixed(numbers, 60, always(nil)), now: today, broken: []string{"appeared"}},
		{name: "some missing values became zeros", before: mixed(numbers, 30, always(nil)), now: mixed(today, 30, always(0.0)), drifted: true},
		{
			name: "most missing values became zeros", before: mixed(numbers, 60, always(nil)), now: mixed(today, 60, always(0.0)),
			broken: []string{"appeared"}, drifted: true, causedBy: "appeared",
		},
		{name: "numbers that are not finite", before: numbers, now: mixed(today, 3, always(nonFinite{})), broken: []string{"non_finite"}},
		{name: "some numbers arrive as text", before: numbers, now: mixed(today, 5, always("12.5")), broken: []string{"type_changes"}},
		{name: "all numbers arrive as text", before: numbers, now: mixed(today, 100, always("12.5")), broken: []string{"type_changes"}},
		{name: "categories arrive as numbers", before: texts, now: mixed(names, 5, always(3.0)), broken: []string{"type_changes"}},
		{name: "one value of a new category", before: texts, now: append([]any{"d"}, names...)},
		{
			name: "a new category takes a quarter", before: texts, now: mixed(names, 25, always("d")),
			broken: []string{"new_categories"}, drifted: true, causedBy: "new_categories",
		},
		{
			name: "a sentinel in three of ten", before: numbers, now: mixed(today, 30, always(-999.0)),
			broken: []string{"out_of_range", "outliers"}, drifted: true, causedBy: "out_of_range",
		},
		{
			name: "the mean moves by one standard deviation", before: numbers, now: normal(3, 2000, 1), drifted: true,
			explained: []string{"out_of_range", "outliers"},
		},
		{
			name: "the mean moves by three standard deviations", before: numbers, now: normal(3, 2000, 3), drifted: true,
			explained: []string{"out_of_range", "outliers"},
		},
		{
			name: "a range moves by most of its width", before: evenly(5000, 0), now: evenly(2000, 0.8), drifted: true,
			explained: []string{"out_of_range", "outliers"},
		},
		{
			name: "a small window with a sentinel", before: numbers, now: mixed(normal(4, 60, 0), 35, always(-999.0)),
			broken: []string{"out_of_range", "outliers"}, drifted: true, causedBy: "out_of_range",
		},
		{
			name: "summer after winter", before: numbers, now: normal(3, 2000, 100), drifted: true,
			explained: []string{"out_of_range", "outliers"},
		},
		{
			name: "a number is stuck", before: numbers, now: mixed(today, 100, always(0.25)), broken: []string{"constant"},
			drifted: true, causedBy: "constant",
		},
		{
			name: "a category is stuck", before: texts, now: mixed(names, 100, always("b")), broken: []string{"constant"},
			drifted: true, causedBy: "constant",
		},
		{name: "a value that is nearly always the same", before: mixed(mixed(numbers, 100, always(0.0)), 1, always(1.0)), now: mixed(today[:60], 100, always(0.0))},
		{name: "a dry week", before: mixed(mixed(numbers, 100, always(0.0)), 7, always(1.5)), now: mixed(today, 100, always(0.0)), drifted: true},
		{name: "more wet hours than usual", before: mixed(mixed(numbers, 100, always(0.0)), 7, always(1.5)), now: mixed(mixed(today, 100, always(0.0)), 14, always(1.5)), drifted: true},
		{
			name: "a sentinel that was rare", before: mixed(numbers, 1, always(-999.0)), now: mixed(today, 12, always(-999.0)),
			broken: []string{"outliers"}, drifted: true, causedBy: "outliers",
		},
		{name: "a constant stays as it is", before: mixed(numbers, 100, always(7.0)), now: mixed(today, 100, always(7.0))},
		{
			name: "a constant becomes another", before: mixed(numbers, 100, always(7.0)), now: mixed(today, 100, always(8.0)),
			drifted: true, explained: []string{"out_of_range"},
		},
		{
			name: "a constant is often another", before: mixed(numbers, 100, always(7.0)), now: mixed(mixed(today, 100, always(7.0)), 40, always(8.0)),
			broken: []string{"out_of_range"}, drifted: true, causedBy: "out_of_range",
		},
		{
			name: "a constant number varies", before: mixed(numbers, 100, always(7.0)), now: today,
			drifted: true, explained: []string{"out_of_range"},
		},
		{name: "one category alone stays so", before: mixed(texts, 100, always("a")), now: mixed(names, 100, always("a"))},
		{
			name: "one category alone gets company", before: mixed(texts, 100, always("a")), now: names,
			broken: []string{"new_categories"}, drifted: true, causedBy: "new_categories",
		},
		{name: "never a value, and still none", before: mixed(numbers, 100, always(nil)), now: mixed(today, 100, always(nil))},
		{name: "the first values ever", before: mixed(numbers, 100, always(nil)), now: today, broken: []string{"appeared"}},
		{name: "the first texts ever", before: mixed(numbers, 100, always(nil)), now: names, broken: []string{"appeared"}},
		{name: "too few events", before: numbers, now: mixed(today[:49], 100, always(nil))},
	} {
		t.Run(story.name, func(t *testing.T) {
			v := judged(t, Default(), story.before, story.now)
			f := v.Features["x"]
			var broken, explained []string
			for _, c := range f.Quality.Checks() {
				if c.Broken {
					broken = append(broken, c.Name)
				}
				if c.ExplainedBy == "drift" {
					explained = append(explained, c.Name)
				}
			}
			if !slices.Equal(broken, story.broken) || !slices.Equal(explained, story.explained) {
				t.Errorf("broken %v, explained by drift %v; want %v and %v", broken, explained, story.broken, story.explained)
			}
			if f.Drifted != story.drifted || f.CausedBy != story.causedBy {
				t.Errorf("drifted %v because of %q, want %v because of %q", f.Drifted, f.CausedBy, story.drifted, story.causedBy)
			}
			if isBroken := len(story.broken) > 0; f.Broken != isBroken || v.Broken != isBroken {
				t.Errorf("broken: feature %v, verdict %v", f.Broken, v.Broken)
			}
			if story.before[0] == nil && f.TypeChanges > 0 {
				t.Errorf("%d values are of another type than none", f.TypeChanges)
			}
			if alone := story.drifted && story.causedBy == ""; v.Drifted != alone {
				t.Errorf("the verdict has drifted: %v", v.Drifted)
			}
			if t.Failed() {
				data, _ := v.Encode(1 << 20)
				t.Logf("%s", data)
			}
		})
	}
}

// How much of a feature is missing varies from window to window. Where the
// reference's windows are known, a rate is broken when it is beyond theirs, be that a
// little more than a steady one or not before nearly all of one that wanders.
func TestMissingRatesAreHeldAgainstTheWindowsOfTheReference(t *testing.T) {
	gaps := func(hour int, wander float64) float64 { return 0.2 + wander*math.Sin(float64(hour)) }
	const hours, hourly = 40, 400
	referenceWith := func(wander float64) *reference.Reference {
		random := rand.New(rand.NewPCG(3, 9))
		column := make([]any, hours*hourly)
		for i := range column {
			if random.Float64() >= gaps(i/hourly, wander) {
				column[i] = random.NormFloat64()
			}
		}
		return tableReference(t, table{"x": column}, 1000, hourly)
	}
	steady, wandering := referenceWith(0), referenceWith(0.15)
	for _, c := range []struct {
		name      string
		reference *reference.Reference
		missing   float64
		broken    bool
	}{
		{"steady, the same", steady, 0.2, false},
		{"steady, more", steady, 0.3, true},
		{"wandering, as far as it does", wandering, 0.35, false},
		{"wandering, the double", wandering, 0.45, false},
		{"wandering, far beyond", wandering, 0.7, true},
	} {
		random := rand.New(rand.NewPCG(4, 4))
		column := make([]any, 2000)
		for i := range column {
			if float64(i) >= c.missing*2000 {
				column[i] = random.NormFloat64()
			}
		}
		v := Compare(Case{Window: tableWindow(table{"x": column}, c.reference, 100), Reference: c.reference}, Default())
		check := v.Features["x"].Quality.Missing
		if check.Broken != c.broken || v.Broken != c.broken {
			t.Errorf("%s: %v missing, %v in the reference with %+v: broken %v", c.name, check.Rate, check.ReferenceRate, c.reference.Feature("x").Calibration.Missing, check.Broken)
		}
	}
}

// The shares of tails wander with the values, where those close in time are alike: a
// few windows in a hundred have far more outliers than the reference, and hardly any is
// broken. A sentinel is.
func TestTailsOfAutocorrelatedValuesWander(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 1))
	next := autoregressive(random, 0.97)
	const hourly, rounds = 1000, 300
	r := tableReference(t, table{"x": numbers(40*hourly, next)}, 1000, hourly)
	independent := *r
	without := *r.Feature("x")
	without.Calibration = nil
	independent.Features = []*reference.Feature{&without}
	naive, broken := 0, 0
	for range rounds {
		w := tableWindow(table{"x": numbers(hourly, next)}, r, 100)
		if Compare(Case{Window: w, Reference: &independent}, Default()).Broken {
			naive++
		}
		if Compare(Case{Window: w, Reference: r}, Default()).Broken {
			broken++
		}
	}
	if naive < rounds/100 || broken > rounds/100 {
		t.Errorf("of %d windows %d are broken, %d without the windows of the reference", rounds, broken, naive)
	}
	sentinel := numbers(hourly, next)
	for i := 0; i < hourly; i += 3 {
		sentinel[i] = -999.0
	}
	if f := Compare(Case{Window: tableWindow(table{"x": sentinel}, r, 100), Reference: r}, Default()).Features["x"]; f.CausedBy != checkOutOfRange {
		t.Errorf("a sentinel in a third of the values: %+v", f.Quality.OutOfRange)
	}
}
