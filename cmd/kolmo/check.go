package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/segmentio/encoding/json"
	"github.com/spf13/cobra"

	"github.com/kolmo-ml/kolmo/cmd/internal/dataset"
	"github.com/kolmo-ml/kolmo/consumer/event"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// checkOptions are the flags of check.
type checkOptions struct {
	reference, current string
	output             string
	sampleSize         int
	settings           drift.Settings
}

func newCheckCommand(stdout, stderr io.Writer) *cobra.Command {
	o := checkOptions{settings: drift.Default()}
	c := &cobra.Command{
		Use:   "check --reference FILE --current FILE",
		Short: "Compare two files: the tests of the service, offline",
		Long: `Compares every column of two CSV, NDJSON or Parquet files (gzipped or not) by
the tests the service uses, over every value, and the quality of their data. The
exit code is 3 when something drifted or is broken, so that a pipeline can stop on
it.

Files of any length are read as a stream, in less than a gigabyte of memory. Up
to 8 million numbers of a file (rows times numeric columns) are all kept, and the
comparison is exact. Of a longer file all numbers are counted between up to 1,023
quantiles of the reference: the method is then binned, and the true statistic is
larger than the one that is shown by at most statistic_error, which --output json
tells. With --sample-size uniform samples are compared, and the method is sampled.

"undecided" marks a column that another statistic, within the error of the one
shown, would have decided otherwise.`,
		Example: `  kolmo check --reference training.parquet --current today.csv
  kolmo check --reference a.csv --current b.csv --output json --alpha 0.01 --min-effect 0.05
  kolmo check --reference a.csv --current b.csv --decision minimum_effect --measures psi,hellinger --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			drifted, err := check(c.Context(), o, stdout, stderr)
			if err != nil {
				return failed(err)
			}
			if drifted {
				return &exitError{code: exitDrifted}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.reference, "reference", "", "file to compare with")
	f.StringVar(&o.current, "current", "", "file to compare")
	f.StringVar(&o.output, "output", "text", "text or json")
	f.StringVar(&o.settings.Numeric, "numeric", o.settings.Numeric, "test of numeric columns: "+listed(drift.NumericTests()))
	f.StringVar(&o.settings.Categorical, "categorical", o.settings.Categorical, "test of categorical columns: "+listed(drift.CategoricalTests()))
	f.StringSliceVar(&o.settings.Measures, "measures", drift.DefaultMeasures(), "distances that --output json shows beside the test, of "+listed(drift.AllMeasures()))
	f.StringVar(&o.settings.Decision, "decision", o.settings.Decision, "what decides: floor, the p-value and the effect; minimum_effect, the p-value of an effect beyond --min-effect")
	f.StringVar(&o.settings.Ties, "ties", o.settings.Ties, "the law of ks where values tie: continuous, or exact, for samples of up to 10,000")
	f.Float64Var(&o.settings.Alpha, "alpha", o.settings.Alpha, "level of the adjusted p-value below which a column has drifted")
	f.StringVar(&o.settings.Correction, "correction", o.settings.Correction, "correction for many columns: bh, holm or none")
	f.Float64Var(&o.settings.MinEffect, "min-effect", o.settings.MinEffect, "effect size below which nothing counts as drift")
	f.Uint64Var(&o.settings.MinEvents, "min-events", 1, "number of values below which a column is not tested")
	f.IntVar(&o.sampleSize, "sample-size", 0, "compare a uniform sample of so many values; 0: every value")
	for _, name := range []string{"reference", "current"} {
		_ = c.MarkFlagRequired(name) // fails only for a flag that does not exist
		_ = c.MarkFlagFilename(name, "csv", "ndjson", "parquet", "gz")
	}
	return c
}

func (o *checkOptions) validate() error {
	oneOf := func(flag, value string, allowed ...string) error {
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("--%s %s: use one of %s", flag, value, strings.Join(allowed, ", "))
		}
		return nil
	}
	for _, err := range []error{
		oneOf("output", o.output, "text", "json"),
		oneOf("numeric", o.settings.Numeric, drift.NumericTests()...),
		oneOf("categorical", o.settings.Categorical, drift.CategoricalTests()...),
		oneOf("correction", o.settings.Correction, drift.CorrectionBH, drift.CorrectionHolm, drift.CorrectionNone),
		oneOf("decision", o.settings.Decision, drift.DecisionFloor, drift.DecisionMinimumEffect),
		oneOf("ties", o.settings.Ties, drift.TiesContinuous, drift.TiesExact),
	} {
		if err != nil {
			return err
		}
	}
	for _, measure := range o.settings.Measures {
		if err := oneOf("measures", measure, drift.AllMeasures()...); err != nil {
			return err
		}
	}
	switch s := o.settings; {
	case !(s.Alpha > 0 && s.Alpha < 1):
		return fmt.Errorf("--alpha %v: it must be above 0 and below 1", s.Alpha)
	case !(s.MinEffect >= 0 && s.MinEffect <= 1):
		return fmt.Errorf("--min-effect %v: it must be from 0 to 1", s.MinEffect)
	case o.sampleSize < 0:
		return fmt.Errorf("--sample-size %d: it must be 0, for every value, or more", o.sampleSize)
	}
	return nil
}

func listed(names []string) string { return strings.Join(names, ", ") }

// check compares the files and prints what it found.
func check(ctx context.Context, o checkOptions, stdout, stderr io.Writer) (drifted bool, err error) {
	first, err := dataset.Open(o.reference, event.Limits{})
	if err != nil {
		return false, err
	}
	defer func() { _ = first.Close() }() // read only: nothing can be lost
	second, err := dataset.Open(o.current, event.Limits{})
	if err != nil {
		return false, err
	}
	defer func() { _ = second.Close() }()
	if err := alignColumns(first, second); err != nil {
		return false, err
	}
	made, err := reference.BuildWithin(reference.Fixed, watched(ctx, first, stderr, "reading "+o.reference), o.kept(), checkLimits())
	if err != nil {
		return false, err
	}
	grid := made.Grid()
	if o.sampleSize > 0 {
		grid = nil // nothing is counted: samples are compared
	}
	current, err := reference.CountWithin(watched(ctx, second, stderr, "reading "+o.current), grid, o.kept(), checkLimits())
	if err != nil {
		return false, err
	}
	verdict := drift.Compare(drift.Case{Window: current, Reference: made}, o.settings)
	if o.output == "json" {
		return verdict.Drifted || verdict.Broken, printJSON(stdout, verdict)
	}
	return verdict.Drifted || verdict.Broken, printText(stdout, verdict, o)
}

func printJSON(w io.Writer, v *drift.Verdict) error {
	data, err := json.MarshalIndent(struct {
		Schema     int                       `json:"schema"`
		Drifted    bool                      `json:"drifted"`
		Broken     bool                      `json:"broken,omitempty"`
		Rows       uint64                    `json:"rows"`
		Reference  *drift.Reference          `json:"reference"`
		Features   map[string]*drift.Feature `json:"features"`
		Prediction *drift.Feature            `json:"prediction,omitempty"`
	}{v.Schema, v.Drifted, v.Broken, v.Events, v.Reference, v.Features, v.Prediction}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

func printText(w io.Writer, v *drift.Verdict, o checkOptions) error {
	all := maps.Clone(v.Features)
	if v.Prediction != nil {
		all[windows.PredictionName] = v.Prediction
	}
	effect := func(name string) float64 {
		if e := all[name].Effect; e != nil {
			return float64(*e)
		}
		return -1
	}
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		switch {
		case all[a].Drifted != all[b].Drifted && all[a].Drifted:
			return -1
		case all[a].Drifted != all[b].Drifted:
			return 1
		case effect(a) != effect(b) && effect(a) > effect(b):
			return -1
		case effect(a) != effect(b):
			return 1
		}
		return strings.Compare(a, b)
	})
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(table, format, args...) } // Flush tells
	line("COLUMN\tTEST\tSTATISTIC\tP-VALUE\tADJUSTED\tEFFECT\tN\tMISSING\t\n")
	drifted := 0
	for _, name := range names {
		f := all[name]
		if f.Test == "" {
			line("%s\t-\t-\t-\t-\t-\t%d\t%d\t%s%s%s\n", printable(name), f.N, f.Missing, f.Untested, f.Error, brokenWords(f, "; "))
			continue
		}
		word := brokenWords(f, "")
		switch {
		case f.Drifted && f.CausedBy == "":
			word = "drifted" + brokenWords(f, "; ")
			drifted++
		case f.Drifted:
			word = "drifted by " + f.CausedBy + brokenWords(f, "; ")
		}
		if f.Undecided {
			word = strings.TrimPrefix(word+"; undecided", "; ")
		}
		line("%s\t%s %s\t%.6g\t%.4g\t%.4g\t%.4g\t%d\t%d\t%s\n", printable(name), f.Test, f.Method,
			float64(*f.Statistic), float64(*f.P), float64(*f.Adjusted), float64(*f.Effect), f.N, f.Missing, word)
	}
	rule := fmt.Sprintf("adjusted p below %g and an effect of at least %g", o.settings.Alpha, o.settings.MinEffect)
	if o.settings.Decision == drift.DecisionMinimumEffect {
		rule = fmt.Sprintf("adjusted p of an effect beyond %g below %g; of tests other than ks and chi2, adjusted p below %g and such an effect",
			o.settings.MinEffect, o.settings.Alpha, o.settings.Alpha)
	}
	line("\n%d of %d columns drifted (%s)\n", drifted, len(names), rule)
	if v.Broken {
		line("%s\n", brokenColumns(all))
	}
	return table.Flush()
}

// printable keeps control characters of a name from the terminal.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, name)
}
