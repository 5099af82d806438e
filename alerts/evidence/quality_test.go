package evidence

import (
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A window in which a number holds sentinels, a category has stopped coming and
// a third feature has drifted by itself, on its three pages.
func TestBrokenDataIsShown(t *testing.T) {
	check := func(rate, before float64, broken bool) *drift.Check {
		return &drift.Check{Rate: drift.Number(rate), ReferenceRate: drift.Number(before), P: ptr(1e-9), Adjusted: ptr(1e-8), Broken: broken}
	}
	amount := numericFeature(0.3, true)
	amount.Broken, amount.CausedBy = true, "out_of_range"
	amount.Quality = &drift.Quality{OutOfRange: check(0.3, 0.002, true), Missing: check(0.008, 0.007, false)}
	age := numericFeature(0.4, true)
	tail := check(0.018, 0.002, false)
	tail.ExplainedBy = "drift"
	age.Quality = &drift.Quality{OutOfRange: tail}
	country := &drift.Feature{
		Type: windows.Categorical, Missing: 5000, Untested: "the window has no values", Broken: true,
		Quality: &drift.Quality{Missing: check(1, 0.01, true)},
	}
	v := storyVerdict("loans", "1", 3, map[string]*drift.Feature{
		"amount": amount, "age": age, "country": country, "quiet": numericFeature(0.01, false),
	})
	v.Broken = true
	h := NewHistory(Limits{})
	add(t, h, v)
	handler, id := NewHandler(h, discard(), nil), alerts.Version{Model: "loans", Version: "1"}
	for path, says := range map[string][]string{
		"":                                   {"2 of 4 features drifted; the data of 2 is broken"},
		alerts.ModelPath(id, v.Window.Start): {"broken: out of the reference's range", "broken: missing"},
		alerts.FeaturePath(id, v.Window.Start, "amount"): {
			"The data is broken: 30.0 % out of the reference's range, in the reference 0.2 %.",
			"it is not told as a drift of its own", "Data quality", "as usual",
		},
		alerts.FeaturePath(id, v.Window.Start, "age"):     {"follows from the drift", "to count as drift"},
		alerts.FeaturePath(id, v.Window.Start, "country"): {"The data is broken: 100.0 % missing, in the reference 1.0 %."},
	} {
		page := parse(t, get(t, handler, path).Body.String())
		for _, want := range says {
			if !strings.Contains(page.text, want) {
				t.Errorf("/%s does not say %q:\n%s", path, want, page.text)
			}
		}
	}
	// What is broken stands above what is quiet, though it was not tested.
	text := parse(t, get(t, handler, alerts.ModelPath(id, v.Window.Start)).Body.String()).text
	if table := text[strings.Index(text, "Features, the drifted first"):]; strings.Index(table, "country") > strings.Index(table, "quiet") {
		t.Errorf("the broken feature stands below the quiet one:\n%s", table)
	}
	if page := parse(t, get(t, handler, alerts.FeaturePath(id, v.Window.Start, "quiet")).Body.String()); strings.Contains(page.text, "Data quality") {
		t.Error("a feature without checks has a table of them")
	}
}

// Every check has words of its own.
func TestEveryCheckHasWords(t *testing.T) {
	one := &drift.Check{Broken: true}
	f := &drift.Feature{Quality: &drift.Quality{
		Missing: one, Appeared: one, NonFinite: one, TypeChanges: one, NewCategories: one, OutOfRange: one, Outliers: one, Constant: one,
	}}
	if rows := qualityRows(f); len(rows) != 8 {
		t.Fatalf("%d rows for 8 checks", len(rows))
	}
	for _, row := range qualityRows(f) {
		if strings.Contains(row.Label, "_") || row.Result != "broken" {
			t.Errorf("%+v", row)
		}
	}
	f.Type = windows.Categorical
	if said := strings.Join(explainBreaks(f), " "); !strings.Contains(said, "numbers in place of text") {
		t.Error(said)
	}
}
