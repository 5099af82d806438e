package evidence

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// regular makes windows one after the other.
func regular(n int, length time.Duration) *version {
	v := &version{id: alerts.Version{Model: "m"}}
	for i := range n {
		start := storyStart.Add(time.Duration(i) * length)
		v.windows = append(v.windows, &window{start: start, end: start.Add(length), names: &nameList{}})
	}
	return v
}

func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		name     string
		windows  int
		length   time.Duration
		selected int // from the newest, 0 is it
		asked    string
		first    int // from the newest
		shown    int
		columns  int
		choices  string // the current one in brackets
	}{
		{"one window", 1, time.Hour, 0, "", 0, 1, 1, ""},
		{"one window, asked for more", 1, time.Hour, 0, "90", 0, 1, 1, ""},
		{"a day", 24, time.Hour, 0, "", 23, 24, 24, ""},
		{"three days", 72, time.Hour, 0, "", 71, 72, 72, "2 days, [all 3 days]"},
		{"as many as fit", 180, time.Hour, 0, "", 179, 180, 180, "2 days, 7 days, [all 7 days]"},
		{"more than fit", 181, time.Hour, 0, "", 167, 168, 168, "2 days, [7 days], all 7 days"},
		{"ninety days", 2160, time.Hour, 0, "", 167, 168, 168, "2 days, [7 days], 30 days, all 90 days"},
		{"two of ninety", 2160, time.Hour, 0, "2", 47, 48, 48, "[2 days], 7 days, 30 days, all 90 days"},
		{"thirty of ninety", 2160, time.Hour, 0, "30", 719, 720, 180, "2 days, 7 days, [30 days], all 90 days"},
		{"all of ninety", 2160, time.Hour, 0, "all", 2159, 2160, 180, "2 days, 7 days, 30 days, [all 90 days]"},
		{"an old one", 2160, time.Hour, 1000, "", 1083, 168, 168, "2 days, [7 days], 30 days, all 90 days"},
		{"the oldest", 2160, time.Hour, 2159, "", 2159, 85, 85, "2 days, [7 days], 30 days, all 90 days"},
		{"one at the edge", 2160, time.Hour, 168, "7", 251, 168, 168, "2 days, [7 days], 30 days, all 90 days"},
		{"nonsense", 2160, time.Hour, 0, "fortnight", 167, 168, 168, "2 days, [7 days], 30 days, all 90 days"},
		{"any number", 2160, time.Hour, 0, "5", 167, 168, 168, "2 days, [7 days], 30 days, all 90 days"},
		{"a year of days", 365, 24 * time.Hour, 0, "", 29, 30, 30, "7 days, [30 days], 90 days, all 365 days"},
		{"a year of days, all", 365, 24 * time.Hour, 0, "all", 364, 365, 53, "7 days, 30 days, 90 days, [all 365 days]"},
		{"minutes", 3000, time.Minute, 0, "2", 2879, 2880, 144, "[2 days], all 2 days"},
		{"weeks, longer than asked", 10, 7 * 24 * time.Hour, 0, "2", 0, 1, 1, "[2 days], all 70 days"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := regular(c.windows, c.length)
			selected := v.windows[len(v.windows)-1-c.selected]
			p := newPeriod(v, selected, c.asked, "model?name=m")
			first := len(v.windows) - 1 - slices.Index(v.windows, p.windows[0])
			if first != c.first || len(p.windows) != c.shown || len(p.columns) != c.columns {
				t.Errorf("%d windows in %d columns, from the one %d before the newest", len(p.windows), len(p.columns), first)
			}
			if !slices.Contains(p.windows, selected) {
				t.Error("the selected window is not among them")
			}
			var choices []string
			for _, choice := range p.Choices {
				if choice.Current {
					choice.Label = "[" + choice.Label + "]"
				}
				choices = append(choices, choice.Label)
			}
			if got := strings.Join(choices, ", "); got != c.choices {
				t.Errorf("to choose from are %s", got)
			}
			if kept := strings.Contains(p.suffix, "days"); kept != (c.asked == "all" || slices.Contains([]string{"2", "7", "30", "90"}, c.asked)) {
				t.Errorf("links end in %q", p.suffix)
			}
		})
	}
}

