package twosample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Which sample is called the reference changes signs and nothing else.
func TestExchangingTheSamplesChangesTheSignAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(163, 167))
	for range 500 {
		levels := []int{0, 3, 12}[random.IntN(3)]
		x := randomSample(random, 1+random.IntN(200), levels, 0)
		y := randomSample(random, 1+random.IntN(200), levels, random.Float64())
		r, back := KS(x, y), KS(y, x)
		if back.D != r.D || back.Location != r.Location || back.Sign != -r.Sign {
			t.Fatalf("%+v, exchanged %+v", r, back)
		}
		for name, pair := range map[string][2]PValue{
			"p":              {KSPValue(r.N, r.M, r.H), KSPValue(r.M, r.N, r.H)},
			"asymptotic p":   {KSAsymptotic(r.N, r.M, r.D), KSAsymptotic(r.M, r.N, r.D)},
			"tied p":         {KSExactTied(x, y, r.H), KSExactTied(y, x, r.H)},
			"minimum effect": {KSMinimumEffect(r.N, r.M, r.D, 0.05), KSMinimumEffect(r.M, r.N, r.D, 0.05)},
		} {
			if math.Abs(pair[0].LogP-pair[1].LogP) > 1e-12*max(1, -pair[0].LogP) {
				t.Fatalf("%s: %+v, exchanged %+v", name, pair[0], pair[1])
			}
		}
		edges := slices.Compact(randomSample(random, 1+random.IntN(20), levels, 0))
		a, b := countInBins(x, edges), countInBins(y, edges)
		binned, turned := KSBinned(a, b, nil), KSBinned(b, a, nil)
		if binned.H != turned.H || binned.UpperH != turned.UpperH || binned.Edge != turned.Edge || binned.Sign != -turned.Sign {
			t.Fatalf("%+v, exchanged %+v", binned, turned)
		}
		table, exchanged := ChiSquare(a, b), ChiSquare(b, a)
		if relative(exchanged.Statistic, table.Statistic) > 1e-12 || exchanged.DegreesOfFreedom != table.DegreesOfFreedom {
			t.Fatalf("%+v, exchanged %+v", table, exchanged)
		}
	}
}

// The order of the values is all that counts for D and its p-values: any map that
// keeps it, ties included, leaves them as they are.
func TestMapsThatKeepTheOrderLeaveTheTestAsItIs(t *testing.T) {
	random := rand.New(rand.NewPCG(173, 179))
	maps := map[string]func(float64) float64{
		"squeezed":  math.Atan,
		"stretched": math.Sinh,
		"moved":     func(v float64) float64 { return 3*v - 1e4 },
	}
	for range 200 {
		levels := []int{0, 3, 12}[random.IntN(3)]
		x := randomSample(random, 1+random.IntN(150), levels, 0)
		y := randomSample(random, 1+random.IntN(150), levels, random.Float64())
		edges := slices.Compact(randomSample(random, 1+random.IntN(20), levels, 0))
		before := KS(x, y)
		tied := KSExactTied(x, y, before.H)
		bounds := KSBinned(countInBins(x, edges), countInBins(y, edges), nil)
		for name, increasing := range maps {
			mapped := func(values []float64) []float64 {
				result := make([]float64, len(values))
				for i, v := range values {
					result[i] = increasing(v)
				}
				return result
			}
			after := KS(mapped(x), mapped(y))
			if after.H != before.H || after.Sign != before.Sign || after.Location != increasing(before.Location) {
				t.Fatalf("%s: %+v became %+v", name, before, after)
			}
			if got := KSExactTied(mapped(x), mapped(y), after.H); got != tied {
				t.Fatalf("%s: p %+v became %+v", name, tied, got)
			}
			if got := KSBinned(countInBins(mapped(x), mapped(edges)), countInBins(mapped(y), mapped(edges)), nil); got != bounds {
				t.Fatalf("%s: %+v became %+v", name, bounds, got)
			}
		}
	}
}

// Counts add up: however a sample is split, and in whatever order the parts are
// merged, the bounds are those of all of it.
func TestBinnedPartsMergeInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(181, 191))
	for range 300 {
		levels := []int{0, 3, 12}[random.IntN(3)]
		x := randomSample(random, 1+random.IntN(300), levels, 0)
		y := randomSample(random, 1+random.IntN(300), levels, random.Float64())
		edges := slices.Compact(randomSample(random, 1+random.IntN(30), levels, 0))
		parts := make([][]float64, 1+random.IntN(8))
		for _, v := range y {
			k := random.IntN(len(parts))
			parts[k] = append(parts[k], v)
		}
		random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		merged := make([]uint64, len(edges)+1)
		for _, part := range parts {
			for b, c := range countInBins(part, edges) {
				merged[b] += c
			}
		}
		got, want := KSBinned(countInBins(x, edges), merged, nil), KSBinned(countInBins(x, edges), countInBins(y, edges), nil)
		if got != want {
			t.Fatalf("%d parts: %+v, of the whole %+v", len(parts), got, want)
		}
		exact := KS(x, y)
		if exact.H < got.H || exact.H > got.UpperH || exact.LCM != got.LCM {
			t.Fatalf("D %d/%d is not in [%d, %d]", exact.H, exact.LCM, got.H, got.UpperH)
		}
	}
}

// A sample's distribution function is within √(ln(2/α)/2k) of the whole's, with a
// probability of at least 1−α (Dvoretzky, Kiefer and Wolfowitz 1956; Massart
// 1990), and D of samples within as much of D of all values. Drawing without
// replacement only helps.
func TestSampledDIsWithinTheStatedErrorAsOftenAsStated(t *testing.T) {
	random := rand.New(rand.NewPCG(193, 197))
	const alpha, rounds = 0.1, 1000
	x, y := randomSample(random, 3000, 0, 0), randomSample(random, 4000, 0, 0.2)
	truth := KS(x, y).D
	outside, outsideThird := 0, 0
	for range rounds {
		const k = 200
		stated := math.Sqrt(math.Log(2/alpha) / (2 * k))
		sampled := make([]float64, k)
		for i, place := range random.Perm(len(y))[:k] {
			sampled[i] = y[place]
		}
		slices.Sort(sampled)
		off := math.Abs(KS(x, sampled).D - truth)
		if off > stated {
			outside++
		}
		if off > stated/3 {
			outsideThird++
		}
	}
	if outside > alpha*rounds {
		t.Errorf("D of a sample was further off than stated in %d of %d draws, which may be %v", outside, rounds, alpha*rounds)
	}
	if outsideThird <= alpha*rounds {
		t.Errorf("a third of the stated error would do: only %d of %d draws were further off", outsideThird, rounds)
	}
}
