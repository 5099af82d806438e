package twosample

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// everyTable visits all tables with the margins of one, each with the share of
// the assignments of values to the two samples that give it.
func everyTable(reference, current []uint64, visit func(first []uint64, share float64)) {
	n, m, _ := sameBins(reference, current)
	columns := make([]uint64, len(reference))
	for i := range columns {
		columns[i] = reference[i] + current[i]
	}
	table := make([]uint64, len(columns))
	logChoose := func(n, k uint64) float64 {
		ways, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(n), int64(k))).Float64()
		return math.Log(ways)
	}
	logAll := logChoose(n+m, n)
	var fill func(i int, left uint64, logWays float64)
	fill = func(i int, left uint64, logWays float64) {
		if i == len(columns) {
			if left == 0 {
				visit(table, math.Exp(logWays-logAll))
			}
			return
		}
		for a := uint64(0); a <= min(columns[i], left); a++ {
			table[i] = a
			fill(i+1, left-a, logWays+logChoose(columns[i], a))
		}
	}
	fill(0, n, 0)
}

// exactConditional is the share of tables with the same margins whose statistic
// is at least as large, and its mean and variance over all of them.
func exactConditional(reference, current []uint64) (p, mean, variance float64) {
	observed := ChiSquare(reference, current).Statistic
	second := 0.0
	rest := make([]uint64, len(reference))
	everyTable(reference, current, func(first []uint64, share float64) {
		for i := range rest {
			rest[i] = reference[i] + current[i] - first[i]
		}
		s := ChiSquare(first, rest).Statistic
		mean += share * s
		second += share * s * s
		if s >= observed*(1-1e-10) {
			p += share
		}
	})
	return p, mean, second - mean*mean
}

var sparseTables = [][2][]uint64{
	{{10, 3, 1}, {12, 0, 0}},
	{{20, 5, 1, 1, 0}, {9, 3, 0, 2, 1}},
	{{1, 1, 1, 1, 1, 1, 0, 0}, {0, 0, 0, 1, 1, 0, 1, 1}},
	{{40, 2}, {15, 4}},
	{{3, 0, 2}, {0, 4, 2}},
	{{2, 0, 1, 1, 0}, {0, 3, 0, 1, 1}},
}

func TestChiSquareMomentsAreThoseOfAllTables(t *testing.T) {
	for _, c := range sparseTables {
		_, mean, variance := exactConditional(c[0], c[1])
		gotMean, gotVariance := chiSquareMoments(c[0], c[1])
		if relative(gotMean, mean) > 1e-10 || math.Abs(gotVariance-variance) > 1e-9*max(1, variance) {
			t.Errorf("%v: mean %v and variance %v, over all tables %v and %v", c, gotMean, gotVariance, mean, variance)
		}
	}
}

func TestChiSquarePermutationIsTheShareOfTables(t *testing.T) {
	const rounds = 20_000
	for _, c := range sparseTables {
		want, _, _ := exactConditional(c[0], c[1])
		got := ChiSquarePermutation(c[0], c[1], rounds)
		// Within five standard errors; drawing ends at a hundred exceedances.
		spread := 5 * want * max(0.1, math.Sqrt((1-want)/(want*rounds)))
		if got.Method != Permutation || math.Abs(got.P-want) > spread+1.0/rounds {
			t.Errorf("%v: p %v, over all tables %v", c, got.P, want)
		}
		if again := ChiSquarePermutation(c[0], c[1], rounds); again != got {
			t.Errorf("%v: p %v, then %v", c, got, again)
		}
	}
}

func TestChiSquarePermutationOfDenseTablesIsTheChiSquareLaw(t *testing.T) {
	random := rand.New(rand.NewPCG(73, 79))
	for range 10 {
		var reference, current []uint64
		for range 6 {
			reference = append(reference, uint64(4000+random.IntN(200)))
			current = append(current, uint64(2000+random.IntN(100)))
		}
		want := ChiSquare(reference, current).PValue().P
		if want < 0.01 {
			continue
		}
		got := ChiSquarePermutation(reference, current, 20_000).P
		matched := ChiSquareMatched(reference, current).P
		if math.Abs(got-want) > 0.5*want || relative(matched, want) > 0.01 {
			t.Errorf("%v and %v: permutation %v, matched %v, chi-square law %v", reference, current, got, matched, want)
		}
	}
}

