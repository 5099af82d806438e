package drift

import (
	"cmp"
	"maps"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// A Case is one window and what it is compared with.
type Case struct {
	Model, Version, Segment string
	Window                  *windows.Window
	Reference               *reference.Reference // nil: there is none
	// Without says why there is no reference; empty: there is none yet.
	Without string
	// Budget is the level of this window that follows from a budget of false
	// pages; 0: there is none.
	Budget float64
	// Gaps are those that the window may lack events by.
	Gaps []Gap
}

// Compare makes the verdict on a window.
func Compare(c Case, settings Settings) *Verdict {
	s := &settings
	w := c.Window
	v := &Verdict{
		Schema: Schema, Kind: "window", Model: c.Model, Version: c.Version, Segment: c.Segment,
		Window: BoundsOf(w.Interval), Events: w.Events, Late: w.Late, Incomplete: len(c.Gaps) > 0, Gaps: c.Gaps, OverLimit: w.OverLimit,
		Features: make(map[string]*Feature), Performance: performance(w, s),
	}
	if c.Budget > 0 {
		v.Level = number(driftBudget(c.Budget))
	}
	without := cmp.Or(c.Without, "there is no reference yet")
	if r := c.Reference; r != nil {
		v.Reference, without = &Reference{ID: r.ID, Kind: r.Kind, Rows: r.Rows}, ""
	}
	for _, name := range names(w, c.Reference) {
		v.Features[name] = feature(s.of(name), w, w.Feature(name), c.Reference.Find(name), w.FeatureEvents, without)
	}
	if predicted := c.Reference.FindPrediction(); w.Prediction != nil && (w.Prediction.Present() > 0 || predicted != nil) {
		v.Prediction = feature(s.of(windows.PredictionName), w, w.Prediction, predicted, w.PredictionEvents, without)
	}
	warnOfLimits(v, w)
	decide(v, s, driftBudget(c.Budget))
	judgeQuality(v, s, &c)
	return v
}

// names lists the features of the window and of its reference.
func names(w *windows.Window, r *reference.Reference) []string {
	set := make(map[string]bool)
	for _, t := range w.Features {
		set[t.Name] = true
	}
	if r != nil {
		for _, f := range r.Features {
			set[f.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// feature counts and tests one feature. tally is nil when no event carried it,
// ref when the reference does not know it. events is how many could have
// carried it. without says why there is no reference; empty where there is one.
func feature(s *Settings, w *windows.Window, tally *windows.Tally, ref *reference.Feature, events uint64, without string) *Feature {
	if tally == nil {
		tally = &windows.Tally{}
	}
	f := &Feature{N: tally.Present(), NonFinite: tally.NonFinite}
	switch {
	case ref != nil:
		f.Type = ref.Type
		f.Missing = events - min(events, f.N)
	default:
		// Which features could be missing is known from the reference alone.
		f.Missing = tally.Nulls
		if tally.Texts() > tally.Moments.Count {
			f.Type = windows.Categorical
		}
	}
	if f.Type == windows.Numeric {
		f.TypeChanges = tally.Texts()
		if tally.Moments.Count > 0 {
			f.Min, f.Max = number(tally.Moments.Min), number(tally.Moments.Max)
			f.Mean, f.Std = number(tally.Moments.Mean), number(tally.Moments.Std())
		}
		if w.Grid != nil && tally.Bins != nil {
			outliers := tally.Outliers
			f.Outliers = &outliers
		}
	} else {
		f.TypeChanges = tally.Moments.Count + tally.NonFinite
	}
	switch {
	case without != "":
		f.Untested = without
	case ref == nil:
		f.Untested = "the reference does not have this feature"
	case ref.Present == 0:
		f.Untested = "every value of the reference is missing"
	case f.Type == windows.Categorical:
		testCategories(f, s, tally, ref)
	default:
		testNumbers(f, s, w, tally, ref)
	}
	return f
}

// enough reports whether there are enough values to test, and says so where
// there are not.
func (f *Feature) enough(s *Settings, current, reference uint64) bool {
	switch {
	case reference == 0:
		f.Untested = "the reference has no values to compare with"
	case current == 0:
		f.Untested = "the window has no values"
	case current < s.MinEvents:
		f.Untested = "the window has fewer values than drift.min_events"
	default:
		return true
	}
	return false
}

// performance is how the service did.
func performance(w *windows.Window, s *Settings) *Performance {
	if w.PredictionEvents == 0 {
		return nil
	}
	p := &Performance{Requests: w.Requests}
	var errors uint64
	for status, n := range w.Requests {
		if !s.success(status) {
			errors += n
		}
	}
	p.ErrorRate = number(float64(errors) / float64(w.PredictionEvents))
	seconds := float64(w.Interval.End-w.Interval.Start) / 1000
	p.Throughput = Number(float64(w.PredictionEvents) / seconds)
	if t := w.Latency; t != nil && t.Moments.Count > 0 {
		quantile := latencyQuantiles(t)
		p.Latency = &Latency{
			P50: quantile(0.5), P90: quantile(0.9), P95: quantile(0.95), P99: quantile(0.99), Max: Number(t.Moments.Max),
		}
	}
	p.Objectives = promises(&s.Objectives, w, errors)
	return p
}

// latencyQuantiles reads quantiles off the sample where it is everything, and
// off the bins otherwise.
func latencyQuantiles(t *windows.Tally) func(p float64) Number {
	if uint64(t.Sample.Len()) == t.Moments.Count {
		sorted := t.Sample.Sorted()
		return func(p float64) Number { return Number(reference.Quantile(sorted, p)) }
	}
	edges := windows.LatencyGrid().Edges
	return func(p float64) Number {
		return Number(reference.BinnedQuantile(edges, t.Bins, t.Moments.Min, t.Moments.Max, p))
	}
}

// success reports whether a status is a success.
func (s *Settings) success(status string) bool {
	if s.Success != nil {
		return slices.Contains(s.Success, status)
	}
	if status == "success" || status == "ok" {
		return true
	}
	return len(status) == 3 && status[0] == '2' && digit(status[1]) && digit(status[2])
}

func digit(b byte) bool { return '0' <= b && b <= '9' }
