package evidence

import (
	"fmt"
	"strings"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A qualityRow is one check of the data, beside the reference.
type qualityRow struct{ Label, Current, Reference, Adjusted, Result, Class string }

// qualityRows are the checks that have something to count.
func qualityRows(f *drift.Feature) []qualityRow {
	var rows []qualityRow
	for _, c := range f.Quality.Checks() {
		row := qualityRow{
			Label: checkName(c.Name, f.Type), Current: percent(float64(c.Rate), 1), Reference: percent(float64(c.ReferenceRate), 1),
			Adjusted: probability(c.Adjusted, nil), Result: "as usual", Class: "quiet",
		}
		switch {
		case c.Broken:
			row.Result, row.Class = "broken", "drifted"
		case c.ExplainedBy != "":
			row.Result = "follows from the " + visible(c.ExplainedBy)
		}
		rows = append(rows, row)
	}
	return rows
}

// checkName says what the rate of a check is of.
func checkName(check string, of windows.Type) string {
	switch check {
	case "missing":
		return "missing"
	case "appeared":
		return "not missing"
	case "non_finite":
		return "not finite"
	case "type_changes":
		if of == windows.Categorical {
			return "numbers in place of text"
		}
		return "text in place of numbers"
	case "new_categories":
		return "of new categories"
	case "out_of_range":
		return "out of the reference's range"
	case "outliers":
		return "outliers"
	case "constant":
		return "equal to this window's only value"
	}
	return visible(check)
}

// brokenNames lists the broken checks of a feature, of which a record that had to
// be shortened may have none.
func brokenNames(f *drift.Feature) string {
	var names []string
	for _, c := range f.Quality.Checks() {
		if c.Broken {
			names = append(names, checkName(c.Name, f.Type))
		}
	}
	if names == nil {
		return "which checks, the record had no room for"
	}
	return strings.Join(names, ", ")
}

// explainBreaks says what is broken, and what follows from it.
func explainBreaks(f *drift.Feature) []string {
	var out []string
	for _, c := range f.Quality.Checks() {
		if c.Broken {
			out = append(out, fmt.Sprintf("The data is broken: %s %s, in the reference %s.",
				percent(float64(c.Rate), 1), checkName(c.Name, f.Type), percent(float64(c.ReferenceRate), 1)))
		}
	}
	if f.Drifted && f.CausedBy != "" {
		out = append(out, "So much of the difference can come from that, that it is not told as a drift of its own.")
	}
	return out
}
