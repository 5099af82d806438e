package replay

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// hostile is what a name in an event may be.
const hostile = `</style><script>alert(1)</script>"'><img src=x onerror=alert(2)>` + "\u202e\x1b[31m"

// eventful is a report of many windows, with hostile names wherever one can be.
func eventful(windowCount int) *Report {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	number := func(x float64) *drift.Number { n := drift.Number(x); return &n }
	v := &Version{Model: hostile, Version: hostile, Budget: &BudgetCost{
		HeldBack: map[string]int{hostile: 1}, Detectable: map[string]Detectable{hostile: {With: 0.2, Without: 0.1}},
	}}
	for i := range windowCount {
		at := start.Add(time.Duration(i) * time.Hour)
		f := Feature{Test: "ks", Statistic: number(0.2), Adjusted: number(0.01), Effect: number(0.2), Drifted: i%2 == 0}
		if i%4 == 0 {
			f.HeldBack = drift.HeldWithinBudget
		}
		v.Windows = append(v.Windows, &Window{Start: at, End: at.Add(time.Hour), Events: 10, Tested: true, Drifted: f.Drifted, Features: map[string]Feature{hostile: f}})
	}
	v.Pages = []*Page{{
		ID: "1", Kind: alerts.FeatureDrift, Severity: hostile, Since: start, Fired: v.Windows[0].End, Summary: hostile,
		Culprits: []alerts.Culprit{{Name: hostile, Test: hostile, Effect: number(0.2)}}, week: start,
	}}
	c := newCollector(hostile, nil)
	c.versions[alerts.Version{Model: hostile, Version: hostile}] = v
	return &Report{
		Schema: Schema, Source: Source{Events: hostile, Rejected: map[string]uint64{hostile: 3}},
		Candidates: []*Candidate{c.finish(nil)},
	}
}

// TestThePageIsSelfContained: no script, nothing loaded, no name that becomes
// markup, and every mark of the strips is there.
func TestThePageIsSelfContained(t *testing.T) {
	for _, windows := range []int{1, 50, 3000} {
		t.Run(fmt.Sprint(windows), func(t *testing.T) {
			var page bytes.Buffer
			if err := eventful(windows).WriteHTML(&page); err != nil {
				t.Fatal(err)
			}
			elements := make(map[string]int)
			decoder := xml.NewDecoder(&page)
			decoder.Strict = true // every element is closed, every attribute quoted
			text := page.String()
			for {
				token, err := decoder.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				element, ok := token.(xml.StartElement)
				if !ok {
					continue
				}
				elements[element.Name.Local]++
				for _, a := range element.Attr {
					if name := a.Name.Local; strings.HasPrefix(name, "on") || name == "src" || name == "href" && !strings.HasPrefix(a.Value, "#") {
						t.Errorf("<%s %s=%q>", element.Name.Local, name, a.Value)
					}
				}
			}
			for _, never := range []string{"script", "img", "link", "iframe", "object", "form"} {
				if elements[never] > 0 {
					t.Errorf("there are %d <%s>", elements[never], never)
				}
			}
			if elements["style"] != 1 || elements["svg"] < 3 || elements["rect"] < min(windows, mostColumns/2) {
				t.Errorf("elements: %v", elements)
			}
			if strings.ContainsAny(text, "\u202e\x1b") {
				t.Error("characters that do not print came through")
			}
			if len(text) > 300_000 {
				t.Errorf("%d bytes of %d windows", len(text), windows)
			}
		})
	}
}

// TestTextHasNoControls: names cannot move a terminal's cursor.
func TestTextHasNoControls(t *testing.T) {
	var text bytes.Buffer
	if err := eventful(20).WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\u202e\x1b") {
		t.Errorf("it wrote %q", text.String())
	}
}

// TestWeeks: a week begins on Monday and has ISO's number, at the turn of a year
// too.
func TestWeeks(t *testing.T) {
	for day, want := range map[string]string{
		"2025-12-28": "2025-W52 2025-12-22", "2025-12-29": "2026-W01 2025-12-29", "2026-01-01": "2026-W01 2025-12-29",
		"2026-01-04": "2026-W01 2025-12-29", "2026-01-05": "2026-W02 2026-01-05", "2021-01-03": "2020-W53 2020-12-28",
	} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		week := weekOf(make(map[string]*Week), at.Add(23*time.Hour))
		if got := week.Week + " " + week.Start.Format(time.DateOnly); got != want {
			t.Errorf("%s is in %s, want %s", day, got, want)
		}
	}
}

// TestTheDocumentedJSON: README.md names every field of the report, and no other.
func TestTheDocumentedJSON(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(data), "## The JSON")
	if !found {
		t.Fatal("README.md has no section on the JSON")
	}
	documented := make(map[string]bool)
	for _, m := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllStringSubmatch(section, -1) {
		documented[m[1]] = true
	}
	fields := make(map[string]bool)
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(of.Elem())
		case reflect.Struct:
			if of.PkgPath() != reflect.TypeFor[Report]().PkgPath() {
				return // others' shapes are documented with them
			}
			for i := range of.NumField() {
				name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
				if name != "" {
					fields[name] = true
				}
				walk(of.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[Report]())
	for name := range fields {
		if !documented[name] {
			t.Errorf("README.md does not name the field `%s`", name)
		}
	}
	for name := range documented {
		if !fields[name] {
			t.Errorf("README.md names the field `%s`, which there is not", name)
		}
	}
}
