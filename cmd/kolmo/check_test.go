package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// The example's two samples: N(0, 1) and N(0.5, 1.2), a thousand of each.
const (
	normalReference = "../../windows/twosample/testdata/normal_reference.csv"
	normalCurrent   = "../../windows/twosample/testdata/normal_current.csv"
)

// command runs the program within the test's process.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// TestCheckFindsTheDriftOfTheExample holds check against scipy's ks_2samp.
func TestCheckFindsTheDriftOfTheExample(t *testing.T) {
	code, stdout, stderr := command(t, "check", "--reference", normalReference, "--current", normalCurrent, "--output", "json")
	if code != exitDrifted || stderr != "" {
		t.Fatalf("exit code %d, want %d; stderr %q", code, exitDrifted, stderr)
	}
	var result struct {
		Schema    int  `json:"schema"`
		Drifted   bool `json:"drifted"`
		Rows      int  `json:"rows"`
		Reference struct {
			ID   string `json:"id"`
			Kind string `json:"kind"`
			Rows int    `json:"rows"`
		} `json:"reference"`
		Features map[string]struct {
			N              int     `json:"n"`
			Test           string  `json:"test"`
			Method         string  `json:"method"`
			Statistic      float64 `json:"statistic"`
			StatisticError float64 `json:"statistic_error"`
			Location       float64 `json:"location"`
			Sign           int     `json:"sign"`
			P              float64 `json:"p_value"`
			Adjusted       float64 `json:"p_adjusted"`
			Effect         float64 `json:"effect"`
			Drifted        bool    `json:"drifted"`
		} `json:"features"`
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatalf("%v in\n%s", err, stdout)
	}
	if result.Schema != 1 || !result.Drifted || result.Rows != 1000 || result.Reference.Rows != 1000 ||
		result.Reference.Kind != "fixed" || !strings.HasPrefix(result.Reference.ID, "sha256:") || len(result.Features) != 1 {
		t.Errorf("the head is wrong in\n%s", stdout)
	}
	f := result.Features["feature"]
	if f.N != 1000 || f.Test != "ks" || f.Method != "exact" || f.StatisticError != 0 || !f.Drifted {
		t.Errorf("the feature is %+v", f)
	}
	const d, p = 0.211, 6.754654990327923e-20
	if !near(f.Statistic, d, 1e-12) || !near(f.P, p, 1e-12) || !near(f.Adjusted, p, 1e-12) || !near(f.Effect, d, 1e-12) {
		t.Errorf("D %v p %v adjusted %v effect %v, want D %v and p %v", f.Statistic, f.P, f.Adjusted, f.Effect, d, p)
	}
	if f.Location != 0.48206683552552526 || f.Sign != 1 {
		t.Errorf("D is at %v with sign %d, want 0.48206683552552526 and 1", f.Location, f.Sign)
	}
}

func TestCheckIsReadable(t *testing.T) {
	code, stdout, stderr := command(t, "check", "--reference", normalReference, "--current", normalCurrent)
	const want = `COLUMN   TEST      STATISTIC  P-VALUE    ADJUSTED   EFFECT  N     MISSING
feature  ks exact  0.211      6.755e-20  6.755e-20  0.211   1000  0        drifted

1 of 1 columns drifted (adjusted p below 0.05 and an effect of at least 0.1)
`
	if code != exitDrifted || stderr != "" || trimLines(stdout) != want {
		t.Errorf("exit code %d, stderr %q, and\n%s\nwant\n%s", code, stderr, stdout, want)
	}
}

func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestCheckOfAFileAgainstItselfIsFine(t *testing.T) {
	code, stdout, stderr := command(t, "check", "--reference", normalReference, "--current", normalReference)
	if code != exitFine || stderr != "" || !strings.Contains(stdout, "0 of 1 columns drifted") {
		t.Errorf("exit code %d, stderr %q, and\n%s", code, stderr, stdout)
	}
}

