package twosample

import (
	"math"
	"testing"
)

// overVariance integrates a tail given the variance over what the variance may
// be when windows give an estimate of 1: windows/variance is a chi-square
// variable with so many degrees of freedom. By the substitution variance = eᵘ, in
// small steps.
func overVariance(windows int, tail func(variance float64) float64) float64 {
	nu := float64(windows)
	logGamma, _ := math.Lgamma(nu / 2)
	total := 0.0
	const step = 1e-3
	for u := -12.0; u < 25; u += step {
		c := nu * math.Exp(-u) // the chi-square variable
		density := math.Exp(nu/2*math.Log(c/2) - c/2 - logGamma)
		total += step * density * tail(math.Exp(u))
	}
	return total
}

func TestKSCalibratedIsTheTailOverWhatTheVarianceMayBe(t *testing.T) {
	for _, windows := range []int{3, 8, 24, 200} {
		for _, inflation := range []float64{1, 3.5, 40} {
			for _, d := range []float64{0.02, 0.05, 0.1, 0.3} {
				const size = 500.0
				want := overVariance(windows, func(variance float64) float64 {
					return 2 * math.Exp(-2*size*d*d/(inflation*variance))
				})
				got := KSCalibrated(d, size, inflation, windows)
				if relative(got.P, min(1, want)) > 1e-6 {
					t.Errorf("d %v, inflation %v of %d windows: %v, integrated %v", d, inflation, windows, got.P, want)
				}
			}
		}
	}
}

func TestChiSquareCalibratedIsTheTailOverWhatTheVarianceMayBe(t *testing.T) {
	for _, windows := range []int{3, 8, 24, 200} {
		for _, degrees := range []int{1, 2, 9, 60} {
			for _, statistic := range []float64{0.5, 4, 30, 200} {
				const inflation = 2.5
				want := overVariance(windows, func(variance float64) float64 {
					return gammaTail(float64(degrees)/2, statistic/(inflation*variance)/2, Asymptotic).P
				})
				got := ChiSquareCalibrated(statistic, degrees, inflation, windows)
				if relative(got.P, want) > 1e-6 {
					t.Errorf("statistic %v, %d degrees of freedom, %d windows: %v, integrated %v", statistic, degrees, windows, got.P, want)
				}
			}
		}
	}
}

func TestZCalibratedIsStudents(t *testing.T) {
	for _, z := range []float64{0.1, 1, 3, 20} {
		// With one degree of freedom Student's law is Cauchy's; with two it is
		// algebraic (Student 1908).
		if got, want := ZCalibrated(z, 1, 1).P, 1-2*math.Atan(z)/math.Pi; relative(got, want) > 1e-12 {
			t.Errorf("z %v of one window: %v, want %v", z, got, want)
		}
		want := 1 - z/math.Sqrt(2+z*z)
		if got := ZCalibrated(-2*z, 4, 2).P; relative(got, want) > 1e-12 {
			t.Errorf("z %v of two windows: %v, want %v", z, got, want)
		}
	}
}

func TestCalibratedTailsWithManyWindowsAreThoseOfAKnownVariance(t *testing.T) {
	for _, windows := range []int{1e9, math.MaxInt} {
		for _, x := range []float64{0.3, 1, 4, 12} {
			for name, pair := range map[string][2]PValue{
				"KS":         {KSCalibrated(x/30, 2000, 2, windows), logPValue(math.Ln2-2*2000*x*x/900/2, Calibrated)},
				"chi-square": {ChiSquareCalibrated(3*x, 3, 3, windows), gammaTail(1.5, x/2, Asymptotic)},
				"z":          {ZCalibrated(2*x, 4, windows), normalTails(x)},
			} {
				if got, want := pair[0], pair[1]; math.Abs(got.LogP-want.LogP) > 1e-5*max(1, -want.LogP) {
					t.Errorf("%s, x %v, %d windows: log p %v, want %v", name, x, windows, got.LogP, want.LogP)
				}
			}
		}
	}
}

func TestCalibratedTailsFallAndRise(t *testing.T) {
	tails := map[string]func(x, inflation float64, windows int) PValue{
		"KS":         func(x, inflation float64, windows int) PValue { return KSCalibrated(x/100, 2000, inflation, windows) },
		"chi-square": func(x, inflation float64, windows int) PValue { return ChiSquareCalibrated(x*x, 7, inflation, windows) },
		"z":          ZCalibrated,
	}
	for name, tail := range tails {
		for _, windows := range []int{1, 2, 5, 20, 1000, 1e6} {
			before := 0.0
			for x := 0.5; x < 2000; x *= 1.3 {
				p := tail(x, 1.5, windows)
				// Larger statistics are rarer; more inflation makes them less so.
				if p.LogP > before || p.LogP > tail(x, 3, windows).LogP || math.IsInf(p.LogP, 0) || p.Method != Calibrated {
					t.Errorf("%s, x %v of %d windows: %+v, before %v, with twice the inflation %+v", name, x, windows, p, before, tail(x, 3, windows))
				}
				if relative(p.P, math.Exp(p.LogP)) > 1e-15 && p.P != 0 {
					t.Errorf("%s, x %v of %d windows: %+v", name, x, windows, p)
				}
				before = p.LogP
			}
		}
		// Far out, an estimate from few windows bounds p less than one from many.
		if few, many := tail(200, 1.5, 5), tail(200, 1.5, 50); few.LogP <= many.LogP {
			t.Errorf("%s: log p %v of 5 windows, %v of 50", name, few.LogP, many.LogP)
		}
	}
}

func TestCalibratedSpecialCases(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name string
		got  PValue
		want float64
	}{
		{"no distance", KSCalibrated(0, 100, 1, 8), 1},
		{"a distance below 0", KSCalibrated(-0.1, 100, 1, 8), 1},
		{"NaN distance", KSCalibrated(nan, 100, 1, 8), nan},
		{"NaN size", KSCalibrated(0.1, nan, 1, 8), nan},
		{"no windows", KSCalibrated(0.1, 100, 1, 0), nan},
		{"no inflation", KSCalibrated(0.1, 100, 0, 8), nan},
		{"NaN inflation", KSCalibrated(0.1, 100, nan, 8), nan},
		{"no statistic", ChiSquareCalibrated(0, 3, 1, 8), 1},
		{"no degrees of freedom", ChiSquareCalibrated(3, 0, 1, 8), 1},
		{"NaN statistic", ChiSquareCalibrated(nan, 3, 1, 8), nan},
		{"chi-square of no windows", ChiSquareCalibrated(3, 3, 1, 0), nan},
		{"chi-square without inflation", ChiSquareCalibrated(3, 3, -1, 8), nan},
		{"an infinite statistic", ChiSquareCalibrated(math.Inf(1), 3, 1, 8), 0},
		{"z of 0", ZCalibrated(0, 1, 8), 1},
		{"NaN z", ZCalibrated(nan, 1, 8), nan},
	} {
		if c.got.P != c.want && !(math.IsNaN(c.got.P) && math.IsNaN(c.want)) || c.got.Method != Calibrated {
			t.Errorf("%s: %+v, want %v", c.name, c.got, c.want)
		}
	}
}
