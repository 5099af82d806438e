package evidence

import "math"

// levels draw how the service did over a period: what came, how much of it
// failed, how long it took. A number that no window has is left out.
func levels(p *period, selected *window) []levelRow {
	var out []levelRow
	add := func(name, class string, least float64, of func(bundle) (float64, bool), words func(float64) string) {
		top, found := 0.0, false
		for _, b := range p.columns {
			if x, ok := of(b); ok {
				top, found = max(top, x), true
			}
		}
		if !found {
			return
		}
		row := levelRow{Name: name, Strip: levelStrip(p.columns, class, selected, max(top, least), of, words), Most: words(top)}
		row.Last = dash
		if x, ok := of(bundle{selected}); ok {
			row.Last = words(x)
		}
		row.Strip.Alt = name + ": at most " + row.Most + "; in the window shown " + row.Last + "."
		out = append(out, row)
	}
	// Of several windows the fewest and the most would both be half the truth.
	add("Events", "traffic", 0, func(b bundle) (float64, bool) {
		sum := 0.0
		for _, w := range b {
			sum += float64(w.events)
		}
		return sum / float64(len(b)), true
	}, func(x float64) string { return count(uint64(math.Round(x))) })
	// Below one in a hundred a full column would make much of little.
	add("Errors", "errors", 0.01, func(b bundle) (float64, bool) {
		return b.most(func(w *window) float32 { return w.errorRate })
	}, func(x float64) string { return percent(x, 1) })
	add("Latency, 99 %", "latency", 0, func(b bundle) (float64, bool) {
		return b.most(func(w *window) float32 { return w.p99 })
	}, func(x float64) string { return decimal(x, 3) + " ms" })
	return out
}