// TestCheckReadsEveryFormat: the same numbers in another format are the same
// result, but for the numbers' own names.
func TestCheckReadsEveryFormat(t *testing.T) {
	folder := t.TempDir()
	_, want, _ := command(t, "check", "--reference", normalReference, "--current", normalCurrent, "--output", "json")
	files := make(map[string][2]string)
	for side, file := range []string{normalReference, normalCurrent} {
		values := readColumn(t, file)
		for _, format := range []string{"ndjson", "parquet"} {
			path := filepath.Join(folder, fmt.Sprintf("%d.%s", side, format))
			if format == "ndjson" {
				writeNDJSON(t, path, values)
			} else {
				writeParquet(t, path, values)
			}
			both := files[format]
			both[side] = path
			files[format] = both
		}
	}
	for name, pair := range map[string][2]string{
		"ndjson": files["ndjson"], "parquet": files["parquet"],
		"csv and parquet":    {normalReference, files["parquet"][1]},
		"ndjson against csv": {files["ndjson"][0], normalCurrent},
	} {
		code, stdout, stderr := command(t, "check", "--reference", pair[0], "--current", pair[1], "--output", "json")
		if code != exitDrifted || stderr != "" || stdout != want {
			t.Errorf("%s: exit code %d, stderr %q, and\n%s\nwant\n%s", name, code, stderr, excerptAround([]byte(stdout), []byte(want)), excerptAround([]byte(want), []byte(stdout)))
		}
	}
}

// readColumn reads a CSV file of one column of numbers.
func readColumn(t *testing.T, path string) []float64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var values []float64
	for _, line := range strings.Fields(string(data))[1:] {
		v, err := strconv.ParseFloat(line, 64)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

// oneColumn is a row of the files that these tests write.
type oneColumn struct {
	Feature float64 `json:"feature" parquet:"feature"`
}

func rowsOf(values []float64) []oneColumn {
	rows := make([]oneColumn, len(values))
	for i, v := range values {
		rows[i].Feature = v
	}
	return rows
}

func writeNDJSON(t *testing.T, path string, values []float64) {
	t.Helper()
	writeFile(t, path, func(w *bufio.Writer) error {
		encoder := json.NewEncoder(w)
		for _, row := range rowsOf(values) {
			if err := encoder.Encode(row); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeParquet(t *testing.T, path string, values []float64) {
	t.Helper()
	if err := parquet.WriteFile(path, rowsOf(values)); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, path string, write func(*bufio.Writer) error) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	if err := write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	missing := filepath.Join(folder, "training.csv")
	ragged := filepath.Join(folder, "ragged.csv")
	if err := os.WriteFile(ragged, []byte("a,b\n1,2\n3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(folder, "empty.csv")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fine := []string{"check", "--reference", normalReference, "--current", normalCurrent}
	for _, test := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"no files", []string{"check"}, exitUsage, []string{"reference", "current"}},
		{"one file", fine[:3], exitUsage, []string{"current"}},
		{"an unknown flag", append(fine, "--speed", "11"), exitUsage, []string{"--speed"}},
		{"an argument", append(fine, "more"), exitUsage, []string{"more"}},
		{"an unknown test", append(fine, "--numeric", "t"), exitUsage, []string{"--numeric t", "auto, ks, chi2"}},
		{"an unknown correction", append(fine, "--correction", "none of it"), exitUsage, []string{"--correction", "bh, holm, none"}},
		{"an unknown output", append(fine, "--output", "xml"), exitUsage, []string{"--output xml", "text, json"}},
		{"alpha 0", append(fine, "--alpha", "0"), exitUsage, []string{"--alpha 0", "above 0"}},
		{"an alpha that is no number", append(fine, "--alpha", "NaN"), exitUsage, []string{"--alpha NaN", "above 0"}},
		{"an effect of 2", append(fine, "--min-effect", "2"), exitUsage, []string{"--min-effect 2", "from 0 to 1"}},
		{"a negative sample", append(fine, "--sample-size", "-1"), exitUsage, []string{"--sample-size -1"}},
		{"a missing reference", []string{"check", "--reference", missing, "--current", normalCurrent}, exitFailed, []string{missing, "no such file"}},
		{"a missing current file", []string{"check", "--reference", normalReference, "--current", missing}, exitFailed, []string{missing, "no such file"}},
		{"a folder", []string{"check", "--reference", folder, "--current", normalCurrent}, exitFailed, []string{folder}},
		{"a ragged file", []string{"check", "--reference", ragged, "--current", normalCurrent}, exitFailed, []string{ragged, "line 3"}},
		{"an empty file", []string{"check", "--reference", empty, "--current", normalCurrent}, exitFailed, []string{empty, "empty"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := command(t, test.args...)
			if code != test.code || stdout != "" {
				t.Errorf("exit code %d, want %d; stdout %q", code, test.code, stdout)
			}
			if !strings.HasPrefix(stderr, "kolmo: ") || strings.Count(stderr, "\n") != 1 {
				t.Errorf("not one line: %q", stderr)
			}
			for _, words := range test.says {
				if !strings.Contains(stderr, words) {
					t.Errorf("nothing is said of %q: %s", words, stderr)
				}
			}
		})
	}
}
