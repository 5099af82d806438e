package drift

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// What is significant and small has not drifted, nor what is large and may be
// noise.
func TestDriftIsImprobableAndLarge(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 1))
	before := table{"quiet": numbers(50_000, normals(random, 0)), "small": numbers(50_000, normals(random, 0)), "large": numbers(50_000, normals(random, 0))}
	after := table{"quiet": numbers(20_000, normals(random, 0)), "small": numbers(20_000, normals(random, 0.1)), "large": numbers(20_000, normals(random, 0.5))}
	r := tableReference(t, before, 1000, 0)
	v := Compare(Case{Window: tableWindow(after, r, 100), Reference: r}, Default())
	if f := v.Features["small"]; f.Drifted || value(f.Adjusted) > 1e-10 {
		t.Errorf("a small shift: p %v, effect %v, drifted %v", value(f.Adjusted), value(f.Effect), f.Drifted)
	}
	if f := v.Features["large"]; !f.Drifted {
		t.Errorf("a large shift: p %v, effect %v", value(f.Adjusted), value(f.Effect))
	}
	if v.Features["quiet"].Drifted || !v.Drifted {
		t.Errorf("quiet drifted: %v; the verdict: %v", v.Features["quiet"].Drifted, v.Drifted)
	}
	noise := Compare(Case{
		Window: tableWindow(table{"quiet": numbers(60, normals(random, 0.1)), "small": numbers(60, normals(random, 0)), "large": numbers(60, normals(random, 0))}, r, 100), Reference: r,
	}, Default())
	for name, f := range noise.Features {
		if f.Drifted {
			t.Errorf("%s of 60 values drifted: p %v, effect %v", name, value(f.Adjusted), value(f.Effect))
		}
	}
}

// A shift whose D is just below the floor: its sample goes above it every other
// time in small windows, which the floor takes for drift and the minimum effect does
// not.
func TestAMinimumEffectIsNotExceededByNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 1))
	r := tableReference(t, table{"x": numbers(50_000, normals(random, 0))}, 50_000, 0)
	floor, minimum := Default(), Default()
	minimum.Decision = DecisionMinimumEffect
	const rounds = 200
	byFloor, byMinimum, beyond := 0, 0, 0
	for range rounds {
		below := tableWindow(table{"x": numbers(1000, normals(random, 0.24))}, r, 1000) // D 0.0955
		if Compare(Case{Window: below, Reference: r}, floor).Drifted {
			byFloor++
		}
		v := Compare(Case{Window: below, Reference: r}, minimum)
		if v.Drifted {
			byMinimum++
		}
		if p := value(v.Features["x"].MinimumEffectP); !(p > value(v.Features["x"].P)) {
			t.Fatalf("the p-value of an effect beyond the floor is %v", p)
		}
		above := tableWindow(table{"x": numbers(1000, normals(random, 0.5))}, r, 1000) // D 0.197
		if Compare(Case{Window: above, Reference: r}, minimum).Drifted {
			beyond++
		}
	}
	if byFloor < rounds/4 || byMinimum > rounds*5/100 || beyond < rounds*95/100 {
		t.Errorf("of %d windows below the floor it took %d for drift, the minimum effect %d; of as many far above it %d", rounds, byFloor, byMinimum, beyond)
	}
}

// Bins leave open whether D reaches the floor: the verdict says so, and only then.
func TestUndecided(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 1))
	r := tableReference(t, table{"x": numbers(50_000, normals(random, 0))}, 100, 0)
	w := tableWindow(table{"x": numbers(20_000, normals(random, 0.3))}, r, 100)
	f := Compare(Case{Window: w, Reference: r}, Default()).Features["x"]
	d, err := value(f.Statistic), value(f.StatisticError)
	if f.Method != methodBinned || !f.Drifted || f.Undecided {
		t.Fatalf("%s, drifted %v, undecided %v", f.Method, f.Drifted, f.Undecided)
	}
	for _, c := range []struct {
		floor              float64
		drifted, undecided bool
	}{
		{d, true, false},
		{d + err/2, false, true},
		{d + 2*err, false, false},
	} {
		s := Default()
		s.MinEffect = c.floor
		f := Compare(Case{Window: w, Reference: r}, s).Features["x"]
		if f.Drifted != c.drifted || f.Undecided != c.undecided {
			t.Errorf("D in [%v, %v], a floor of %v: drifted %v, undecided %v", d, d+err, c.floor, f.Drifted, f.Undecided)
		}
	}
	// A sample can be off both ways.
	sampled := tableWindow(table{"x": numbers(20_000, normals(random, 0.3))}, nil, 2000)
	f = Compare(Case{Window: sampled, Reference: r}, Default()).Features["x"]
	if f.Method != methodSampled || f.Drifted && !f.Undecided {
		t.Errorf("%s: %v ± %v, drifted %v, undecided %v", f.Method, value(f.Statistic), value(f.StatisticError), f.Drifted, f.Undecided)
	}
	// With every value there is nothing to leave open.
	whole := tableReference(t, table{"x": numbers(5000, normals(random, 0))}, 5000, 0)
	s := Default()
	for s.MinEffect = 0.01; s.MinEffect < 0.3; s.MinEffect += 0.001 {
		if Compare(Case{Window: tableWindow(table{"x": numbers(500, normals(random, 0.3))}, whole, 500), Reference: whole}, s).Features["x"].Undecided {
			t.Fatalf("an exact statistic is undecided at a floor of %v", s.MinEffect)
		}
	}
}

