package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// checkedColumn is what these tests look at.
type checkedColumn struct {
	Test     string             `json:"test"`
	Method   string             `json:"method"`
	PMethod  string             `json:"p_method"`
	Minimum  *float64           `json:"p_minimum_effect"`
	Measures map[string]float64 `json:"measures"`
}

func checkColumn(t *testing.T, reference, current string, flags ...string) checkedColumn {
	t.Helper()
	code, stdout, stderr := command(t, append([]string{"check", "--reference", reference, "--current", current, "--output", "json"}, flags...)...)
	if code != exitFine && code != exitDrifted {
		t.Fatalf("%v: exit code %d: %s", flags, code, stderr)
	}
	var result struct {
		Features map[string]checkedColumn `json:"features"`
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatal(err)
	}
	return result.Features["feature"]
}

// TestCheckTakesTheSettingsOfAModel: what drift says in a configuration, check
// takes as flags.
func TestCheckTakesTheSettingsOfAModel(t *testing.T) {
	for _, test := range drift.NumericTests() {
		want := test
		if test == "auto" {
			want = "ks"
		}
		if got := checkColumn(t, normalReference, normalCurrent, "--numeric", test).Test; got != want {
			t.Errorf("--numeric %s tests by %q", test, got)
		}
	}
	if got := checkColumn(t, normalReference, normalCurrent).Measures; len(got) != len(drift.DefaultMeasures()) {
		t.Errorf("measures without the flag: %v", got)
	}
	if got := checkColumn(t, normalReference, normalCurrent, "--measures", strings.Join(drift.AllMeasures(), ",")).Measures; len(got) != len(drift.AllMeasures()) {
		t.Errorf("all measures: %v", got)
	}
	if f := checkColumn(t, normalReference, normalCurrent, "--decision", "minimum_effect"); f.Minimum == nil || *f.Minimum <= 0 {
		t.Errorf("--decision minimum_effect gives %+v", f)
	}
	if f := checkColumn(t, normalReference, normalCurrent); f.Minimum != nil || f.PMethod != "exact" || f.Method != "exact" {
		t.Errorf("without flags %+v", f)
	}
	if f := checkColumn(t, normalReference, normalCurrent, "--ties", "exact"); f.PMethod != "exact_tied" {
		t.Errorf("--ties exact gives %+v", f)
	}
	if f := checkColumn(t, normalReference, normalCurrent, "--sample-size", "100"); f.Method != "sampled" {
		t.Errorf("--sample-size 100 gives %+v", f)
	}
	if f := checkColumn(t, normalReference, normalCurrent, "--sample-size", "5000"); f.Method != "exact" {
		t.Errorf("a sample that is everything gives %+v", f)
	}
	for _, flags := range [][]string{{"--decision", "both"}, {"--ties", "loose"}, {"--measures", "psi,entropy"}, {"--categorical", "ks"}} {
		code, _, stderr := command(t, append([]string{"check", "--reference", normalReference, "--current", normalCurrent}, flags...)...)
		if code != exitUsage || !strings.Contains(stderr, flags[0]) || !strings.Contains(stderr, "use one of") {
			t.Errorf("%v: exit code %d, %s", flags, code, stderr)
		}
	}
}

// TestCheckSaysWhatIsUndecided: samples of a difference at the floor leave open
// which side of it the difference is on.
func TestCheckSaysWhatIsUndecided(t *testing.T) {
	folder := t.TempDir()
	files := []string{filepath.Join(folder, "a.csv"), filepath.Join(folder, "b.csv")}
	for side, shift := range []float64{0, 0.25} { // D of about 0.1
		values := sample(20_000, shift, 7)
		slices.Sort(values)
		writeCSV(t, files[side], values)
	}
	_, text, _ := command(t, "check", "--reference", files[0], "--current", files[1], "--sample-size", "2000")
	if !strings.Contains(text, "ks sampled") || !strings.Contains(text, "undecided") {
		t.Errorf("it wrote\n%s", text)
	}
	_, text, _ = command(t, "check", "--reference", files[0], "--current", files[1])
	if !strings.Contains(text, "ks exact") || strings.Contains(text, "undecided") {
		t.Errorf("of all values it wrote\n%s", text)
	}
	_, text, _ = command(t, "check", "--reference", files[0], "--current", files[1], "--decision", "minimum_effect")
	if !strings.Contains(text, "adjusted p of an effect beyond 0.1 below 0.05") {
		t.Errorf("by the minimum effect it wrote\n%s", text)
	}
}
