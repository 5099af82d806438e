package replay

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// collector turns closed windows into a candidate's report.
type collector struct {
	candidate *Candidate
	model     func(name string) *alerts.Settings
	versions  map[alerts.Version]*Version
	firing    map[string]*Page                 // by the id of the alert
	effects   map[alerts.Version]detectability // of versions that have a budget
}

// detectability are the smallest effects of each feature, window by window.
type detectability map[string][]drift.Detectable

func newCollector(label string, model func(name string) *alerts.Settings) *collector {
	return &collector{
		candidate: &Candidate{Label: label}, model: model, versions: make(map[alerts.Version]*Version),
		firing: make(map[string]*Page), effects: make(map[alerts.Version]detectability),
	}
}

// take adds a window.
func (c *collector) take(closed *Closed) {
	v := c.versions[closed.Version]
	if v == nil {
		v = &Version{Model: closed.Version.Model, Version: closed.Version.Version, Pages: []*Page{}}
		c.versions[closed.Version] = v
	}
	verdict := closed.Outcome.Verdict
	v.Windows = append(v.Windows, shorten(verdict))
	if settings := c.model(closed.Version.Model); settings.Budget.Pages > 0 {
		c.budget(closed.Version, v, verdict, settings)
	}
	v.Retraining = append(v.Retraining, retrainings(closed.Outcome.Retraining)...)
	for _, alert := range closed.Outcome.Alerts {
		if worse := c.firing[alert.ID]; worse != nil && alert.Status == alerts.Firing {
			worse.Severity = alert.Severity
			continue
		}
		if alert.Status == alerts.Firing {
			page := &Page{
				ID: alert.ID, Kind: alert.Kind, Severity: alert.Severity, Since: alert.Since, Fired: alert.Window.End,
				Summary: alert.Summary, Culprits: alert.Features, week: alert.Window.Start,
			}
			c.firing[alert.ID] = page
			v.Pages = append(v.Pages, page)
			continue
		}
		if page := c.firing[alert.ID]; page != nil {
			end := alert.Window.End
			seconds := end.Sub(page.Fired).Seconds()
			page.Resolved, page.Seconds = &end, &seconds
			delete(c.firing, alert.ID)
		}
	}
}

func shorten(v *drift.Verdict) *Window {
	w := &Window{
		Start: v.Window.Start, End: v.Window.End, Events: v.Events, Late: v.Late, Drifted: v.Drifted, Error: v.Error,
		Features: make(map[string]Feature),
	}
	for name, f := range all(v) {
		broken := f.BrokenMost().Name
		if f.Test == "" && broken == "" {
			continue
		}
		w.Tested = w.Tested || f.Test != ""
		w.Features[name] = Feature{
			Test: f.Test, Statistic: f.Statistic, Adjusted: f.Adjusted, Effect: f.Effect, Drifted: f.Drifted, HeldBack: f.HeldBack,
			CausedBy: f.CausedBy, Broken: broken,
		}
	}
	return w
}

// all are the features of a verdict and its prediction.
func all(v *drift.Verdict) map[string]*drift.Feature {
	if v.Prediction == nil {
		return v.Features
	}
	all := maps.Clone(v.Features)
	all[windows.PredictionName] = v.Prediction
	return all
}

func (c *collector) budget(key alerts.Version, v *Version, verdict *drift.Verdict, settings *alerts.Settings) {
	if v.Budget == nil {
		v.Budget = &BudgetCost{HeldBack: make(map[string]int), Detectable: make(map[string]Detectable)}
		c.effects[key] = make(detectability)
	}
	held := false
	for name, f := range all(verdict) {
		if f.HeldBack == drift.HeldWithinBudget {
			held = true
			v.Budget.HeldBack[name]++
		}
	}
	if held {
		v.Budget.HeldBackWindows++
	}
	for name, d := range verdict.Detectable(settings.Drift) {
		c.effects[key][name] = append(c.effects[key][name], d)
	}
}

// finish adds up. without is the candidate's twin without a budget; nil when it
// has none.
func (c *collector) finish(without *collector) *Candidate {
	out := c.candidate
	weeks := make(map[string]*Week)
	out.Versions = []*Version{}
	for _, key := range slices.SortedFunc(maps.Keys(c.versions), compareVersions) {
		v := c.versions[key]
		for _, w := range v.Windows {
			week := weekOf(weeks, w.Start)
			week.Windows++
			v.Totals.Windows++
			if w.Tested {
				v.Totals.Tested++
			}
			if w.Drifted {
				week.Drifted++
				v.Totals.Drifted++
			}
			if w.counts() {
				week.Counted++
				v.Totals.Counted++
			}
		}
		for _, page := range v.Pages {
			weekOf(weeks, page.week).Pages++
		}
		v.Totals.Pages, v.Totals.FiringDays = len(v.Pages), v.firingDays()
		v.Totals.Days = v.Windows[len(v.Windows)-1].End.Sub(v.Windows[0].Start).Hours() / 24
		v.Totals.rate()
		out.Totals.add(&v.Totals)
		out.Versions = append(out.Versions, v)
		if v.Budget == nil {
			continue
		}
		for name, effects := range c.effects[key] {
			v.Budget.Detectable[name] = medians(effects)
		}
		if without != nil && without.versions[key] != nil {
			twin := without.versions[key]
			v.Budget.PagesWithout, v.Budget.FiringDaysWithout = len(twin.Pages), twin.firingDays()
		}
	}
	out.Totals.rate()
	out.Weeks = []Week{}
	for _, name := range slices.Sorted(maps.Keys(weeks)) {
		out.Weeks = append(out.Weeks, *weeks[name])
	}
	return out
}

// firingDays is how long the version's pages fired in all.
func (v *Version) firingDays() float64 {
	var total time.Duration
	for _, page := range v.Pages {
		end := v.Windows[len(v.Windows)-1].End
		if page.Resolved != nil {
			end = *page.Resolved
		}
		total += end.Sub(page.Fired)
	}
	return total.Hours() / 24
}

func compareVersions(a, b alerts.Version) int {
	return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Segment, b.Segment))
}

func (t *Totals) add(o *Totals) {
	t.Windows += o.Windows
	t.Tested += o.Tested
	t.Drifted += o.Drifted
	t.Counted += o.Counted
	t.Pages += o.Pages
	t.FiringDays += o.FiringDays
	t.Days = max(t.Days, o.Days)
}

func (t *Totals) rate() {
	if t.Days >= 1 {
		rate := drift.Number(30 * float64(t.Pages) / t.Days)
		t.PagesPer30Days = &rate
	}
}

func weekOf(weeks map[string]*Week, at time.Time) *Week {
	at = at.UTC()
	year, number := at.ISOWeek()
	name := fmt.Sprintf("%d-W%02d", year, number)
	if weeks[name] == nil {
		day := at.Truncate(24 * time.Hour)
		monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		weeks[name] = &Week{Week: name, Start: monday}
	}
	return weeks[name]
}

// medians are the middle ones over the windows, the lower of two.
func medians(effects []drift.Detectable) Detectable {
	middle := func(of func(drift.Detectable) float64) drift.Number {
		values := make([]float64, len(effects))
		for i, d := range effects {
			values[i] = of(d)
		}
		slices.Sort(values)
		m := values[(len(values)-1)/2]
		if m > 1 {
			m = math.Inf(1) // no effect is larger than 1
		}
		return drift.Number(m)
	}
	return Detectable{
		With:    middle(func(d drift.Detectable) float64 { return d.InBudget }),
		Without: middle(func(d drift.Detectable) float64 { return d.Effect }),
	}
}