// Windows of an autocorrelated feature differ so much from each other that the
// tests of independent values find drift in most. Held against what the reference's
// own windows show, hardly any counts towards an alert; a real shift does.
func TestAWindowIsHeldAgainstWhatIsUsual(t *testing.T) {
	random := rand.New(rand.NewPCG(14, 1))
	next := autoregressive(random, 0.97)
	r := tableReference(t, table{"x": numbers(60*500, next)}, 2000, 500)
	c := r.Feature("x").Calibration
	if c == nil || c.Windows != 60 {
		t.Fatalf("the reference's calibration is %+v", c)
	}
	const rounds = 300
	drifted, counted, found := 0, 0, 0
	for range rounds {
		v := Compare(Case{Window: tableWindow(table{"x": numbers(500, next)}, r, 100), Reference: r}, Default())
		f := v.Features["x"]
		if f.Calibration == nil || f.Calibration.Windows != 60 || !(f.Calibration.Inflation > 5) || value(f.Calibration.P) < value(f.P) {
			t.Fatalf("the verdict says of the calibration: %+v", f.Calibration)
		}
		if f.Drifted {
			drifted++
			if f.HeldBack == "" {
				counted++
			} else if f.HeldBack != HeldWithinUsual {
				t.Fatalf("held back for %q", f.HeldBack)
			}
		}
		shifted := Compare(Case{Window: tableWindow(table{"x": numbers(500, func() float64 { return next() + 2 })}, r, 100), Reference: r}, Default())
		if f := shifted.Features["x"]; f.Drifted && f.HeldBack == "" {
			found++
		}
	}
	if drifted < rounds/2 || counted > rounds*4/100 || found < rounds*95/100 {
		t.Errorf("of %d windows %d drifted and %d counted; of as many shifted by two standard deviations %d counted", rounds, drifted, counted, found)
	}
}

// A budget is a level of its own, and what it holds back has drifted all the same.
func TestABudgetHoldsBack(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 1))
	r := tableReference(t, table{"x": numbers(40*500, normals(random, 0))}, 2000, 500)
	w := tableWindow(table{"x": numbers(500, normals(random, 0.35))}, r, 100)
	plain := Compare(Case{Window: w, Reference: r}, Default())
	if f := plain.Features["x"]; !f.Drifted || f.HeldBack != "" || f.BudgetP != nil || plain.Level != nil {
		t.Fatalf("without a budget: %+v", f)
	}
	for _, c := range []struct {
		level float64
		held  string
	}{{0.02, ""}, {1e-12, HeldWithinBudget}} {
		v := Compare(Case{Window: w, Reference: r, Budget: c.level}, Default())
		f := v.Features["x"]
		if !f.Drifted || f.HeldBack != c.held || value(v.Level) != driftBudget(c.level) || value(f.BudgetP) != value(f.Calibration.P) {
			t.Errorf("at a level of %v: %+v, held back %q", c.level, f, f.HeldBack)
		}
		if value(f.P) != value(plain.Features["x"].P) || value(f.Adjusted) != value(plain.Features["x"].Adjusted) {
			t.Error("a budget changed the p-value of the test")
		}
	}
}

// A verdict says what it is worth: a reference that is too small, and a budget that
// cannot be kept to, or never be exceeded.
func TestWarnings(t *testing.T) {
	random := rand.New(rand.NewPCG(16, 1))
	small := tableReference(t, table{"x": numbers(2000, normals(random, 0)), "c": numbers(2000, normals(random, 0))}, 2000, 0)
	w := table{"x": numbers(500, normals(random, 0)), "c": numbers(150, normals(random, 0))}
	for len(w["c"]) < 500 {
		w["c"] = append(w["c"], nil)
	}
	v := Compare(Case{Window: tableWindow(w, small, 500), Reference: small}, Default())
	if len(v.Warnings) != 1 || !strings.HasPrefix(v.Warnings[0], "1 of 2 features: the reference has fewer than ten times") {
		t.Errorf("a small reference: %q", v.Warnings)
	}
	v = Compare(Case{Window: tableWindow(w, small, 500), Reference: small, Budget: 0.02}, Default())
	if len(v.Warnings) != 2 || !strings.HasPrefix(v.Warnings[1], "2 of 2 features: the budget allows for independent values only") {
		t.Errorf("a budget without calibration: %q", v.Warnings)
	}
	few := tableReference(t, table{"x": numbers(6*1000, normals(random, 0))}, 6000, 1000)
	window := tableWindow(table{"x": numbers(500, normals(random, 0))}, few, 500)
	if v := Compare(Case{Window: window, Reference: few, Budget: 0.02}, Default()); len(v.Warnings) != 0 {
		t.Errorf("a budget that can be exceeded: %q", v.Warnings)
	}
	if v := Compare(Case{Window: window, Reference: few, Budget: 1e-9}, Default()); len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "too few windows") {
		t.Errorf("a budget that cannot: %q", v.Warnings)
	}
}
