package evidence

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// What else changed in a window: where several things change at once, the cause
// mostly lies where they meet.

// A besideLine is one sentence: a text, links with what is said of each, and the
// rest of the text.
type besideLine struct {
	Text  string
	Links []besideLink
	After string
}

// A besideLink leads to what a sentence names.
type besideLink struct{ Name, Link, Says string }

const (
	besideNamed  = 5  // how many of a kind a sentence names
	usualWindows = 12 // how many windows before make what is usual
	fewestUsual  = 3  // with fewer, nothing is
	farFromUsual = 1.5
)

// beside says what else changed in a window of v, beside one feature of it; feature
// may be empty: its features are not named then.
func (s *server) beside(v *version, selected *window, verdict *drift.Verdict, feature string) []besideLine {
	var lines []besideLine
	if feature != "" {
		lines = append(lines, alsoDrifted(v.id, verdict, feature)...)
	}
	lines = append(lines, againstUsual(v, selected)...)
	began := onset(v, selected, feature)
	lines = append(lines, s.history.elsewhere(v, began)...)
	return append(lines, s.history.appeared(v, selected)...)
}

// alsoDrifted names the other features that drifted in the window, then those whose
// data is broken.
func alsoDrifted(id alerts.Version, verdict *drift.Verdict, feature string) []besideLine {
	type named struct {
		name string
		f    *drift.Feature
	}
	var moved, broken []named
	take := func(name string, f *drift.Feature) {
		if name == feature || f == nil {
			return
		}
		if f.Drifted {
			moved = append(moved, named{name, f})
		}
		if f.Broken {
			broken = append(broken, named{name, f})
		}
	}
	for name, f := range verdict.Features {
		if name != predictionName || verdict.Prediction == nil {
			take(name, f)
		}
	}
	take(predictionName, verdict.Prediction)
	order := func(a, b named) int {
		return cmp.Or(cmp.Compare(effectOf(b.f), effectOf(a.f)), strings.Compare(a.name, b.name))
	}
	line := func(text string, list []named, says func(*drift.Feature) string) besideLine {
		slices.SortFunc(list, order)
		l := besideLine{Text: text}
		for _, n := range list[:min(len(list), besideNamed)] {
			l.Links = append(l.Links, besideLink{n.name, alerts.FeaturePath(id, verdict.Window.Start, n.name), says(n.f)})
		}
		if more := len(list) - len(l.Links); more > 0 {
			l.Links = append(l.Links, besideLink{plural(more, "other", "others"), alerts.ModelPath(id, verdict.Window.Start), ""})
		}
		return l
	}
	var lines []besideLine
	if len(moved) > 0 {
		lines = append(lines, line("Also drifted, the largest effect first:", moved, func(f *drift.Feature) string {
			return strings.TrimSpace(effectLetter(f.Test) + " " + statistic(f.Effect))
		}))
	}
	if len(broken) > 0 {
		lines = append(lines, line("Broken data:", broken, brokenNames))
	}
	return lines
}

// againstUsual holds events, errors and latency against the median of the windows
// before.
func againstUsual(v *version, selected *window) []besideLine {
	at := slices.Index(v.windows, selected)
	if at < 0 {
		return nil
	}
	var before []*window
	for _, w := range slices.Backward(v.windows[:at]) {
		// A window that has grown has more of everything.
		if w.end.Sub(w.start) == selected.end.Sub(selected.start) {
			before = append(before, w)
		}
		if len(before) == usualWindows {
			break
		}
	}
	var lines []besideLine
	for _, of := range []struct {
		name    string
		value   func(*window) float64
		written func(float64) string
	}{
		{"Events", func(w *window) float64 { return float64(w.events) }, func(x float64) string { return count(uint64(math.Round(max(x, 0)))) }},
		{"Errors", func(w *window) float64 { return float64(w.errorRate) }, func(x float64) string { return percent(x, 1) }},
		{"Latency, 99 %", func(w *window) float64 { return float64(w.p99) }, func(x float64) string { return decimal(x, 3) + " ms" }},
	} {
		now := of.value(selected)
		var values []float64
		for _, w := range before {
			if x := of.value(w); !math.IsNaN(x) {
				values = append(values, x)
			}
		}
		if math.IsNaN(now) || len(values) < fewestUsual {
			continue
		}
		usual := median(values)
		line := besideLine{Text: fmt.Sprintf("%s: %s, usually %s", of.name, of.written(now), of.written(usual))}
		switch {
		case usual > 0 && now >= farFromUsual*usual:
			line.Text += fmt.Sprintf(", which is %s times as much", decimal(now/usual, 2))
		case now > 0 && usual >= farFromUsual*now:
			line.Text += fmt.Sprintf(", which is %s times less", decimal(usual/now, 2))
		case now == 0 && usual > 0:
			line.Text += ", so it has ceased"
		}
		line.Text += "."
		lines = append(lines, line)
	}
	return lines
}