// However windows lie, bundles have each of them once, in order, and are few.
func TestBundles(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 300 {
		v := &version{}
		start := storyStart
		for range 1 + r.IntN(3000) {
			start = start.Add(time.Duration(1 + r.Int64N(int64([]time.Duration{time.Second, time.Hour, 300 * day}[round%3]))))
			v.windows = append(v.windows, &window{start: start, end: start.Add(time.Hour), names: &nameList{}})
		}
		columns := bundled(v.windows)
		if len(columns) > mostColumns || len(v.windows) <= mostColumns && len(columns) != len(v.windows) {
			t.Fatalf("%d windows are in %d columns", len(v.windows), len(columns))
		}
		if flat := slices.Concat(columns...); !slices.Equal(flat, v.windows) {
			t.Fatalf("%d windows became %d, or others", len(v.windows), len(flat))
		}
		for _, b := range columns {
			for _, w := range v.windows[:min(50, len(v.windows))] {
				if b.has(w) != slices.Contains(b, w) {
					t.Fatalf("%v has %v: %v", b.span(), w.start, b.has(w))
				}
			}
		}
	}
}

// The worst of its windows is what a column shows and where it leads.
func TestAColumnShowsItsWorstWindow(t *testing.T) {
	h := NewHistory(Limits{})
	for hour := range 720 {
		v := fleet{models: 1, windows: 720}.record(0, hour)
		if hour == 403 {
			v = []byte(strings.Replace(string(v), `"drifted":false,"features":{"feature_00":{`, `"drifted":true,"features":{"feature_00":{"broken":true,`, 1))
			before, after, _ := strings.Cut(string(v), `"feature_00":{`)
			_, after, _ = strings.Cut(after, "}")
			v = []byte(before + `"feature_00":{"n":3,"test":"ks","effect":0.987,"drifted":true}` + after)
		}
		if err := h.AddVerdictAt(Place{Offset: int64(hour)}, time.Time{}, v); err != nil {
			t.Fatal(err)
		}
	}
	id := fleet{}.id(0)
	v, _ := h.one(id)
	p := newPeriod(&v, v.last(), "all", "")
	drawn := heatStrip(p.columns, "feature_00", v.last(), func(w *window) string { return p.feature(&v, w, "feature_00") })
	found := 0
	for _, c := range drawn.Columns {
		if c.Class == "drifted e4" {
			found++
			if want := alerts.FeaturePath(id, storyStart.Add(403*time.Hour), "feature_00") + "&days=all"; c.Link != want || c.H != stripHeight || !strings.Contains(c.Title, "effect 0.987") {
				t.Errorf("the column leads to %s and says %q", c.Link, c.Title)
			}
		}
	}
	if found != 1 || !strings.Contains(drawn.Alt, "largest effect 0.987") {
		t.Errorf("%d columns have the large effect; %s", found, drawn.Alt)
	}
}

// Every link of a page over a long history leads somewhere, and keeps the period
// that was chosen.
func TestLinksKeepThePeriod(t *testing.T) {
	f := fleet{models: 2, windows: 1000}
	handler := NewHandler(f.fill(t), discard(), nil, WithArchive(f))
	start := alerts.ModelPath(f.id(1), storyStart.Add(200*time.Hour)) + "&days=30"
	page := parse(t, get(t, handler, start).Body.String())
	kept := 0
	for _, link := range page.links {
		if strings.HasPrefix(link, "#") || link == "./" || strings.HasSuffix(link, ".css") || strings.HasSuffix(link, ".svg") {
			continue
		}
		if strings.Contains(link, "&days=30") {
			kept++
		}
		if answer := get(t, handler, strings.SplitN(link, "#", 2)[0]); answer.Code != http.StatusOK {
			t.Errorf("%s answers %d", link, answer.Code)
		}
	}
	if kept < 200 {
		t.Errorf("%d of %d links keep the period", kept, len(page.links))
	}
	// The list comes a page at a time, the one with the window first.
	if !strings.Contains(page.text, "48 of 561 a page") || !strings.Contains(page.text, "older windows") {
		t.Error("the list of windows is not paged")
	}
	seen := make(map[string]bool)
	for n := 1; n <= 12; n++ {
		for _, link := range parse(t, get(t, handler, start+fmt.Sprintf("&list=%d", n)).Body.String()).links {
			if strings.HasPrefix(link, "model?") && strings.Contains(link, "window=") && strings.HasSuffix(link, "&days=30") {
				seen[link] = true
			}
		}
	}
	if len(seen) != 561 {
		t.Errorf("the pages of the list name %d windows, of 561", len(seen))
	}
}