func TestHypergeometricDrawsHaveTheirMoments(t *testing.T) {
	for _, c := range [][3]float64{{10, 20, 1}, {10, 20, 5}, {3, 500, 40}, {500, 3, 40}, {300, 400, 350}, {1e5, 1e5, 1e4}, {1e6, 2e6, 5e5}, {5, 0, 3}, {0, 5, 3}, {4, 4, 8}, {6, 7, 12}, {300, 5000, 9}} {
		good, bad, drawn := c[0], c[1], c[2]
		m := newMargins([]uint64{uint64(good)}, []uint64{uint64(bad)}, ChiSquareResult{N: uint64(good), M: uint64(bad)})
		total := good + bad
		mean, variance := drawn*good/total, drawn*good/total*(bad/total)*(total-drawn)/(total-1)
		const rounds = 40_000
		sum, squares := 0.0, 0.0
		for range rounds {
			x := m.hypergeometric(good, bad, drawn)
			if x < max(0, drawn-bad) || x > min(drawn, good) || x != math.Floor(x) {
				t.Fatalf("%v: drew %v", c, x)
			}
			sum += x - mean
			squares += (x - mean) * (x - mean)
		}
		if math.Abs(sum/rounds) > 5*math.Sqrt(variance/rounds) || math.Abs(squares/rounds-variance) > 0.05*variance {
			t.Errorf("%v: off the mean by %v, variance %v, want %v", c, sum/rounds, squares/rounds, variance)
		}
	}
}

// The reason for all this: tables with rare categories and no drift at all.
func TestPermutationHoldsTheLevelWhereTheChiSquareLawDoesNot(t *testing.T) {
	random := rand.New(rand.NewPCG(97, 101))
	rare := []float64{0.6, 0.3, 0.0995, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001}
	draw := func(n int) []uint64 {
		counts := make([]uint64, len(rare))
		for range n {
			u, i := random.Float64(), 0
			for ; i < len(rare)-1 && u >= rare[i]; i++ {
				u -= rare[i]
			}
			counts[i]++
		}
		return counts
	}
	const tables, level = 1500, 0.001
	law, permutation := 0, 0
	for range tables {
		reference, current := draw(5000), draw(250)
		if ChiSquare(reference, current).PValue().P < level {
			law++
		}
		if ChiSquarePermutation(reference, current, 2000).P < level {
			permutation++
		}
	}
	t.Logf("below %v in %d tables without drift: chi-square law %d, permutation %d", level, tables, law, permutation)
	if permutation > 8 || law < 10*permutation {
		t.Errorf("below %v in %d tables without drift: chi-square law %d, permutation %d", level, tables, law, permutation)
	}
}

func TestChiSquarePermutationReachesBeyondItsRounds(t *testing.T) {
	reference, current := []uint64{900, 90, 9, 1, 0}, []uint64{90, 900, 1, 0, 3}
	got := ChiSquarePermutation(reference, current, 999)
	if got.P > 1e-20 || got.Method != Permutation {
		t.Errorf("%+v, want far below 1/1000", got)
	}
	if p := ChiSquarePermutation(reference, current, 0); !math.IsNaN(p.P) {
		t.Errorf("without rounds: %+v", p)
	}
}

func TestChiSquarePermutationDrawsNothingOnlyWhereNothingWouldBeFound(t *testing.T) {
	random := rand.New(rand.NewPCG(103, 107))
	skipped := 0
	for range 300 {
		reference, current := randomTable(random)
		for i := range current {
			current[i] = (reference[i] + uint64(random.IntN(60))) / 3
		}
		current[0]++
		r := ChiSquare(reference, current)
		table := newMargins(reference, current, r)
		if table.bound(r.Statistic).P >= 0.01/1000 {
			continue
		}
		skipped++
		for range 999 {
			if table.draw() >= r.Statistic {
				t.Errorf("%v and %v: a table as extreme was drawn after all", reference, current)
				break
			}
		}
	}
	if skipped < 30 {
		t.Errorf("%d tables were far out: too few to say anything", skipped)
	}
}
