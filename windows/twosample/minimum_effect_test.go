package twosample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestKSMinimumEffect(t *testing.T) {
	for _, c := range []struct {
		name     string
		n, m     int
		d, delta float64
		want     PValue
	}{
		{"no tolerance is the plain test", 700, 900, 0.08, 0, KSAsymptotic(700, 900, 0.08)},
		{"a distance within the tolerance", 700, 900, 0.1, 0.1, pValue(1, Asymptotic)},
		{"a distance far within", 700, 900, 0.01, 0.1, pValue(1, Asymptotic)},
		{"what is beyond the tolerance counts", 700, 900, 0.25, 0.125, KSAsymptotic(700, 900, 0.125)},
		{"a tolerance below 0", 700, 900, 0.1, -0.1, noPValue(Asymptotic)},
		{"NaN", 700, 900, 0.1, math.NaN(), noPValue(Asymptotic)},
		{"an empty sample", 0, 900, 0.1, 0.05, noPValue(Asymptotic)},
	} {
		got := KSMinimumEffect(c.n, c.m, c.d, c.delta)
		if got != c.want && !(math.IsNaN(got.P) && math.IsNaN(c.want.P)) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// uniformBetween draws a sorted sample of a distribution function that is made
// of straight lines through the given points, from (0, 0) to (1, 1).
func uniformBetween(random *rand.Rand, n int, points [][2]float64) []float64 {
	sample := make([]float64, n)
	for i := range sample {
		u := random.Float64()
		k := 1
		for points[k][1] < u {
			k++
		}
		low, high := points[k-1], points[k]
		sample[i] = low[0] + (high[0]-low[0])*(u-low[1])/(high[1]-low[1])
	}
	slices.Sort(sample)
	return sample
}

// Pairs of distributions exactly delta apart, in ways that differ in where and
// on what stretch. The share of p-values at or below α must not exceed it.
func TestKSMinimumEffectHoldsItsLevelAtTheBound(t *testing.T) {
	uniform := [][2]float64{{0, 0}, {1, 1}}
	for _, c := range []struct {
		name  string
		other [][2]float64
		delta float64
	}{
		{"apart at the median", [][2]float64{{0, 0}, {0.5, 0.6}, {1, 1}}, 0.1},
		{"apart in a tail", [][2]float64{{0, 0}, {0.1, 0.2}, {1, 1}}, 0.1},
		{"apart on a long stretch", [][2]float64{{0, 0}, {0.1, 0.2}, {0.8, 0.9}, {1, 1}}, 0.1},
		{"apart on both sides", [][2]float64{{0, 0}, {0.2, 0.3}, {0.5, 0.5}, {0.8, 0.7}, {1, 1}}, 0.1},
		{"hardly apart", [][2]float64{{0, 0}, {0.5, 0.501}, {1, 1}}, 0.001},
	} {
		for _, sizes := range [][2]int{{200, 200}, {500, 150}} {
			random := rand.New(rand.NewPCG(109, uint64(sizes[0])))
			const rounds = 600
			counts := map[float64]int{0.05: 0, 0.2: 0}
			for range rounds {
				x, y := uniformBetween(random, sizes[0], uniform), uniformBetween(random, sizes[1], c.other)
				p := KSMinimumEffect(sizes[0], sizes[1], KS(x, y).D, c.delta).P
				for level := range counts {
					if p <= level {
						counts[level]++
					}
				}
			}
			for level, count := range counts {
				// Three standard errors of a share that is the level.
				if most := level*rounds + 3*math.Sqrt(level*(1-level)*rounds); float64(count) > most {
					t.Errorf("%s, %v: p is at most %v in %d of %d", c.name, sizes, level, count, rounds)
				}
			}
		}
	}
}

func TestKSMinimumEffectSeesWhatIsFurtherApart(t *testing.T) {
	random := rand.New(rand.NewPCG(113, 127))
	found := 0
	for range 200 {
		x := uniformBetween(random, 2000, [][2]float64{{0, 0}, {1, 1}})
		y := uniformBetween(random, 2000, [][2]float64{{0, 0}, {0.4, 0.6}, {1, 1}})
		if KSMinimumEffect(2000, 2000, KS(x, y).D, 0.1).P < 0.01 {
			found++
		}
	}
	if found < 190 {
		t.Errorf("a distance of 0.2 was told from one of 0.1 in %d of 200 samples of 2,000", found)
	}
}

func TestChiSquareMinimumEffect(t *testing.T) {
	// With one degree of freedom the statistic is the square of a normal variable
	// with mean √λ.
	for _, x := range []float64{0.5, 3, 20, 400} {
		const n, m, delta = 3000, 5000, 0.04
		root := math.Sqrt((n + m) * delta * delta)
		want := math.Erfc((math.Sqrt(x)-root)/math.Sqrt2)/2 + math.Erfc((math.Sqrt(x)+root)/math.Sqrt2)/2
		if got := ChiSquareMinimumEffect(x, 1, n, m, delta); relative(got.P, want) > 1e-10 {
			t.Errorf("statistic %v: %+v, want %v", x, got, want)
		}
	}
	nan := math.NaN()
	for _, c := range []struct {
		name      string
		got, want PValue
	}{
		{"no tolerance is the plain test", ChiSquareMinimumEffect(20, 6, 300, 300, 0), gammaTail(3, 10, Asymptotic)},
		{"no degrees of freedom", ChiSquareMinimumEffect(20, 0, 300, 300, 0.1), pValue(1, Asymptotic)},
		{"no statistic", ChiSquareMinimumEffect(0, 5, 300, 300, 0.1), pValue(1, Asymptotic)},
		{"a tolerance of all there is", ChiSquareMinimumEffect(600, 5, 300, 300, 1), pValue(1, Asymptotic)},
		{"an infinite tolerance", ChiSquareMinimumEffect(9, 5, 300, 300, math.Inf(1)), pValue(1, Asymptotic)},
		{"an infinite statistic", ChiSquareMinimumEffect(math.Inf(1), 5, 300, 300, 0.1), logPValue(math.Inf(-1), Asymptotic)},
		{"a statistic no table has", ChiSquareMinimumEffect(math.MaxFloat64, 5, 300, 300, 0.1), ChiSquareMinimumEffect(600, 5, 300, 300, 0.1)},
		{"NaN statistic", ChiSquareMinimumEffect(nan, 5, 300, 300, 0.1), noPValue(Asymptotic)},
		{"a tolerance below 0", ChiSquareMinimumEffect(9, 5, 300, 300, -0.1), noPValue(Asymptotic)},
	} {
		if c.got != c.want && !(math.IsNaN(c.got.P) && math.IsNaN(c.want.P)) {
			t.Errorf("%s: %+v, want %+v", c.name, c.got, c.want)
		}
	}
}

// However many terms there are, the tail is close to a normal one of a power of
// the statistic.
func TestNonCentralTailIsNearlyThatOfANormalPower(t *testing.T) {
	for _, centre := range []float64{1, 50, 600, 1e4, 1e6, 1e8} {
		for _, degrees := range []float64{1, 9, 500} {
			// Sankaran (1963): a power of the statistic is nearly normal.
			s := degrees + centre
			h := 1 - 2*s*(degrees+3*centre)/(3*(degrees+2*centre)*(degrees+2*centre))
			spread := (degrees + 2*centre) / (s * s)
			before := 0.0
			for _, z := range []float64{-3, -1, 0, 1, 3, 6} {
				mean := 1 + h*spread*(h-1)*(1-(2-h)*(1-3*h)*spread/2)
				deviation := h * math.Sqrt(2*spread) * (1 + (h-1)*(1-3*h)*spread/2)
				x := s * math.Pow(max(0, mean+z*deviation), 1/h)
				got := nonCentralTail(degrees/2, centre/2, x/2)
				want := math.Erfc(z/math.Sqrt2) / 2
				if got.LogP > before || x > 0 && degrees+centre > 40 && relative(got.P, want) > 0.02*(1+math.Abs(z)) {
					t.Errorf("%v degrees of freedom, non-centrality %v, x %v: %+v, about %v", degrees, centre, x, got, want)
				}
				before = got.LogP
			}
		}
	}
}
