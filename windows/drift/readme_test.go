package drift

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
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
	table, _, _ := strings.Cut(text, "| reference | window |")
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
		fmt.Sprintf("`drift.quality.min_ratio` (%v)", q.MinRatio), fmt.Sprintf("count is below %d,%03d", exactBelow/1000, exactBelow%1000),
		`"explained_by": "` + explainedByDrift + `"`,
	} {
		if !strings.Contains(text, says) {
			t.Errorf("README.md does not say %q", says)
		}
	}
	if qualityShare != 0.1 {
		t.Error("README.md says that a tenth of a budget's level goes to the checks")
	}
	fields := make(map[string]bool)
	for _, of := range []reflect.Type{reflect.TypeFor[Check](), reflect.TypeFor[Feature](), reflect.TypeFor[Verdict](), reflect.TypeFor[Quality]()} {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			fields[name] = true
		}
	}
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(text, -1) {
		if name := m[1]; !fields[name] && name != "auto" && name != "budget" {
			t.Errorf("README.md names `%s`, which no verdict has", name)
		}
	}
}
