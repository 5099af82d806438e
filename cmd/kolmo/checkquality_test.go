package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Two files of one number and one category; every tenth number of the second is
// a text, every fourth a sentinel, and half of the categories are missing.
func TestCheckFindsBrokenData(t *testing.T) {
	folder := t.TempDir()
	var before, now strings.Builder
	before.WriteString("amount,country\n")
	now.WriteString("amount,country\n")
	for i := range 1000 {
		amount, country := fmt.Sprint(float64(i*7919%1000)/10), []string{"DE", "FR", "IT"}[i%3]
		_, _ = fmt.Fprintf(&before, "%s,%s\n", amount, country)
		switch {
		case i%10 == 1:
			amount = "unknown"
		case i%4 == 0:
			amount = "-999"
		}
		if i%2 == 0 {
			country = ""
		}
		_, _ = fmt.Fprintf(&now, "%s,%s\n", amount, country)
	}
	files := make(map[string]string)
	for name, text := range map[string]string{"reference.csv": before.String(), "current.csv": now.String()} {
		files[name] = filepath.Join(folder, name)
		if err := os.WriteFile(files[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"check", "--reference", files["reference.csv"], "--current", files["current.csv"]}
	code, stdout, stderr := command(t, args...)
	if code != exitDrifted || stderr != "" {
		t.Errorf("exit code %d, want %d; stderr %q", code, exitDrifted, stderr)
	}
	for _, line := range []string{
		"drifted by out_of_range; broken: type_changes 10% (reference 0%), out_of_range 27.8% (reference 0.1%), outliers 27.8% (reference 0%)",
		"broken: missing 50% (reference 0%)",
		"0 of 2 columns drifted",
		"2 columns have broken data; drift by it is not counted",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("there is no %q in\n%s", line, stdout)
		}
	}
	code, stdout, _ = command(t, append(args, "--output", "json")...)
	var result struct {
		Drifted, Broken bool
		Features        map[string]struct {
			CausedBy string `json:"caused_by"`
			Quality  map[string]struct {
				Rate, Count float64
				Broken      bool
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatal(err)
	}
	amount, country := result.Features["amount"], result.Features["country"]
	if code != exitDrifted || result.Drifted || !result.Broken || amount.CausedBy != "out_of_range" ||
		amount.Quality["type_changes"].Count != 100 || !country.Quality["missing"].Broken || country.Quality["missing"].Rate != 0.5 {
		t.Errorf("exit code %d and\n%s", code, stdout)
	}
	// A file against itself is not broken.
	code, stdout, _ = command(t, "check", "--reference", files["reference.csv"], "--current", files["reference.csv"])
	if code != exitFine || strings.Contains(stdout, "broken") {
		t.Errorf("exit code %d and\n%s", code, stdout)
	}
}
