package alerts

import "math"

// A Budget is how many false pages a model version may cause: the expected
// number, over any period, of alerts that begin to fire although nothing has
// changed.
//
// It is kept by alpha-spending over an endless sequence of windows (Foster and
// Stine 2008, Journal of the Royal Statistical Society B 70, 429–444, for the
// investing of what is earned; Tian and Ramdas 2021, Statistical Methods in Medical
// Research 30, 976–993, for error rates counted rather than bounded). Every window
// earns an equal share of the period's pages. A window that is tested while an alert
// could begin spends its share and a part of what was saved; one that is not, having
// too few values, no reference, or a firing alert, saves its share, up to a limit. What
// is spent never exceeds what was earned, so that by the linearity of expectations
// the expected number of false pages does not either.
//
// What a window spends is a probability of paging. With a policy of for of the last
// of windows, a page needs as many windows at once, and each of them may be judged
// at a level that is larger:
//
//	level = (spent / C(of−1, for−1))^(1/for)
//
// Where p-values are valid given the windows before, the probability that all of a
// set of for windows are rejected is at most the product of their levels; a page at
// a window is one of C(of−1, for−1) such sets that end with it; and the product is at
// most the mean of what its windows spent, divided by the number of sets. Every
// window's spending enters with weights that add up to one, so that the sum over all
// windows is what was spent.
//
// The zero Budget is none.
type Budget struct {
	Pages   float64 // in a period; 0: there is no budget
	Windows float64 // that start within a period
}

// Of what is earned this share can be saved: the others are spent as they come, so
// that a period never costs more than its pages, whatever was saved before.
const savedShare = 0.1

// savingsSpent is the part of what is saved that one window may spend.
const savingsSpent = 0.1

// earned is what one window adds to the account.
func (b Budget) earned() float64 { return (1 - savedShare) * b.Pages / b.Windows }

// spend is what the next window may spend, given what is saved.
func (b Budget) spend(saved float64) float64 {
	return min(1, b.earned()+float64(savingsSpent*saved))
}

// level is what a window's corrected p-values are held against; 0 without a
// budget.
func (b Budget) level(saved float64, p Policy) float64 {
	if b.Pages == 0 {
		return 0
	}
	return math.Pow(b.spend(saved)/sets(p.of(), p.forWindows()), 1/float64(p.forWindows()))
}

// after is what is saved after a window.
func (b Budget) after(saved float64, spent bool) float64 {
	if b.Pages == 0 {
		return 0
	}
	if spent {
		return max(0, saved+b.earned()-b.spend(saved))
	}
	return min(savedShare*b.Pages, saved+b.earned())
}

// sets is C(of−1, chosen−1).
func sets(of, chosen int) float64 {
	count := 1.0
	for i := 1; i < chosen; i++ {
		count = count * float64(of-i) / float64(i)
	}
	return count
}
