package configs

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// fields is the table of defaults, and of each model.
func (s *Settings) fields() []field {
	fields := []field{
		{key: "window", value: section{windowFields(&s.Window)}, meaning: "How events are cut into windows of event time."},
		{key: "reference", value: section{s.Reference.fields()}, meaning: "What windows are compared with."},
		{key: "sample_size", value: whole(&s.SampleSize, 1, 1_000_000), meaning: "Values a window keeps per feature. Up to as many the test is exact."},
		{key: "drift", value: section{s.Drift.fields()}, meaning: "What counts as drift."},
		{key: "alert", value: section{s.Alert.fields()}, meaning: "When windows become an alert."},
		{key: "budget", value: budget(&s.Budget), meaning: "How many false pages a model version may cause, such as 1 per 30d. It sets the level of every window."},
		{key: "slo", value: section{s.Objectives.fields()}, meaning: "What the service promises. A window that misses it counts towards an alert of kind performance."},
		{key: "traffic", value: section{s.Traffic.fields()}, meaning: "Which numbers of events are far from usual. They count towards an alert of kind traffic."},
		{key: "retraining", value: section{s.Retraining.fields()}, meaning: "When the model is trained again, and who is asked to."},
		{key: "success_statuses", value: list{into: &s.SuccessStatuses, item: text, least: 1}, fallback: "`success`, `ok` and 200 to 299", meaning: "Values of status that count as successes; every other is an error."},
	}
	return append(fields, reservedFields("segments", "outcomes", "schedule")...)
}

// fields is the table of one model: its name, and what defaults has.
func (e *Entry) fields() []field {
	name := field{key: "name", required: true, value: text(&e.Name), meaning: "A model's name, or a glob: * stands for any text, ? for any one character."}
	return append([]field{name}, e.Settings.fields()...)
}

func windowFields(w *windows.Definition) []field {
	return []field{
		{key: "size", value: span(&w.Size), meaning: "Length of a window. Durations align to origin; 1d, 1w, 1mo follow the calendar of time_zone, weeks begin on Monday."},
		{key: "every", value: span(&w.Every), fallback: "size", meaning: "Distance between the starts of windows. Shorter than size, they overlap."},
		{key: "lateness", value: duration(&w.Lateness, 0, maxDuration), meaning: "How long after its end a window still takes events, in event time."},
		{key: "time_zone", value: zone(&w.Location), meaning: "Whose calendar days, weeks and months follow."},
		{key: "origin", value: moment(&w.Origin), fallback: "the Unix epoch; for calendar sizes local midnight of 1970-01-01, of Monday 1970-01-05 for weeks", meaning: "A moment at which a window starts."},
		{key: "min_events", value: whole(&w.MinEvents, 0, 1_000_000_000_000), meaning: "A window with fewer events grows by whole windows, up to max_size. 0: windows do not grow."},
		{key: "max_size", value: span(&w.MaxSize), fallback: "24 sizes", meaning: "How far a window may grow."},
	}
}

func (r *Reference) fields() []field {
	return []field{
		{key: "kind", value: oneOf(&r.Kind, []string{ReferenceFixed, ReferenceFirst, ReferenceRolling, ReferenceSeasonal, ReferenceVersion}),
			meaning: "fixed is a file, or what kolmo reference load brought; first is the first windows of a version, then pinned; rolling is its last windows; seasonal is its windows of the same slot in earlier periods; version is the window of another version at the same time."},
		{key: "file", value: file{&r.File, &r.FileAsWritten, "; or leave file out and bring the reference with kolmo reference load"}, meaning: "Data of a fixed reference: CSV, NDJSON or Parquet, each also gzipped."},
		{key: "windows", value: whole(&r.Windows, 1, 10_000), meaning: "How many windows make a first or a rolling reference."},
		{key: "period", value: span(&r.Period), meaning: "Of a seasonal reference: after how long the pattern repeats. A multiple of window.every; days and weeks follow the calendar of time_zone."},
		{key: "cycles", value: whole(&r.Cycles, 1, 1000), meaning: "Of a seasonal reference: how many periods back it reaches."},
		{key: "version", value: text(&r.Version), fallback: "none", meaning: "Of a version reference: the version that every other one is compared with."},
		{key: "size", value: whole(&r.Size, 1, 1_000_000), meaning: "Values a reference keeps per feature. Its quantile counts are over all rows, whatever the size."},
	}
}

