package drift

import (
	"math"
	"math/rand/v2"
	"testing"
)

// bare are settings that leave a check to its p-value.
func bare(alpha float64) Settings {
	s := Default()
	s.Quality = QualitySettings{Alpha: alpha}
	return s
}

// The reference's own extremes are no measure of what lies beyond them: small
// references and large windows break no more often than alpha for all that.
func TestExtremesOfASmallReference(t *testing.T) {
	const repeats, alpha = 400, 0.05
	broken := 0
	for seed := range uint64(repeats) {
		r := referenceOf(t, normal(2*seed, 60, 0))
		w := windowOf(normal(2*seed+1, 600, 0), r.Grid())
		f := Compare(Case{Window: w, Reference: r}, bare(alpha)).Features["x"]
		if p := f.Quality.OutOfRange.P; p != nil && *p < alpha {
			broken++
		}
	}
	if most := alpha*repeats + 4*math.Sqrt(alpha*(1-alpha)*repeats); float64(broken) > most {
		t.Errorf("%d of %d windows are out of range, want at most %.0f", broken, repeats, most)
	}
}

// A fair coin is as often all heads as all tails: the p-value of one value alone
// is that of all but the first being the same.
func TestOneValueAloneOfTwo(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 32))
	coin := make([]any, 20_000)
	for i := range coin {
		coin[i] = []string{"heads", "tails"}[random.IntN(2)]
	}
	s := bare(0.01)
	s.MinEvents = 2
	for _, n := range []int{2, 5, 12} {
		v := judged(t, s, coin, mixed(coin[:n], 100, always("tails")))
		p := float64(*v.Features["x"].Quality.Constant.P)
		if want := math.Pow(0.5, float64(n-1)); math.Abs(p/want-1) > 0.15 {
			t.Errorf("%d tails: p %v, want about %v", n, p, want)
		}
	}
	if v := judged(t, s, coin, mixed(coin[:1], 100, always("tails"))); v.Features["x"].Quality != nil {
		t.Error("one value is said to stand alone")
	}
}

// A family is all checks that could have found something: those whose rate has
// fallen among them, and those without anything to count not.
func TestWhoBelongsToTheFamily(t *testing.T) {
	before := []counted{{rows: 10_000, missing: 100}, {rows: 10_000, outside: 100}, {rows: 10_000, nonFinite: 100}, {rows: 10_000}}
	now := []counted{{rows: 1000, missing: 40}, {rows: 1000, outside: 1}, {rows: 1000, nonFinite: 1}, {rows: 1000}}
	c := windowAgainst(now, before)
	s := Default()
	s.Correction = CorrectionHolm
	v := verdictOf(c)
	judgeQuality(v, &s, &c)
	check := v.Features["x0000"].Quality.Missing
	// Three rates, and four features that could have had one value alone.
	if p, adjusted := float64(*check.P), float64(*check.Adjusted); adjusted != 7*p {
		t.Errorf("p %v of a family of seven became %v", p, adjusted)
	}
	if fell := v.Features["x0001"].Quality.OutOfRange; fell == nil || fell.P != nil || fell.Broken {
		t.Errorf("a rate that fell: %+v", fell)
	}
	if v.Features["x0003"].Quality != nil {
		t.Errorf("nothing to count: %+v", v.Features["x0003"].Quality)
	}
}
