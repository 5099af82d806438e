package evidence

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// said is a section as text, a line a sentence.
func said(lines []besideLine) []string {
	var out []string
	for _, l := range lines {
		text := l.Text
		for i, link := range l.Links {
			if i > 0 {
				text += ","
			}
			text += " " + link.Name
			if link.Says != "" {
				text += " (" + link.Says + ")"
			}
		}
		out = append(out, text+l.After)
	}
	return out
}

// A night on which an upstream break at 05:00 makes two models drift; a third
// drifts since midnight, a fourth from 08:00 on, and a fifth has just come. In the
// morning of it events become fewer and answers slower.
func upstreamBreak(t *testing.T) *History {
	h := NewHistory(Limits{})
	for hour := range 10 {
		for name, from := range map[string]int{"fraud": 5, "churn": 5, "always": 0, "later": 8} {
			amount, plan, logins := numericFeature(0.02, false), categoricalFeature(0.02, false), numericFeature(0.02, false)
			if hour >= from {
				amount, plan = numericFeature(0.2, true), categoricalFeature(0.3, true)
				logins.Broken = true
				logins.Quality = &drift.Quality{Missing: &drift.Check{Broken: true, Rate: 0.5}}
			}
			features := map[string]*drift.Feature{"amount": amount, "plan": plan, "logins": logins}
			if name != "fraud" {
				features = map[string]*drift.Feature{"amount": amount}
			}
			v := storyVerdict(name, "3", hour, features)
			v.Events = 1000 + uint64(hour)
			if hour == 7 && name == "fraud" {
				v.Events, v.Performance.Latency.P99, v.Performance.ErrorRate = 100, 90, ptr(0)
			}
			add(t, h, v)
		}
		if hour >= 7 {
			add(t, h, storyVerdict("fraud", "4", hour, map[string]*drift.Feature{"amount": numericFeature(0.01, false)}))
		}
	}
	return h
}

func besideAt(t *testing.T, h *History, hour int, feature string) []string {
	t.Helper()
	v, _ := h.one(alerts.Version{Model: "fraud", Version: "3"})
	selected := v.windows[hour]
	verdict, err := decodeVerdict(selected.raw)
	if err != nil {
		t.Fatal(err)
	}
	return said((&server{history: h}).beside(&v, selected, verdict, feature))
}

func TestWhatElseChanged(t *testing.T) {
	h := upstreamBreak(t)
	usual := []string{"Events: 1\u202f005, usually 1\u202f002.", "Errors: < 0.1 %, usually < 0.1 %.", "Latency, 99 %: 22.5 ms, usually 22.5 ms."}
	together := "When this began, in the window 2026-03-02 05:00 – 06:00 UTC, 1 other model version began to drift, too: churn v3. Look for what they share upstream."
	for _, c := range []struct {
		name    string
		hour    int
		feature string
		want    []string
	}{
		{"when it began", 5, "amount", append([]string{"Also drifted, the largest effect first: plan (V 0.300)", "Broken data: logins (missing)"}, append(slices.Clone(usual), together)...)},
		{"of the window", 5, "", append(slices.Clone(usual), together)},
		{"two hours later", 7, "plan", []string{
			"Also drifted, the largest effect first: amount (D 0.200)", "Broken data: logins (missing)",
			"Events: 100, usually 1\u202f003, which is 10 times less.", "Errors: 0 %, usually < 0.1 %, so it has ceased.", "Latency, 99 %: 90 ms, usually 22.5 ms, which is 4 times as much.",
			together, "A version of this model appeared: fraud v4 (its first window)",
		}},
		{"before it", 4, "amount", []string{"Events: 1\u202f004, usually 1\u202f002.", usual[1], usual[2]}},
		{"in the first window", 0, "amount", nil},
	} {
		got := besideAt(t, h, c.hour, c.feature)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: it says\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// Windows of any kind are found by the time they cover, as looking at every one
// finds them.
func TestNearBesideTheSlowOne(t *testing.T) {
	h := NewHistory(Limits{})
	for hour := range 20 {
		hopping := storyVerdict("hopping", "", hour, map[string]*drift.Feature{"x": numericFeature(0.01, false)})
		hopping.Window.End = hopping.Window.Start.Add(3 * time.Hour)
		add(t, h, hopping)
		if hour%4 == 0 {
			grown := storyVerdict("grown", "", hour, map[string]*drift.Feature{"x": numericFeature(0.01, false)})
			grown.Window.End = grown.Window.Start.Add(time.Duration(1+hour%3) * time.Hour)
			add(t, h, grown)
		}
	}
	for from := -90; from < 24*60; from += 30 {
		start := storyStart.Add(time.Duration(from) * time.Minute)
		end := start.Add(time.Hour)
		var got, want []string
		name := func(id alerts.Version, w *window) string { return fmt.Sprint(id.Model, w.start) }
		h.near(start, end, func(id alerts.Version, before, w *window) {
			got = append(got, name(id, w))
			v, _ := h.versions[id].Value.(*version)
			if at := slices.Index(v.windows, w); at > 0 != (before != nil) || before != nil && v.windows[at-1] != before {
				t.Fatalf("the window before %s is %v", name(id, w), before)
			}
		})
		for _, v := range h.all(math.MaxInt) {
			for _, w := range v.windows {
				if w.start.Before(end) && start.Before(w.end) {
					want = append(want, name(v.id, w))
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("near %v are %v, want %v", start, got, want)
		}
	}
}

// A sentence names a few and counts the others.
func TestWhatElseChangedIsBounded(t *testing.T) {
	h := NewHistory(Limits{})
	for hour := range 2 {
		features := make(map[string]*drift.Feature)
		for i := range 40 {
			features[fmt.Sprintf("f%02d", i)] = numericFeature(0.1+float64(i)/100, hour == 1)
		}
		add(t, h, storyVerdict("fraud", "3", hour, features))
		for i := range 30 {
			add(t, h, storyVerdict(fmt.Sprintf("m%02d", i), "", hour, map[string]*drift.Feature{"x": numericFeature(0.1, hour == 1)}))
		}
	}
	got := besideAt(t, h, 1, "f39")
	if len(got) != 2 || !strings.HasPrefix(got[0], "Also drifted, the largest effect first: f38 (D 0.480), f37") || !strings.HasSuffix(got[0], ", 34 others") ||
		!strings.HasSuffix(got[1], "m03, m04 and 25 more. Look for what they share upstream.") {
		t.Errorf("it says\n%s", strings.Join(got, "\n"))
	}
}
