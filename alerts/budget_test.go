package alerts

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What windows spend never exceeds what they earned, and a period never costs more
// than its pages, whatever was saved before.
func TestABudgetIsNotOverspent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		b := Budget{Pages: float64(1 + random.IntN(5)), Windows: float64(20 + random.IntN(1000))}
		busy := random.Float64()
		saved := 0.0
		var spent []float64
		for range 5 * int(b.Windows) {
			tested := random.Float64() < busy
			s := 0.0
			if tested {
				s = b.spend(saved)
			}
			spent = append(spent, s)
			saved = b.after(saved, tested)
			if saved < 0 || saved > savedShare*b.Pages+1e-12 {
				t.Fatalf("%+v: saved %v", b, saved)
			}
		}
		window, sum := int(b.Windows), 0.0
		for i, s := range spent {
			sum += s
			if i >= window {
				sum -= spent[i-window]
			}
			if sum > b.Pages+1e-9 {
				t.Fatalf("%+v: %v pages in the period before window %d", b, sum, i)
			}
		}
	}
}

// The level is the one at which so many windows in a row, each at it, page with the
// probability that was spent.
func TestTheLevelAllowsForThePolicy(t *testing.T) {
	b := Budget{Pages: 1, Windows: 720}
	for _, c := range []struct {
		policy Policy
		sets   float64
		power  float64
	}{
		{Policy{For: 1, Of: 1}, 1, 1},
		{Policy{For: 1, Of: 3}, 1, 1},
		{Policy{For: 2, Of: 3}, 2, 2}, // with the last but one, or the one before
		{Policy{For: 3, Of: 5}, 6, 3},
		{Policy{}, 1, 1},
	} {
		level := b.level(0.05, c.policy)
		if got, want := c.sets*math.Pow(level, c.power), b.spend(0.05); math.Abs(got/want-1) > 1e-12 {
			t.Errorf("%+v: level %v pages with probability %v, and %v was spent", c.policy, level, got, want)
		}
	}
	// As README.md says.
	if got := b.level(0, Policy{For: 2, Of: 3}); math.Abs(got-0.025) > 1e-12 || math.Abs(b.spend(0)-1.0/800) > 1e-12 {
		t.Errorf("with nothing saved a window spends %v, and its level is %v", b.spend(0), got)
	}
	if got := (Budget{}).level(0, Policy{For: 2, Of: 3}); got != 0 {
		t.Errorf("without a budget the level is %v", got)
	}
}

// Windows that reject by themselves, independently and exactly at their level, page
// no more often than the budget allows: the account, the level and the policy
// together.
func TestQuietWindowsKeepToTheBudget(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 7))
	b := Budget{Pages: 1, Windows: 30}
	for _, p := range []Policy{{For: 1, Of: 1, ResolveAfter: 1}, {For: 2, Of: 3, ResolveAfter: 2}, {For: 3, Of: 4, ResolveAfter: 1}} {
		const periods = 3000
		pages, saved, firing, quiet := 0, 0.0, false, 0
		var recent []bool
		for range periods * int(b.Windows) {
			rejected := random.Float64() < b.level(saved, p)
			saved = b.after(saved, !firing)
			recent = append(recent, rejected)
			recent = recent[max(0, len(recent)-p.Of):]
			if firing {
				quiet++
				if rejected {
					quiet = 0
				}
				if quiet >= p.ResolveAfter {
					firing, quiet, recent = false, 0, nil
				}
				continue
			}
			count := 0
			for _, r := range recent {
				if r {
					count++
				}
			}
			if rejected && count >= p.For {
				pages++
				firing, quiet = true, 0
			}
		}
		// Three standard deviations of a Poisson count above what is allowed.
		if allowed := periods + 3*math.Sqrt(periods); float64(pages) > allowed || pages < periods/4 {
			t.Errorf("%+v: %d pages in %d periods", p, pages, periods)
		}
	}
}