func (d *Drift) fields() []field {
	fields := []field{
		{key: "alpha", value: number(&d.Alpha, bound{0, true}, bound{1, true}), meaning: "Adjusted p-value below which a feature has drifted."},
		{key: "correction", value: oneOf(&d.Correction, []string{"bh", "holm", "none"}), meaning: "Multiplicity over the features of a window: Benjamini–Hochberg, Holm or none."},
		{key: "decision", value: oneOf(&d.Decision, []string{drift.DecisionFloor, drift.DecisionMinimumEffect}), meaning: "How significance and size decide together. floor: the p-value is of no difference at all, and the effect must be at least min_effect. minimum_effect: the p-value is of an effect of at most min_effect."},
	}
	fields = append(fields, d.featureFields(&d.MinEffect, &d.MinEvents, &d.Numeric, &d.Categorical, &d.Ties, &d.Measures)...)
	return append(fields, field{key: "quality", value: section{d.Quality.fields()}, meaning: "What counts as broken data."}, field{
		key: "features", value: featureEntries{&d.Features, d},
		meaning: "Features with settings of their own, each over the model's. An exact name goes before a glob, a longer glob before a shorter one, then the first in the list.",
	})
}

func (q *Quality) fields() []field {
	return []field{
		{key: "alpha", value: number(&q.Alpha, bound{0, true}, bound{1, true}), meaning: "Adjusted p-value, among all checks of the window, below which a rate has risen above the reference's."},
		{key: "min_increase", value: number(&q.MinIncrease, bound{0, false}, bound{1, false}), meaning: "By how much a rate must exceed the reference's for data to be broken: 0.01 is one point in a hundred."},
		{key: "min_ratio", value: number(&q.MinRatio, bound{1, false}, bound{1000, false}), meaning: "How many times the reference's the odds of a rate, rate / (1 − rate), must be for data to be broken."},
	}
}

// featureFields is the part of the table that a feature can have of its own.
func (d *Drift) featureFields(minEffect *float64, minEvents *uint64, numeric, categorical, ties *string, measures *[]string) []field {
	measure := func(into *string) value { return oneOf(into, drift.AllMeasures()) }
	return []field{
		{key: "min_effect", value: number(minEffect, bound{0, false}, bound{1, false}), meaning: "Effect below which nothing counts as drift, however small its p-value: D for KS, Cramér's V for chi-square, the measure for the others."},
		{key: "min_events", value: whole(minEvents, 0, 1_000_000_000_000), meaning: "Values of a feature below which it is not tested."},
		{key: "numeric", value: oneOf(numeric, drift.NumericTests()), meaning: "Test of numeric features. auto is KS, but chi-square where the reference has at most 10 distinct values; ks is always KS."},
		{key: "categorical", value: oneOf(categorical, drift.CategoricalTests()), meaning: "Test of categorical features."},
		{key: "ties", value: oneOf(ties, []string{drift.TiesContinuous, drift.TiesExact}), meaning: "What a KS p-value makes of values that tie. continuous errs on the safe side; exact is slower, and counts where every value is compared and the p-value is exact."},
		{key: "measures", value: list{into: measures, item: measure}, meaning: "Distances that a verdict shows beside the test."},
	}
}

func (a *Alert) fields() []field {
	return []field{
		{key: "for", value: whole(&a.For, 1, 1000), meaning: "How many of the last windows must have drifted. At most of."},
		{key: "of", value: whole(&a.Of, 1, 1000), meaning: "How many windows are looked back on."},
		{key: "resolve_after", value: whole(&a.ResolveAfter, 1, 1000), meaning: "How many windows in a row without drift resolve an alert."},
		{key: "severity", value: severity{&a.Severity, "effect"}, meaning: "Severity of the alert, or from which effect on each holds: {warning: 0.1, critical: 0.2}. Below the first effect the first holds. It is the effect that as many windows have reached as it takes to fire, and can become worse while the alert fires."},
	}
}

// inputTopics is the mapping of roles to topics. Its presence replaces the
// default as a whole: a role left out then has no topic.
type inputTopics struct {
	into *Inputs
}

func (i inputTopics) decode(d *decoder, n ast.Node, path string) {
	if _, null := n.(*ast.NullNode); null {
		d.report(start(n), path, "the key has no value: write a role, as in {predictions: [predictions]}, or leave the key out")
		return
	}
	*i.into = Inputs{}
	d.fields(n, path, i.into.fields())
}

func (i inputTopics) describe() description {
	return description{kind: "mapping", fields: new(Inputs).fields()}
}
