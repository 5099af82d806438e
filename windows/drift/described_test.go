package drift

import (
	"os"
	"strings"
	"testing"
)

// What a verdict may name, the readme of the statistics defines.
func TestEveryTestAndMeasureIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../twosample/README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := append(AllMeasures(), testKS, testChi2, pExactTied, methodExact, methodBinned, methodSampled, CorrectionBH, CorrectionHolm)
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("windows/twosample/README.md does not say what %q is", name)
		}
	}
	if !strings.Contains(string(text), "`drift.ties: "+TiesExact+"`") {
		t.Errorf("windows/twosample/README.md does not say what drift.ties: %s does", TiesExact)
	}
}
