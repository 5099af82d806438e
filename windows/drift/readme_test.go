package drift

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/twosample"
)

// The table of checks lists those of the verdict, in its order, and the defaults
// are those of the code.
func TestReadmeListsEveryCheck(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	var want []string
	for i := range reflect.TypeFor[Quality]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Quality]().Field(i).Tag.Get("json"), ",")
		want = append(want, name)
	}
	_, section, _ := strings.Cut(text, "## Data quality")
	table, _, _ := strings.Cut(section, "| reference | window |")
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		listed = append(listed, row[1])
	}
	if !reflect.DeepEqual(listed, want) {
		t.Errorf("README.md lists %v, the verdict has %v", listed, want)
	}
	q := DefaultQuality()
	for _, says := range []string{
		fmt.Sprintf("`drift.quality.alpha` (%v)", q.Alpha), fmt.Sprintf("`drift.quality.min_increase` (%v,", q.MinIncrease),
		fmt.Sprintf("`drift.quality.min_ratio` (%v)", q.MinRatio), "count is below 1,000",
		`"explained_by": "` + explainedByDrift + `"`,
	} {
		if !strings.Contains(text, says) {
			t.Errorf("README.md does not say %q", says)
		}
	}
	_, below := rise(1100, 10_000, 9600, 100_000)
	if _, above := rise(1100, 10_000, 10_200, 100_000); below.Method != twosample.Exact || above.Method != twosample.Asymptotic {
		t.Errorf("README.md says that p-values are exact below an expected count of 1,000; they are %s and %s", below.Method, above.Method)
	}
	if qualityShare != 0.1 {
		t.Error("README.md says that a tenth of a budget's level goes to the checks")
	}
}

// Every name in the text is one that a verdict or a configuration has, and the
// table of fields says where each stands.
func TestReadmeNamesWhatThereIs(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]map[string]bool{"verdict": jsonNames(reflect.TypeFor[Verdict]()), "feature": jsonNames(reflect.TypeFor[Feature]())}
	rows := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (verdict|feature) \\|").FindAllStringSubmatch(string(data), -1)
	for _, row := range rows {
		if !of[row[2]][row[1]] {
			t.Errorf("README.md lists `%s` of a %s, which has none", row[1], row[2])
		}
	}
	if len(rows) < 10 {
		t.Errorf("README.md lists %d fields", len(rows))
	}
	known := make(map[string]bool)
	for _, of := range []reflect.Type{reflect.TypeFor[Check](), reflect.TypeFor[Feature](), reflect.TypeFor[Verdict](), reflect.TypeFor[Performance](), reflect.TypeFor[Quality](), reflect.TypeFor[Calibration]()} {
		maps.Copy(known, jsonNames(of))
	}
	for _, names := range [][]string{
		NumericTests(), CategoricalTests(), AllMeasures(),
		{methodExact, methodBinned, methodSampled, pExactTied, "exact", "asymptotic", "permutation"},
		{HeldWithinUsual, HeldWithinBudget, HeldSilenced, DecisionFloor, DecisionMinimumEffect},
		{"budget", "alpha", "min_effect"}, // of a configuration
	} {
		for _, name := range names {
			known[name] = true
		}
	}
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(string(data), -1) {
		if !known[m[1]] {
			t.Errorf("README.md names `%s`, which no verdict and no configuration has", m[1])
		}
	}
}

func jsonNames(of reflect.Type) map[string]bool {
	names := make(map[string]bool)
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}
