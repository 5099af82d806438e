package drift

import (
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// TestRejectedBelow: just below the bound the adjusted p-value is below the level,
// just above it is not, whatever the others are.
func TestRejectedBelow(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	for range 3000 {
		p := make([]float64, 1+random.IntN(12))
		for i := range p {
			p[i] = math.Pow(random.Float64(), 1+8*random.Float64())
		}
		level := 0.001 + 0.3*random.Float64()
		i := random.IntN(len(p))
		for _, correction := range []string{CorrectionBH, CorrectionHolm, CorrectionNone} {
			bound := rejectedBelow(correction, p, i, level)
			p[i] = bound * (1 - 1e-9)
			if adjusted := Adjust(correction, p)[i]; adjusted >= level {
				t.Fatalf("%s: %v just below %v gives %v, not below %v", correction, p, bound, adjusted, level)
			}
			p[i] = bound * (1 + 1e-9)
			if adjusted := Adjust(correction, p)[i]; adjusted < level {
				t.Fatalf("%s: %v just above %v gives %v, below %v", correction, p, bound, adjusted, level)
			}
		}
	}
}

// A dailyValues gives numbers, one a day.
type dailyValues struct {
	values []float64
	next   int
	field  [1]windows.Field
}

func (r *dailyValues) Rewind() error { r.next = 0; return nil }

func (r *dailyValues) Next(o *windows.Observation) error {
	if r.next == len(r.values) {
		return io.EOF
	}
	*o = windows.Observation{HasFeatures: true, Features: r.field[:], Time: windows.Timestamp(1 + 86_400*int64(r.next))}
	r.field[0] = windows.Field{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: r.values[r.next]}}
	r.next++
	return nil
}

// TestDetectableIsWhatWouldCount: a window shifted until its D is just above what
// the verdict called detectable counts, one just below does not.
func TestDetectableIsWhatWouldCount(t *testing.T) {
	day, err := windows.ParseSpan("1d")
	if err != nil {
		t.Fatal(err)
	}
	definition := &windows.Definition{Size: day}
	if err := definition.Validate(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(9, 9))
	values := make([]float64, 20_000) // twenty days
	for i := range values {
		values[i] = random.Float64()
	}
	ref, err := reference.BuildInWindows(reference.Fixed, &dailyValues{values: values}, len(values), windows.Limits{Features: 9, Categories: 9}, definition)
	if err != nil {
		t.Fatal(err)
	}
	window := func(shift float64) *windows.Window {
		all := windows.Interval{Start: 0, End: 86_400_000}
		pane := windows.NewPane(windows.PaneKey{}, all, ref.Grid(), 5000, windows.Limits{Features: 9, Categories: 9})
		for i := range 1000 {
			x := shift + (float64(i)+0.5)/1000
			pane.Count(&windows.Observation{HasFeatures: true, Features: []windows.Field{
				{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: x}},
			}}, windows.RowHash(uint64(i)))
		}
		return windows.Merge(all, []windows.Part{{Pane: pane}})
	}
	for _, decision := range []string{DecisionFloor, DecisionMinimumEffect} {
		for _, minEffect := range []float64{0, 0.06, 0.2} {
			for _, budget := range []float64{0, 1e-2, 1e-6} {
				settings := Default()
				settings.Decision, settings.MinEffect, settings.Numeric = decision, minEffect, testKS
				compare := func(shift float64) *Verdict {
					return Compare(Case{Window: window(shift), Reference: ref, Budget: budget}, settings)
				}
				want := compare(0).Detectable(settings)["x"]
				if want.InBudget < want.Effect || want.Effect < minEffect || budget == 0 && want.InBudget != want.Effect {
					t.Fatalf("%s, floor %v, budget %v: %+v", decision, minEffect, budget, want)
				}
				below, above := 0.0, 1.0
				for shift := 0.0; shift < 0.4; shift += 0.002 {
					f := compare(shift).Features["x"]
					if effect := float64(*f.Effect); f.Drifted && f.HeldBack == "" {
						above = min(above, effect)
					} else {
						below = max(below, effect)
					}
				}
				// D moves by two thousandths with every step.
				if want.InBudget < below-4e-3 || want.InBudget > above+4e-3 {
					t.Errorf("%s, floor %v, budget %v: detectable from %v on, but %v does not count and %v does", decision, minEffect, budget, want.InBudget, below, above)
				}
			}
		}
	}
}
