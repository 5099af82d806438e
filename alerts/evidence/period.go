package evidence

import (
	"slices"
	"strconv"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A period is the part of a version's windows that the strips of a page show.
type period struct {
	windows []*window
	columns []bundle
	// First and Last are the ends of the time it covers.
	First, Last string
	Short       bool // the columns do not fill the width
	// Choices are the periods to choose from; none where there is too little for a
	// choice.
	Choices []choice
	Columns string // how many windows a column holds, in words; "" where it is one
	suffix  string // of the links that keep the choice
}

// A choice is a link to another period.
type choice struct {
	Label, Link string
	Current     bool
}

// periodDays are the periods that may be chosen, beside everything.
var periodDays = [...]int{2, 7, 30, 90}

// newPeriod cuts out the windows that asked, the parameter `days` of a request,
// names: the last so many days, or, where selected is older, those around it. What
// it cannot read it takes as not given; then it is everything, where that fits, or
// the last seven days, or as many as have a day's hourly windows. link leads to
// the same page for another period.
func newPeriod(v *version, selected *window, asked string, link string) period {
	kept := v.windows[len(v.windows)-1].end.Sub(v.windows[0].start)
	days, chosen := 0, false // 0: everything
	if asked == "all" {
		chosen = true
	} else if n, err := strconv.Atoi(asked); err == nil && slices.Contains(periodDays[:], n) {
		days, chosen = n, true
	} else if len(v.windows) > mostColumns {
		for _, n := range periodDays[1:] {
			if len(v.during(selected, n)) >= 24 {
				days = n
				break
			}
		}
	}
	p := period{windows: v.windows}
	if days > 0 {
		p.windows = v.during(selected, days)
	}
	if chosen {
		p.suffix = "&days=" + asked
	}
	p.columns = bundled(p.windows)
	p.First, p.Last, p.Short = clock(p.windows[0].start), clock(p.windows[len(p.windows)-1].end), len(p.columns) < fewestColumns
	if most := slices.MaxFunc(p.columns, func(a, b bundle) int { return len(a) - len(b) }); len(most) > 1 {
		p.Columns = "Each column is up to " + plural(len(most), "window", "windows") + ", and shows the worst of them."
	}
	for _, n := range periodDays {
		if time.Duration(n)*day < kept && (n == days || len(v.during(selected, n)) >= fewestChosen) {
			p.Choices = append(p.Choices, choice{Label: plural(n, "day", "days"), Link: link + "&days=" + strconv.Itoa(n), Current: n == days})
		}
	}
	if len(p.Choices) > 0 {
		p.Choices = append(p.Choices, choice{Label: "all " + plural(int(kept/day), "day", "days"), Link: link + "&days=all", Current: days == 0})
	}
	return p
}

const (
	day = 24 * time.Hour
	// fewestChosen is how many windows a period has at least to be worth a choice.
	fewestChosen = 6
)

// during are the windows of the last so many days, or of those around a window
// that is older.
func (v *version) during(selected *window, days int) []*window {
	length := time.Duration(days) * day
	end := v.last().end
	if selected.start.Before(end.Add(-length)) {
		if around := selected.end.Add(length / 2); around.Before(end) {
			end = around
		}
	}
	from, _ := v.at(end.Add(-length))
	to, _ := v.at(end)
	// A window longer than the period is shown all the same.
	if own, ok := v.at(selected.start); ok {
		from, to = min(from, own), max(to, own+1)
	}
	return v.windows[from:to]
}

// model and feature are links that keep the choice.
func (p *period) model(v *version, w *window) string {
	return alerts.ModelPath(v.id, w.start) + p.suffix
}

func (p *period) feature(v *version, w *window, name string) string {
	return alerts.FeaturePath(v.id, w.start, name) + p.suffix
}
