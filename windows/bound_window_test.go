package windows

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestAWindowOfManyPanesIsBroughtBackWithinTheLimits(t *testing.T) {
	limits := Limits{Features: 5, Categories: 8000}
	var parts []Part
	for partition := range 4 {
		p := NewPane(PaneKey{Model: "m"}, Interval{End: 3600_000}, nil, 10, limits)
		for i := range 8000 {
			o := Observation{
				Offset: int64(i), HasFeatures: true, IsPrediction: true, Status: fmt.Append(nil, "status ", i%97, partition%2),
				Features: []Field{
					number("everywhere", 1), number(fmt.Sprint("only ", partition), 1),
					{Name: []byte("rare"), Value: Value{Kind: Kind(i % 2)}},
					{Name: []byte("c"), Value: Value{Kind: Text, Text: fmt.Append(nil, "a category with a long name ", i%2000*(partition+1), "\x00")}},
				},
			}
			p.Count(&o, RowHash(uint64(i)))
		}
		parts = append(parts, Part{Partition: partition, Pane: p})
	}
	w := Merge(Interval{End: 3600_000}, parts)
	w.Bound(limits)
	var names []string
	for _, f := range w.Features {
		names = append(names, f.Name)
	}
	// Of those with 8,000 values the first names, and whoever has more.
	if got := strings.Join(names, ","); got != "c,everywhere,only 0,only 1,rare" {
		t.Errorf("the features are %s", got)
	}
	if w.OverLimit != 16000 {
		t.Errorf("%d values are beyond the limits", w.OverLimit)
	}
	c := w.Feature("c")
	if data, err := json.Marshal(c.Categories); err != nil || len(data) > mostCategoryBytes {
		t.Errorf("the categories have %d bytes, %v", len(data), err)
	}
	if c.Texts() != 32000 || c.Overflow == 0 || c.Categories["a category with a long name 0\x00"] == 0 {
		t.Errorf("%d texts, %d beyond, category 0 has %d", c.Texts(), c.Overflow, c.Categories["a category with a long name 0\x00"])
	}
	for name, n := range c.Categories {
		if n < 4 {
			t.Errorf("%q has %d values, and stays", name, n)
			break
		}
	}
	var requests uint64
	for _, n := range w.Requests {
		requests += n
	}
	if len(w.Requests) != maxStatuses+1 || requests != 32000 {
		t.Errorf("%d statuses of %d requests", len(w.Requests), requests)
	}
}

func TestAWindowWithinTheLimitsStaysAsItIs(t *testing.T) {
	p := NewPane(PaneKey{Model: "m"}, Interval{End: 1}, nil, 10, Limits{Features: 2, Categories: 9})
	for i := range 20 {
		o := Observation{HasFeatures: true, IsPrediction: true, Status: fmt.Append(nil, i), Features: []Field{
			number("x", 1), {Name: []byte("c"), Value: Value{Kind: Text, Text: fmt.Append(nil, i)}},
		}}
		p.Count(&o, RowHash(uint64(i)))
	}
	w, same := Merge(p.Interval, []Part{{Pane: p}}), Merge(p.Interval, []Part{{Pane: p}})
	w.Bound(Limits{Features: 2})
	if fmt.Sprint(w.Requests, w.OverLimit, *w.Features[0], *w.Features[1]) != fmt.Sprint(same.Requests, same.OverLimit, *same.Features[0], *same.Features[1]) {
		t.Errorf("%+v, want %+v", w, same)
	}
}
