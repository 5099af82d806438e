package evidence

import (
	"fmt"
	"math"
	"strings"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// What comes out of these functions is ready to be shown: what a record says
// has passed through visible.

// verdictWords is the verdict on a feature, for a table.
func verdictWords(f *drift.Feature) string {
	switch {
	case f.Error != "":
		return "could not be tested: " + visible(f.Error)
	case f.Broken && f.Drifted && f.CausedBy == "":
		return "drifted; broken: " + brokenNames(f)
	case f.Broken:
		return "broken: " + brokenNames(f)
	case f.Drifted:
		return "drifted"
	case f.Test != "":
		return "no drift"
	case f.Untested != "":
		return "not tested: " + visible(f.Untested)
	}
	return "not tested"
}

// testName is a test's name in full.
func testName(test string) string {
	switch test {
	case "ks":
		return "Kolmogorov–Smirnov"
	case "chi2":
		return "chi-square"
	}
	return visible(test)
}

// effectLetter is the letter of a test's effect.
func effectLetter(test string) string {
	switch test {
	case "ks":
		return "D"
	case "chi2":
		return "V"
	}
	return ""
}

// kindWords names an alert's kind.
func kindWords(kind alerts.Kind) string { return strings.ReplaceAll(string(kind), "_", " ") }

// explain says what a test found, one sentence a thought.
func explain(f *drift.Feature) []string {
	var out []string
	switch {
	case f.Error != "":
		return []string{"The comparison could not be made: " + visible(f.Error) + "."}
	case f.Test == "":
		why := visible(f.Untested)
		if why == "" {
			why = "the verdict does not say why"
		}
		return []string{"This feature was not tested in this window: " + why + "."}
	case f.Test == "ks":
		out = explainKS(f)
	default:
		out = explainCounts(f)
	}
	if f.P != nil {
		p := "p = " + probability(f.P, f.LogP)
		if strings.HasPrefix(p, "p = <") {
			p = "p " + probability(f.P, f.LogP)
		}
		sentence := fmt.Sprintf("If nothing had changed, a difference this large would come up by chance with probability %s", p)
		if f.Adjusted != nil {
			sentence += "; corrected for all features tested in this window, " + probability(f.Adjusted, nil)
		}
		out = append(out, sentence+".")
	}
	if f.Drifted {
		out = append(out, "That is improbable enough, and the difference large enough, to count as drift.")
	} else {
		out = append(out, "That does not count as drift: the corrected p-value is not below the threshold, or the effect is smaller than what is watched for.")
	}
	return append(out, explainDoubts(f)...)
}

// explainDoubts says why a drift counts towards no alert, and whether another
// statistic within the error would have been judged differently.
func explainDoubts(f *drift.Feature) []string {
	var out []string
	switch f.HeldBack {
	case "":
	case drift.HeldWithinUsual:
		out = append(out, "It counts towards no alert: windows of the reference itself differ as much from each other.")
	case drift.HeldWithinBudget:
		out = append(out, "It counts towards no alert: for the budget of false pages it is not improbable enough.")
	default:
		out = append(out, "It counts towards no alert: "+visible(f.HeldBack)+".")
	}
	if f.Undecided {
		out = append(out, "It is a close call: the comparison is not of all values, and within its error the verdict could have been the other one.")
	}
	return out
}

func explainKS(f *drift.Feature) []string {
	if f.Statistic == nil {
		return nil
	}
	first := "The largest difference between the two distributions is D = " + statistic(f.Statistic)
	if at, ok := finite(f.Location); ok {
		first += " at " + decimal(at, 6)
	}
	out := []string{first + "."}
	if f.Sign != 0 {
		points := decimal(100*float64(*f.Statistic), 3)
		less, way := "smaller", "Values are now larger."
		if f.Sign < 0 {
			less, way = "larger", "Values are now smaller."
		}
		out = append(out, fmt.Sprintf("The share of values up to that point is %s percentage points %s than in the reference. %s", points, less, way))
	}
	slack := 0.0
	if f.StatisticError != nil {
		slack = float64(*f.StatisticError)
	}
	switch f.Method {
	case "exact":
		out = append(out, "Every value of both samples was compared.")
	case "binned":
		sentence := "Every value was counted between quantiles of the reference"
		if slack > 0 {
			sentence += fmt.Sprintf(": the true D is at most %s larger", decimal(slack, 2))
		}
		out = append(out, sentence+".")
	case "sampled":
		out = append(out, fmt.Sprintf("Uniform samples were compared: the true D is within %s of this, with 99 %% confidence.", decimal(slack, 2)))
	}
	return out
}

func explainCounts(f *drift.Feature) []string {
	what := "categories"
	if f.Type == windows.Numeric {
		what = "distinct values"
	}
	first := fmt.Sprintf("The counts of its %s differ by χ² = %s", what, chiSquare(f.Statistic))
	if f.DegreesOfFreedom > 0 {
		first += fmt.Sprintf(" with %s", plural(f.DegreesOfFreedom, "degree of freedom", "degrees of freedom"))
	}
	if f.Effect != nil {
		first += fmt.Sprintf(": an effect of V = %s (Cramér's V: 0 is no difference, 1 the largest there can be)", statistic(f.Effect))
	}
	out := []string{first + "."}
	if n := len(f.NewCategories); n > 0 {
		shown := make([]string, 0, 5)
		for _, name := range f.NewCategories[:min(n, 5)] {
			shown = append(shown, "“"+visible(name)+"”")
		}
		list := strings.Join(shown, ", ")
		if n > len(shown) {
			list += fmt.Sprintf(" and %s more", count(uint64(n-len(shown))))
		}
		out = append(out, fmt.Sprintf("%s the reference does not have: %s.", plural(n, "category is new, which", "categories are new, which"), list))
	}
	return out
}

// finite reads a number that may be absent.
func finite(n *drift.Number) (float64, bool) {
	if n == nil || math.IsNaN(float64(*n)) || math.IsInf(float64(*n), 0) {
		return 0, false
	}
	return float64(*n), true
}
