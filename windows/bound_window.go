package windows

import (
	"cmp"
	"maps"
	"slices"
)

// What a window keeps of categories in all: as many panes as a window has, so many
// times the limit could come together, more than one record of Kafka's can hold.
const (
	mostCategories    = 10_000
	mostCategoryBytes = 256 << 10 // in JSON
)

// Bound brings a window that was merged of many panes back within the limits of
// one: what comes beyond them in all panes together, though in none of them, is
// counted as beyond. The features with the most values stay, the categories of the
// grid and then the most frequent, and the most frequent statuses. The result
// depends on the window alone.
func (w *Window) Bound(limits Limits) {
	if limits.Features > 0 && len(w.Features) > limits.Features {
		byValues := slices.Clone(w.Features)
		slices.SortFunc(byValues, func(a, b *Tally) int {
			return cmp.Or(-cmp.Compare(a.Present(), b.Present()), cmp.Compare(a.Name, b.Name))
		})
		for _, t := range byValues[limits.Features:] {
			w.OverLimit += t.Present() + t.Nulls
		}
		w.Features = byValues[:limits.Features]
		slices.SortFunc(w.Features, func(a, b *Tally) int { return cmp.Compare(a.Name, b.Name) })
	}
	for _, t := range w.Features {
		t.BoundCategories(w.Grid.Feature(t.Name))
	}
	if w.Prediction != nil {
		w.Prediction.BoundCategories(w.Grid.Feature(PredictionName))
	}
	if len(w.Requests) > maxStatuses+1 {
		statuses := slices.SortedFunc(maps.Keys(w.Requests), func(a, b string) int {
			return cmp.Or(-cmp.Compare(w.Requests[a], w.Requests[b]), cmp.Compare(a, b))
		})
		statuses = slices.DeleteFunc(statuses, func(s string) bool { return s == Other })
		for _, status := range statuses[maxStatuses:] {
			w.Requests[Other] += w.Requests[status]
			delete(w.Requests, status)
		}
	}
}

// BoundCategories keeps the categories that the grid knows (nil: none), then the
// most frequent, as many as a record has room for.
func (t *Tally) BoundCategories(grid *FeatureGrid) {
	bytes := 0
	for name := range t.Categories {
		bytes += jsonBytes(name)
	}
	if len(t.Categories) <= mostCategories && bytes <= mostCategoryBytes {
		return
	}
	known := func(name string) bool { return grid != nil && grid.Type == Categorical && grid.Category(name) >= 0 }
	names := slices.SortedFunc(maps.Keys(t.Categories), func(a, b string) int {
		if known(a) != known(b) {
			if known(a) {
				return -1
			}
			return 1
		}
		return cmp.Or(-cmp.Compare(t.Categories[a], t.Categories[b]), cmp.Compare(a, b))
	})
	bytes = 0
	for i, name := range names {
		if bytes += jsonBytes(name); i < mostCategories && bytes <= mostCategoryBytes {
			continue
		}
		t.Overflow += t.Categories[name]
		delete(t.Categories, name)
	}
}

// jsonBytes is at least what a name and its count take in JSON, where a control
// character, or one that HTML knows, takes six bytes.
func jsonBytes(name string) int {
	n := len(name) + 24
	for i := range len(name) {
		switch c := name[i]; {
		case c < ' ', c == '<', c == '>', c == '&', c == 0x7f:
			n += 5
		case c == '"', c == '\\':
			n++
		case c == 0xe2: // U+2028 and U+2029 are escaped
			n += 3
		}
	}
	return n
}
