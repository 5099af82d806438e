package drift

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Whatever is in a verdict, it can be written: one that cannot holds up every
// window after it.
func TestEveryVerdictFitsIntoARecord(t *testing.T) {
	const limit = 960 << 10
	long := strings.Repeat("\x01", 80)
	loud := func(effect float64) *Feature {
		return &Feature{N: 5, Test: "ks", Drifted: true, Effect: number(effect), NewCategories: []string{long}, CausedBy: long}
	}
	build := func(edit func(*Verdict)) *Verdict {
		v := &Verdict{
			Schema: Schema, Kind: "window", Model: "m", Window: Bounds{End: time.Unix(3600, 0).UTC()},
			Features: make(map[string]*Feature), Performance: &Performance{Requests: map[string]uint64{"ok": 3}},
		}
		edit(v)
		return v
	}
	sample := []Place{{Topic: "predictions", Partition: 3, Offset: 1234}}
	for name, c := range map[string]struct {
		verdict *Verdict
		shed    string
	}{
		"thousands of features that drifted": {build(func(v *Verdict) {
			for i := range 2000 {
				v.Features[fmt.Sprint(long, i)] = loud(float64(i) / 2000)
			}
		}), "features that have drifted or are broken"},
		"a prediction of long categories": {build(func(v *Verdict) {
			f := loud(1)
			for i := range 3000 {
				f.NewCategories = append(f.NewCategories, fmt.Sprint(long, i))
			}
			f.Counts = &Counts{Categories: f.NewCategories, Reference: make([]uint64, 3001), Current: make([]uint64, 3001)}
			v.Prediction = f
		}), "quantiles and counts"},
		"statuses": {build(func(v *Verdict) {
			for i := range 3000 {
				v.Performance.Requests[fmt.Sprint(long, i)] = 1
			}
		}), "statuses"},
	} {
		c.verdict.Sample = sample
		data, err := c.verdict.Encode(limit)
		if err != nil || len(data) > limit {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
			continue
		}
		var back Verdict
		if err := json.Unmarshal(data, &back); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.ContainsFunc(back.Shed, func(s string) bool { return strings.Contains(s, c.shed) }) {
			t.Errorf("%s: it sheds %q", name, back.Shed)
		}
		if back.Shed[0] != "the sample of events" || back.Sample != nil || len(c.verdict.Sample) != 1 {
			t.Errorf("%s: it sheds %q first, and has the sample %v", name, back.Shed[0], back.Sample)
		}
		if again, err := c.verdict.Encode(limit); err != nil || string(again) != string(data) {
			t.Errorf("%s: it is not the same twice", name)
		}
		if len(c.verdict.Features) > 0 { // those that drifted most stay
			if _, stays := back.Features[fmt.Sprint(long, 1999)]; !stays || len(back.Features) > 1500 || len(c.verdict.Features) != 2000 {
				t.Errorf("%s: %d features stay, and %d where it came from", name, len(back.Features), len(c.verdict.Features))
			}
		}
	}
}
