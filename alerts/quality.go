package alerts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// qualityFinding reads from a verdict whose data is broken, the prediction's with
// the features'. A feature that was tested, or has a check with anything to
// count, has been looked at.
func qualityFinding(v *drift.Verdict) finding {
	type broken struct {
		culprit Culprit
		words   string
	}
	var f finding
	var all []broken
	take := func(name string, feature *drift.Feature) {
		f.total++
		f.tested = f.tested || feature.Test != "" || feature.Quality != nil
		most := feature.BrokenMost()
		if most.Check == nil {
			return
		}
		excess := drift.Number(most.Excess())
		all = append(all, broken{
			Culprit{Name: name, Test: most.Name, Statistic: most.Statistic, Adjusted: most.Adjusted, Effect: &excess},
			checkWords(most, feature.Type),
		})
	}
	for name, feature := range v.Features {
		take(name, feature)
	}
	if v.Prediction != nil {
		take(windows.PredictionName, v.Prediction)
	}
	slices.SortFunc(all, func(a, b broken) int {
		return cmp.Or(-cmp.Compare(*a.culprit.Effect, *b.culprit.Effect), strings.Compare(a.culprit.Name, b.culprit.Name))
	})
	for _, b := range all {
		f.culprits = append(f.culprits, b.culprit)
	}
	if len(all) > 0 {
		f.most = all[0].words
	}
	return f
}

// qualitySummary is what an alert says behind the model's name.
func qualitySummary(a *Alert, found finding) string {
	if a.Status == Resolved {
		return "its data is like the reference's again"
	}
	first := found.culprits[0].Name + " " + found.most
	if len(found.culprits) == 1 {
		return first
	}
	return fmt.Sprintf("the data of %d of %d features is broken: %s", len(found.culprits), found.total, first)
}

// checkWords say what a check has found of a feature.
func checkWords(c drift.NamedCheck, of windows.Type) string {
	rate, before := percent(float64(c.Rate)), percent(float64(c.ReferenceRate))
	switch c.Name {
	case "missing":
		return fmt.Sprintf("is missing in %s of events (reference %s)", rate, before)
	case "appeared":
		return fmt.Sprintf("has a value in %s of events (reference %s)", rate, before)
	case "non_finite":
		return fmt.Sprintf("is not finite in %s of values (reference %s)", rate, before)
	case "type_changes":
		arrives := "text"
		if of == windows.Categorical {
			arrives = "a number"
		}
		return fmt.Sprintf("arrives as %s in %s of values (reference %s)", arrives, rate, before)
	case "new_categories":
		return fmt.Sprintf("has new categories in %s of values (reference %s)", rate, before)
	case "out_of_range":
		return fmt.Sprintf("is out of range in %s of values (reference %s)", rate, before)
	case "outliers":
		return fmt.Sprintf("is an outlier in %s of values (reference %s)", rate, before)
	case "constant":
		return fmt.Sprintf("has one value alone, that of %s of the reference", before)
	}
	return fmt.Sprintf("is broken: %s %s (reference %s)", c.Name, rate, before)
}

// percent writes a share with two significant digits, and with four where it is
// close to all.
func percent(share float64) string {
	format := "%.2g"
	if share > 0.99 && share < 1 {
		format = "%.4g"
	}
	rounded, err := strconv.ParseFloat(fmt.Sprintf(format, 100*share), 64)
	if err != nil {
		return "an unknown share" // of a verdict that somebody else has written
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64) + " %"
}
