package drift

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/segmentio/encoding/json"
)

// Encode writes the verdict's JSON in at most limit bytes, Kafka's bound on a
// record. Where it would be longer it sheds, in this order and each only as
// far as it must: the sample of events; the quantiles and counts of features that have not drifted,
// then of all; lists of new categories beyond twenty; measures; the checks of
// features that have neither drifted nor are broken; of all the others those that
// are not broken; such quiet features as a whole, those with the largest p-values
// first; the checks that are broken, of which the features still say broken and
// caused_by. Where that is not enough, because somebody sends thousands of features
// with names of hundreds of bytes, the features that drifted or are broken go too,
// the smallest effects first, then the prediction, and then the statuses: a record
// that cannot be written would hold up every window after it. What was shed is
// named.
func (v *Verdict) Encode(limit int) ([]byte, error) {
	data, err := v.json()
	if err != nil || len(data) <= limit {
		return data, err
	}
	shorter := *v
	if len(v.Sample) > 0 {
		shorter.Sample = nil
		shorter.Shed = append(slices.Clone(v.Shed), "the sample of events")
		if data, err = shorter.json(); err != nil || len(data) <= limit {
			return data, err
		}
	}
	shorter.Features = make(map[string]*Feature, len(v.Features))
	for name, f := range v.Features {
		kept := *f
		shorter.Features[name] = &kept
	}
	all := slices.Collect(maps.Values(shorter.Features))
	if v.Prediction != nil {
		kept := *v.Prediction
		shorter.Prediction = &kept
		all = append(all, &kept)
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
		for _, f := range all {
			step.from(f)
		}
		shorter.Shed = append(shorter.Shed, step.name)
		if data, err = shorter.json(); err != nil || len(data) <= limit {
			return data, err
		}
	}
	quiet, loud := make([]string, 0, len(shorter.Features)), []string(nil)
	for name, f := range shorter.Features {
		if f.Drifted || f.Broken {
			loud = append(loud, name)
		} else {
			quiet = append(quiet, name)
		}
	}
	slices.SortFunc(quiet, func(a, b string) int { return compareQuiet(shorter.Features, a, b) })
	if data, err = shorter.shedFeatures(quiet, limit, "%d features that have not drifted"); err != nil || len(data) <= limit {
		return data, err
	}
	for _, f := range all {
		f.Quality = nil
	}
	shorter.Shed = append(shorter.Shed, "checks of features whose data is broken")
	if data, err = shorter.json(); err != nil || len(data) <= limit {
		return data, err
	}
	slices.SortFunc(loud, func(a, b string) int { return compareLoud(shorter.Features, a, b) })
	if data, err = shorter.shedFeatures(loud, limit, "%d features that have drifted or are broken"); err != nil || len(data) <= limit {
		return data, err
	}
	shorter.Prediction = nil
	shorter.Shed = append(shorter.Shed, "the prediction")
	if data, err = shorter.json(); err != nil || len(data) <= limit {
		return data, err
	}
	if v.Performance != nil {
		kept := *v.Performance
		kept.Requests = map[string]uint64{}
		shorter.Performance = &kept
	}
	shorter.Shed = append(shorter.Shed, "statuses")
	if data, err = shorter.json(); err != nil || len(data) <= limit {
		return data, err
	}
	return data, fmt.Errorf("the verdict of model %.100q version %.100q for %v has %d bytes, more than the limit of %d, with nothing left to shed: lower limits.name_length",
		v.Model, v.Version, v.Window.Start, len(data), limit)
}

// shedFeatures leaves out as many of the named features, the first first, as it
// must. said says how many they were.
func (v *Verdict) shedFeatures(names []string, limit int, said string) ([]byte, error) {
	shed := len(v.Shed)
	data, err := v.json()
	// As many at once as are too much if all are of a size, and at least a tenth of
	// those that are left: each step encodes once.
	for dropped := 0; err == nil && len(data) > limit && len(names) > 0; {
		size := max(1, len(data)/max(1, len(v.Features)))
		n := min(max(1, len(names)/10, (len(data)-limit)/size), len(names))
		for _, name := range names[:n] {
			delete(v.Features, name)
		}
		names, dropped = names[n:], dropped+n
		v.Shed = append(v.Shed[:shed], fmt.Sprintf(said, dropped))
		data, err = v.json()
	}
	return data, err
}

// compareLoud orders features that have drifted: the smallest effect first.
func compareLoud(features map[string]*Feature, a, b string) int {
	effect := func(name string) float64 {
		if e := features[name].Effect; e != nil {
			return float64(*e)
		}
		return -1
	}
	return cmp.Or(cmp.Compare(effect(a), effect(b)), cmp.Compare(a, b))
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
