package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// The same two samples, kept whole, counted between quantiles, and sampled: every
// method says how far off it can be, and is not further.
func TestMethodsAgreeWithinTheirErrors(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		before := table{"x": numbers(20_000, normals(random, 0))}
		after := table{"x": numbers(6000, normals(random, random.Float64()))}
		truth := Compare(Case{
			Window: tableWindow(after, nil, 6000), Reference: tableReference(t, before, 20_000, 0),
		}, Default()).Features["x"]
		if truth.Method != methodExact || value(truth.StatisticError) != 0 {
			t.Fatalf("with every value: %s, error %v", truth.Method, value(truth.StatisticError))
		}
		d := value(truth.Statistic)
		for _, c := range []struct {
			method                    string
			reference, window         int // values kept
			grid                      bool
			least, most               float64 // of the statistic, around D
			largestError, pValueRatio float64
		}{
			{methodBinned, 10_000, 1000, true, d - 0.002, d, 0.002, 0},
			{methodSampled, 10_000, 1000, false, d - 0.1, d + 0.1, 0.1, 0},
		} {
			r := tableReference(t, before, c.reference, 0)
			grid := r
			if !c.grid {
				grid = nil
			}
			f := Compare(Case{Window: tableWindow(after, grid, c.window), Reference: r}, Default()).Features["x"]
			statistic, err := value(f.Statistic), value(f.StatisticError)
			if f.Method != c.method || !(err > 0) || err > c.largestError {
				t.Errorf("%s: method %s, error %v", c.method, f.Method, err)
			}
			if statistic < c.least || statistic > c.most+1e-12 || math.Abs(d-statistic) > err+1e-12 {
				t.Errorf("%s: D of %v was taken for %v ± %v", c.method, d, statistic, err)
			}
			if f.N != 6000 || truth.N != 6000 {
				t.Errorf("%s: n is %d", c.method, f.N)
			}
		}
	}
}

// Where the reference is a sample and the window is counted on its grid, all of
// the window is compared with that sample, not one sample with the other.
func TestAllOfAWindowIsComparedWithASampledReference(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	r := tableReference(t, table{"x": numbers(50_000, normals(random, 0))}, 10_000, 0)
	// Only a reference made of windows knows counts of its sample alone.
	f := r.Feature("x")
	f.Counted = 10_000
	f.Counts = make([]uint64, len(f.Edges)+1)
	grid := r.Grid().Feature("x")
	for _, v := range f.Sample {
		f.Counts[grid.Bin(v)]++
	}
	got := Compare(Case{Window: tableWindow(table{"x": numbers(5000, normals(random, 0.1))}, r, 64), Reference: r}, Default()).Features["x"]
	if err := value(got.StatisticError); got.Method != methodSampled || err < 0.016 || err > 0.02 {
		t.Errorf("method %s, error %v: that of a sample of 10,000 is 0.0163", got.Method, err)
	}
	if p := value(got.P); p > 0.001 {
		t.Errorf("a shift of 0.1 in 5,000 values has p = %v, as if 64 had been compared", p)
	}
}

// Every measure, from samples and from bins: nearly the same, and as published.
func TestMeasures(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	before, after := table{"x": numbers(30_000, normals(random, 0))}, table{"x": numbers(30_000, normals(random, 0.3))}
	s := Default()
	s.Measures = AllMeasures()
	whole := tableReference(t, before, 30_000, 0)
	exact := Compare(Case{Window: tableWindow(after, whole, 30_000), Reference: whole}, s).Features["x"]
	r := tableReference(t, before, 1000, 0)
	binned := Compare(Case{Window: tableWindow(after, r, 100), Reference: r}, s).Features["x"]
	if exact.Method != methodExact || binned.Method != methodBinned {
		t.Fatalf("methods %s and %s", exact.Method, binned.Method)
	}
	for _, c := range []struct {
		name          string
		exact, binned *Number
		about         float64 // for a shift of 0.3 standard deviations
	}{
		{"psi", exact.Measures.PSI, binned.Measures.PSI, 0.087},
		{"wasserstein", exact.Measures.Wasserstein, binned.Measures.Wasserstein, 0.3},
		{"wasserstein_normed", exact.Measures.NormedWasserstein, binned.Measures.NormedWasserstein, 0.3},
		{"jensen_shannon", exact.Measures.JensenShannon, binned.Measures.JensenShannon, 0.124},
		{"hellinger", exact.Measures.Hellinger, binned.Measures.Hellinger, 0.104},
		{"total_variation", exact.Measures.TotalVariation, binned.Measures.TotalVariation, 0.117},
	} {
		a, b := value(c.exact), value(c.binned)
		if math.Abs(a/c.about-1) > 0.1 || math.Abs(a/b-1) > 0.01 {
			t.Errorf("%s: %v of all values, %v of bins, about %v expected", c.name, a, b, c.about)
		}
	}
	s.Measures = []string{measureHellinger}
	one := Compare(Case{Window: tableWindow(after, r, 100), Reference: r}, s).Features["x"].Measures
	if *one != (Measures{Hellinger: one.Hellinger}) || one.Hellinger == nil {
		t.Errorf("asked for one measure: %+v", one)
	}
	s.Measures = []string{}
	if none := Compare(Case{Window: tableWindow(after, r, 100), Reference: r}, s).Features["x"].Measures; none != nil {
		t.Errorf("asked for none: %+v", none)
	}
}

