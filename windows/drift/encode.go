package drift

import (
	"fmt"
	"slices"

	"github.com/segmentio/encoding/json"
)

// Encode writes the verdict's JSON in at most limit bytes, Kafka's bound on a
// record. Where it would be longer it sheds, in this order and each only as
// far as it must: the quantiles and counts of features that have not drifted,
// then of all; lists of new categories beyond twenty; measures; the checks of
// features that have neither drifted nor are broken; of all the others those that
// are not broken; such quiet features as a whole, those with the largest p-values
// first; and last the checks that are broken, of which the features still say
// broken and caused_by. What was shed is named. The features that drifted stay,
// and those whose data is broken: where a failure upstream breaks all of them, the
// checks are no reason that a record cannot be written.
func (v *Verdict) Encode(limit int) ([]byte, error) {
	data, err := v.json()
	if err != nil || len(data) <= limit {
		return data, err
	}
	shorter := *v
	shorter.Features = make(map[string]*Feature, len(v.Features))
	for name, f := range v.Features {
		kept := *f
		shorter.Features[name] = &kept
	}
	shed := []struct {
		name string
		from func(*Feature)
	}{
		{"quantiles and counts of features that have not drifted", func(f *Feature) {
			if !f.Drifted {
				f.Quantiles, f.Counts = nil, nil
			}
		}},
		{"quantiles and counts", func(f *Feature) { f.Quantiles, f.Counts = nil, nil }},
		{"new categories beyond twenty", func(f *Feature) { f.NewCategories = f.NewCategories[:min(20, len(f.NewCategories))] }},
		{"measures", func(f *Feature) { f.Measures = nil }},
		{"checks of features that have neither drifted nor broken", func(f *Feature) {
			if !f.Drifted && !f.Broken {
				f.Quality = nil
			}
		}},
		{"checks that are not broken", func(f *Feature) { f.Quality = f.Quality.onlyBroken() }},
	}
	for _, step := range shed {
		for _, f := range shorter.Features {
			step.from(f)
		}
		shorter.Shed = append(shorter.Shed, step.name)
		if data, err = shorter.json(); err != nil || len(data) <= limit {
			return data, err
		}
	}
	quiet := make([]string, 0, len(shorter.Features))
	for name, f := range shorter.Features {
		if !f.Drifted && !f.Broken {
			quiet = append(quiet, name)
		}
	}
	slices.SortFunc(quiet, func(a, b string) int { return compareQuiet(shorter.Features, a, b) })
	// Drop in steps of a tenth: each step encodes once.
	step := max(1, len(quiet)/10)
	for dropped := 0; len(quiet) > 0; {
		n := min(step, len(quiet))
		for _, name := range quiet[:n] {
			delete(shorter.Features, name)
		}
		quiet, dropped = quiet[n:], dropped+n
		shorter.Shed = append(shorter.Shed[:len(shed)], fmt.Sprintf("%d features that have not drifted", dropped))
		if data, err = shorter.json(); err != nil || len(data) <= limit {
			return data, err
		}
	}
	for _, f := range shorter.Features {
		f.Quality = nil
	}
	shorter.Shed = append(shorter.Shed, "checks of features whose data is broken")
	if data, err = shorter.json(); err != nil || len(data) <= limit {
		return data, err
	}
	return data, fmt.Errorf("the verdict of model %q version %q for %v has %d bytes, more than the limit of %d, with nothing left to shed: raise the topic's max.message.bytes or watch fewer features",
		v.Model, v.Version, v.Window.Start, len(data), limit)
}

// compareQuiet orders features that have not drifted: the least interesting
// first, which are those with the largest p-values, the untested before them.
func compareQuiet(features map[string]*Feature, a, b string) int {
	pa, pb := 2.0, 2.0
	if p := features[a].P; p != nil {
		pa = float64(*p)
	}
	if p := features[b].P; p != nil {
		pb = float64(*p)
	}
	switch {
	case pa > pb:
		return -1
	case pa < pb:
		return 1
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// onlyBroken are the checks that are broken; nil where none is. The others stay
// as they were.
func (q *Quality) onlyBroken() *Quality {
	if q == nil {
		return nil
	}
	kept := *q
	for _, check := range []**Check{
		&kept.Missing, &kept.Appeared, &kept.NonFinite, &kept.TypeChanges,
		&kept.NewCategories, &kept.OutOfRange, &kept.Outliers, &kept.Constant,
	} {
		if *check != nil && !(*check).Broken {
			*check = nil
		}
	}
	if kept == (Quality{}) {
		return nil
	}
	return &kept
}

func (v *Verdict) json() ([]byte, error) {
	data, err := json.Append(nil, v, json.SortMapKeys)
	if err != nil {
		return nil, fmt.Errorf("writing the verdict of model %q version %q: %w", v.Model, v.Version, err)
	}
	return data, nil
}
