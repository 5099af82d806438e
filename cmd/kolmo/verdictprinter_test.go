package main

import (
	"strings"
	"testing"
)

// A line says what drifted, and how much of it can bring an alert.
func TestALineOfAVerdict(t *testing.T) {
	for _, c := range []struct{ features, want string }{
		{`"a": {"test": "ks", "effect": 0.02, "drifted": false}`, "no drift"},
		{`"a": {"test": "ks", "effect": 0.3, "drifted": true}, "b": {"test": "chi2", "effect": 0.1, "drifted": true}`, "2 of 2 drifted: a (D 0.30) b (V 0.10)"},
		{`"a": {"test": "ks", "effect": 0.3, "drifted": true, "held_back": "within_usual"}, "b": {"test": "ks", "effect": 0.2, "drifted": true}`,
			"2 of 2 drifted: a (D 0.30) b (D 0.20); 1 beyond what is usual"},
		{`"a": {"test": "ks", "effect": 0.3, "drifted": true, "held_back": "within_budget"}`, "1 of 1 drifted: a (D 0.30); none beyond what is usual"},
		{`"a": {"test": "ks", "effect": 0.3, "drifted": true, "caused_by": "missing", "broken": true}`, "no drift; broken data: a"},
	} {
		var out strings.Builder
		p := &verdictPrinter{out: &out}
		if err := p.verdict([]byte(`{"window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}, "events": 7, "features": {` + c.features + `}}`)); err != nil {
			t.Fatal(err)
		}
		if want := "2026-01-01 to 2026-01-02       7 events  " + c.want + "\n"; out.String() != want {
			t.Errorf("%s is printed as %q, want %q", c.features, out.String(), want)
		}
	}
}
