package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/segmentio/encoding/json"
)

// verdictPrinter writes a line for each verdict and alert.
type verdictPrinter struct {
	out io.Writer
}

// printedVerdict is what a line needs of a verdict.
type printedVerdict struct {
	Model, Version string
	Window         struct{ Start, End string }
	Events         uint64
	Features       map[string]printedFeature
	Prediction     *printedFeature
}

type printedFeature struct {
	Test     string
	Effect   float64
	Drifted  bool
	CausedBy string `json:"caused_by"`
	HeldBack string `json:"held_back"`
	Broken   bool
}

func (p *verdictPrinter) verdict(data []byte) error {
	var v printedVerdict
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("reading a verdict: %w", err)
	}
	if v.Prediction != nil {
		v.Features["prediction"] = *v.Prediction
	}
	names := slices.SortedFunc(maps.Keys(v.Features), func(a, b string) int {
		return cmp.Or(-cmp.Compare(v.Features[a].Effect, v.Features[b].Effect), cmp.Compare(a, b))
	})
	var broken []string
	for _, name := range names {
		if v.Features[name].Broken {
			broken = append(broken, printable(name))
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !v.Features[name].Drifted || v.Features[name].CausedBy != "" })
	what := "no drift"
	if len(names) > 0 {
		what = fmt.Sprintf("%d of %d drifted:", len(names), len(v.Features))
		for _, name := range names[:min(4, len(names))] {
			measure := "D"
			if v.Features[name].Test == "chi2" {
				measure = "V"
			}
			what += fmt.Sprintf(" %s (%s %.2f)", printable(name), measure, v.Features[name].Effect)
		}
		if len(names) > 4 {
			what += " …"
		}
		what += v.heldBack(names)
	}
	if len(broken) > 0 {
		what += "; broken data: " + strings.Join(broken[:min(4, len(broken))], ", ")
	}
	day := func(text string) string { date, _, _ := strings.Cut(text, "T"); return date }
	_, err := fmt.Fprintf(p.out, "%s to %s  %6d events  %s\n", day(v.Window.Start), day(v.Window.End), v.Events, what)
	return err
}

// heldBack says how many of the features that drifted do not count towards an
// alert, so that nobody waits for one.
func (v *printedVerdict) heldBack(names []string) string {
	held := 0
	for _, name := range names {
		if v.Features[name].HeldBack != "" {
			held++
		}
	}
	switch held {
	case 0:
		return ""
	case len(names):
		return "; none beyond what is usual"
	}
	return fmt.Sprintf("; %d beyond what is usual", len(names)-held)
}

func (p *verdictPrinter) alert(data []byte) error {
	var a struct{ Status, Severity, Summary string }
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("reading an alert: %w", err)
	}
	_, err := fmt.Fprintf(p.out, "  %s %s: %s\n", strings.ToUpper(a.Status), a.Severity, printable(a.Summary))
	return err
}