// median of what is not empty; it sorts the values.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return values[(n-1)/2]/2 + values[n/2]/2
}

// onset is the window in which what v does in the selected one began: the first of
// the windows in a row in which the feature drifted, or where none is named
// anything.
func onset(v *version, selected *window, feature string) *window {
	drifts := func(w *window) bool {
		if feature == "" {
			return w.drifts() > 0
		}
		c, ok := w.find(feature)
		return ok && c.mark == drifted
	}
	began := selected
	for _, w := range slices.Backward(v.windows[:max(slices.Index(v.windows, selected), 0)]) {
		if !drifts(began) || !drifts(w) {
			break
		}
		began = w
	}
	return began
}

// elsewhere names the other model versions that began to drift in a window that
// overlaps with one of v.
func (h *History) elsewhere(v *version, began *window) []besideLine {
	if began.drifts() == 0 {
		return nil
	}
	type other struct {
		id    alerts.Version
		start time.Time
		most  float32
	}
	var others []other
	h.near(began.start, began.end, func(id alerts.Version, before, w *window) {
		if id != v.id && before != nil && before.drifts() == 0 && w.drifts() > 0 {
			if n := len(others); n > 0 && others[n-1].id == id {
				return // the first of several short windows is enough
			}
			others = append(others, other{id, w.start, w.largest})
		}
	})
	if len(others) == 0 {
		return nil
	}
	slices.SortFunc(others, func(a, b other) int {
		return cmp.Or(cmp.Compare(b.most, a.most), strings.Compare(a.id.Model, b.id.Model), strings.Compare(a.id.Version, b.id.Version), strings.Compare(a.id.Segment, b.id.Segment))
	})
	line := besideLine{Text: fmt.Sprintf("When this began, in the window %s, %s began to drift, too:", span(began.start, began.end), plural(len(others), "other model version", "other model versions"))}
	for _, o := range others[:min(len(others), besideNamed)] {
		named := version{id: o.id}
		line.Links = append(line.Links, besideLink{named.title(), alerts.ModelPath(o.id, o.start), ""})
	}
	if more := len(others) - len(line.Links); more > 0 {
		line.After = " and " + count(uint64(more)) + " more"
	}
	line.After += ". Look for what they share upstream."
	return []besideLine{line}
}

// appeared names other versions of the same model whose first windows overlap with
// one of v.
func (h *History) appeared(v *version, selected *window) []besideLine {
	if len(v.windows) == 0 || !v.windows[0].start.Before(selected.start) {
		return nil // nothing is known of the time before
	}
	line := besideLine{Text: "A version of this model appeared:"}
	h.near(selected.start, selected.end, func(id alerts.Version, before, w *window) {
		if before == nil && id != v.id && id.Model == v.id.Model && id.Segment == v.id.Segment && w.start.After(v.windows[0].start) && len(line.Links) < besideNamed {
			named := version{id: id}
			line.Links = append(line.Links, besideLink{named.title(), alerts.ModelPath(id, w.start), "its first window"})
		}
	})
	if line.Links == nil {
		return nil
	}
	slices.SortFunc(line.Links, func(a, b besideLink) int { return strings.Compare(a.Name, b.Name) })
	return []besideLine{line}
}

// near calls visit for every kept window that overlaps with a time, and the one
// before it, which is nil where none is kept. visit must not call the history.
func (h *History) near(from, to time.Time, visit func(id alerts.Version, before, w *window)) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for element := h.recent.Front(); element != nil; element = element.Next() {
		v := element.Value.(*version)
		// Windows that overlap each other end in the order in which they start.
		at, _ := slices.BinarySearchFunc(v.windows, from, func(w *window, t time.Time) int {
			if w.end.After(t) {
				return 1
			}
			return -1
		})
		for ; at < len(v.windows) && v.windows[at].start.Before(to); at++ {
			var before *window
			if at > 0 {
				before = v.windows[at-1]
			}
			visit(v.id, before, v.windows[at])
		}
	}
}
