package alerts

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

func TestAnAlertWithTooManyCulpritsLeavesOutTheSmallest(t *testing.T) {
	a := &Alert{Schema: Schema, ID: "a", Model: "m"}
	for i := range 4000 {
		effect := drift.Number(1 - float64(i)/4000)
		a.Features = append(a.Features, Culprit{Name: fmt.Sprint(strings.Repeat("\x00", 250), i), Effect: &effect})
	}
	data, err := a.Encode()
	if err != nil || len(data) > mostAlertBytes {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	var back Alert
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Features) == 0 || back.FeaturesLeftOut != 4000-len(back.Features) || back.Features[0].Name != a.Features[0].Name || len(a.Features) != 4000 {
		t.Errorf("%d culprits, %d left out", len(back.Features), back.FeaturesLeftOut)
	}
	a.Features = a.Features[:10]
	if data, err = a.Encode(); err != nil || strings.Contains(string(data), "left_out") {
		t.Errorf("ten culprits: %v, %s", err, data)
	}
}

func TestSummariesShowWhatDoesNotPrint(t *testing.T) {
	for text, want := range map[string]string{
		"fraud v3: amount most (D 0.1)": "fraud v3: amount most (D 0.1)",
		"é 漢 🙂":                         "é 漢 🙂",
		"a\nlevel=ERROR":                `a\u000alevel=ERROR`,
		"\x1b[31m\x00\x7f\u0085":        `\u001b[31m\u0000\u007f\u0085`,
		"gnp.\u202eexe\u200b":           `gnp.\u202eexe\u200b`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
