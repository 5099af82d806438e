package drift

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// An upstream failure breaks every feature at once. The record has to be written
// all the same: checks never take it over a limit that it keeps without them.
func TestEverythingBrokenFitsTheRecord(t *testing.T) {
	const features = 300
	made := referenceOf(t, normal(1, 2000, 0))
	counted := windowOf(mixed(normal(2, 500, 0), 30, always(-999.0)), nil)
	r := &reference.Reference{ID: "many", Rows: made.Rows}
	w := &windows.Window{Interval: counted.Interval, Events: counted.Events, FeatureEvents: counted.FeatureEvents}
	for i := range features {
		f, tally := *made.Features[0], *counted.Features[0]
		f.Name = fmt.Sprintf("x%04d", i)
		tally.Name = f.Name
		r.Features, w.Features = append(r.Features, &f), append(w.Features, &tally)
	}
	v := Compare(Case{Window: w, Reference: r}, Default())

	bare := *v
	bare.Features = make(map[string]*Feature, features)
	for name, f := range v.Features {
		if !f.Drifted || !f.Broken || f.CausedBy != "out_of_range" {
			t.Fatalf("%s drifted %v, broken %v, because of %q: this tests nothing", name, f.Drifted, f.Broken, f.CausedBy)
		}
		without := *f
		without.Quality, without.Quantiles, without.Counts, without.Measures = nil, nil, nil, nil
		bare.Features[name] = &without
	}
	least, err := bare.Encode(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	const named = 400 // bytes, of what was shed
	for _, room := range []int{0, 80 * features, 200 * features} {
		limit := len(least) + named + room
		data, err := v.Encode(limit)
		if err != nil {
			t.Fatalf("with room for %d bytes of checks: %v", room, err)
		}
		var short Verdict
		if err := json.Unmarshal(data, &short); err != nil || len(data) > limit {
			t.Fatalf("%d bytes, limit %d: %v", len(data), limit, err)
		}
		if len(short.Features) != features || !short.Broken {
			t.Errorf("%d of %d features are left, broken %v", len(short.Features), features, short.Broken)
		}
		for name, f := range short.Features {
			if !f.Broken || f.CausedBy != "out_of_range" {
				t.Fatalf("%s broken %v, because of %q", name, f.Broken, f.CausedBy)
			}
			for _, c := range f.Quality.Checks() {
				if !c.Broken {
					t.Fatalf("%s keeps %s, which is not broken", name, c.Name)
				}
			}
		}
		if !strings.Contains(strings.Join(short.Shed, "; "), "checks that are not broken") {
			t.Errorf("shed %q", short.Shed)
		}
	}
	// Nothing of it is lost from the verdict itself.
	if q := v.Features["x0000"].Quality; q == nil || q.OutOfRange == nil || !q.OutOfRange.Broken {
		t.Errorf("writing the record changed the verdict: %+v", q)
	}
}
