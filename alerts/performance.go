package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// performanceFinding reads from a verdict which objectives are missed.
func performanceFinding(v *drift.Verdict) finding {
	var f finding
	if v.Performance == nil {
		return f
	}
	missed := slices.Clone(v.Performance.Objectives)
	f.tested, f.total = len(missed) > 0, len(missed)
	missed = slices.DeleteFunc(missed, func(p drift.Promise) bool { return !p.Missed })
	slices.SortStableFunc(missed, func(a, b drift.Promise) int { return -cmp.Compare(*a.Effect, *b.Effect) })
	var words []string
	for _, p := range missed {
		value := p.Value
		f.culprits = append(f.culprits, Culprit{Name: p.Name, Test: "binomial", Statistic: &value, Adjusted: p.Adjusted, Effect: p.Effect})
		words = append(words, promiseWords(p))
	}
	f.most = strings.Join(words, "; ")
	return f
}

// promiseWords say what an objective asks and what the window shows.
func promiseWords(p drift.Promise) string {
	if quantile, ok := strings.CutPrefix(p.Name, "latency_"); ok {
		return fmt.Sprintf("%s latency is %s ms (objective %s ms)", quantile, significant(float64(p.Value)), significant(float64(p.Objective)))
	}
	return fmt.Sprintf("%s of requests fail (objective %s)", percent(float64(p.Value)), percent(float64(p.Objective)))
}

// significant writes a number with three significant digits, and without an exponent.
func significant(x float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil {
		return "an unknown number" // of a verdict that somebody else has written
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