// Quantiles of binned values are read off the bins, and are those of all values.
func TestQuantilesOfBins(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	before, after := table{"x": numbers(40_000, normals(random, 0))}, table{"x": numbers(40_000, normals(random, 1))}
	whole, r := tableReference(t, before, 40_000, 0), tableReference(t, before, 100, 0)
	exact := Compare(Case{Window: tableWindow(after, whole, 40_000), Reference: whole}, Default()).Features["x"].Quantiles
	binned := Compare(Case{Window: tableWindow(after, r, 100), Reference: r}, Default()).Features["x"].Quantiles
	for i, p := range exact.P {
		if i == 0 || i == len(exact.P)-1 {
			if exact.Current[i] != binned.Current[i] || exact.Reference[i] != binned.Reference[i] {
				t.Errorf("the extremes differ: %v, %v", exact, binned)
			}
			continue
		}
		// Above 3 standard deviations of the reference a bin is all there is.
		if math.Abs(exact.Reference[i]-binned.Reference[i]) > 0.02 || math.Abs(exact.Current[i]-binned.Current[i]) > 0.03 {
			t.Errorf("quantile %v: %v and %v of all values, %v and %v of bins", p, exact.Reference[i], exact.Current[i], binned.Reference[i], binned.Current[i])
		}
	}
}

// A test by a measure takes its size from the measure, and whether it is noise
// from the test that goes with it.
func TestTestsByMeasures(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	before := table{"x": numbers(5000, normals(random, 0)), "c": numbers(5000, func() float64 { return float64(random.IntN(4)) })}
	after := table{"x": numbers(3000, normals(random, 0.3)), "c": numbers(3000, func() float64 { return float64(random.IntN(5)) })}
	for i := range before["c"] {
		before["c"][i] = string(rune('a' + int(before["c"][i].(float64))))
	}
	for i := range after["c"] {
		after["c"][i] = string(rune('a' + int(after["c"][i].(float64))))
	}
	r := tableReference(t, before, 5000, 0)
	w := tableWindow(after, r, 3000)
	plain := Compare(Case{Window: w, Reference: r}, Default())
	for _, name := range NumericTests() {
		if name == testChi2 {
			continue // of values that are all different it can say nothing
		}
		s := Default()
		s.Numeric, s.Measures = name, AllMeasures()
		f := Compare(Case{Window: w, Reference: r}, s).Features["x"]
		effect := value(f.Effect)
		want := map[string]float64{
			testAuto: value(plain.Features["x"].Effect), testKS: value(plain.Features["x"].Effect), testPSI: value(f.Measures.PSI),
			testWasserstein: value(f.Measures.NormedWasserstein), testJensenShannon: value(f.Measures.JensenShannon),
			testHellinger: value(f.Measures.Hellinger), testTotalVariation: value(f.Measures.TotalVariation),
		}[name]
		if effect != want || !f.Drifted && effect >= 0.1 || f.Drifted && effect < 0.1 {
			t.Errorf("%s: effect %v, want %v, drifted %v", name, effect, want, f.Drifted)
		}
		if p := value(f.P); !(p < 1e-10) {
			t.Errorf("%s: p = %v", name, p)
		}
	}
	for _, name := range CategoricalTests() {
		s := Default()
		s.Categorical = name
		f := Compare(Case{Window: w, Reference: r}, s).Features["c"]
		if f.Test != name || !f.Drifted || !slices.Equal(f.NewCategories, []string{"e"}) || value(f.P) != value(plain.Features["c"].P) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// A feature can have settings of its own.
func TestAFeatureHasItsOwnSettings(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 6))
	before := table{"loose": numbers(3000, normals(random, 0)), "strict": numbers(3000, normals(random, 0)), "few": numbers(3000, normals(random, 0))}
	after := table{"loose": numbers(2000, normals(random, 0.4)), "strict": numbers(2000, normals(random, 0.4)), "few": numbers(2000, normals(random, 0.4))}
	loose, few := Default(), Default()
	loose.MinEffect = 0.5
	few.MinEvents = 5000
	s := Default()
	s.Feature = func(name string) *Settings { return map[string]*Settings{"loose": &loose, "few": &few}[name] }
	r := tableReference(t, before, 3000, 0)
	v := Compare(Case{Window: tableWindow(after, r, 2000), Reference: r}, s)
	if v.Features["loose"].Drifted || !v.Features["strict"].Drifted || v.Features["few"].Test != "" {
		t.Errorf("loose drifted: %v, strict drifted: %v, few: %q", v.Features["loose"].Drifted, v.Features["strict"].Drifted, v.Features["few"].Untested)
	}
}

// With ties the p-value of continuous data is too large, and the one given the
// ties is what Schröer and Trenkler's law says.
func TestTies(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	draw := func() float64 { return float64(random.IntN(20)) }
	before, after := table{"x": numbers(400, draw)}, table{"x": numbers(300, draw)}
	r := tableReference(t, before, 400, 0)
	w := tableWindow(after, r, 300)
	s := Default()
	continuous := Compare(Case{Window: w, Reference: r}, s).Features["x"]
	s.Ties = TiesExact
	exact := Compare(Case{Window: w, Reference: r}, s).Features["x"]
	result := twosample.KS(r.Feature("x").Sample, w.Feature("x").Sample.Sorted())
	want := twosample.KSExactTied(r.Feature("x").Sample, w.Feature("x").Sample.Sorted(), result.H).P
	if exact.PMethod != "exact_tied" || value(exact.P) != want || !(value(exact.P) < value(continuous.P)) || continuous.PMethod != "exact" {
		t.Errorf("continuous %v (%s), exact %v (%s), want %v", value(continuous.P), continuous.PMethod, value(exact.P), exact.PMethod, want)
	}
}
