package evidence

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A quantileRow is one line of the table of quantiles.
type quantileRow struct{ Label, Reference, Current, Shift string }

// shownProbabilities are the quantiles the table shows, where a verdict has
// them.
var shownProbabilities = []float64{0, 1.0 / 32, 1.0 / 8, 1.0 / 4, 1.0 / 2, 3.0 / 4, 7.0 / 8, 31.0 / 32, 1}

func quantileRows(q *drift.Quantiles) []quantileRow {
	if q == nil || len(q.P) != len(q.Reference) || len(q.P) != len(q.Current) {
		return nil
	}
	var rows []quantileRow
	places := 0
	for i := range q.P {
		places = max(places, placesOf(decimal(q.Reference[i], 5)), placesOf(decimal(q.Current[i], 5)))
	}
	for i, p := range q.P {
		if !slices.Contains(shownProbabilities, p) {
			continue
		}
		label := decimal(100*p, 4) + " %"
		switch p {
		case 0:
			label = "minimum"
		case 0.5:
			label = "median"
		case 1:
			label = "maximum"
		}
		rows = append(rows, quantileRow{
			Label: label, Reference: aligned(q.Reference[i], places), Current: aligned(q.Current[i], places),
			Shift: plus(q.Current[i]-q.Reference[i], aligned(q.Current[i]-q.Reference[i], places)),
		})
	}
	return rows
}

// A categoryRow is one category's share on both sides, with bars of a width out
// of barWidth.
type categoryRow struct {
	Name                         string
	Reference, Current           string // shares
	ReferenceCount               string
	CurrentCount                 string
	Change                       string // percentage points
	ReferenceShare, CurrentShare float64
	ReferenceWidth, CurrentWidth float64
	New                          bool
	Alt                          string
}

const (
	barWidth        = 200
	categoriesShown = 15
	featuresShown   = 40
	stripsShown     = 25
)

// categoryRows are the categories whose shares changed most; rest is how many
// are not among them.
func categoryRows(c *drift.Counts) (rows []categoryRow, rest int) {
	if c == nil || len(c.Categories) != len(c.Reference) || len(c.Categories) != len(c.Current) {
		return nil, 0
	}
	sum := func(counts []uint64) (total float64) {
		for _, n := range counts {
			total += float64(n)
		}
		return max(total, 1)
	}
	reference, current := sum(c.Reference), sum(c.Current)
	share := func(i int) (float64, float64) {
		return float64(c.Reference[i]) / reference, float64(c.Current[i]) / current
	}
	order := make([]int, len(c.Categories))
	largest := 0.0
	for i := range order {
		order[i] = i
		r, n := share(i)
		largest = max(largest, r, n)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		ra, ca := share(a)
		rb, cb := share(b)
		return cmp.Compare(math.Abs(cb-rb), math.Abs(ca-ra))
	})
	shown := order[:min(len(order), categoriesShown)]
	for _, i := range shown {
		r, n := share(i)
		row := categoryRow{
			Name: c.Categories[i], Reference: percent(r, 1), Current: percent(n, 1),
			ReferenceShare: r, CurrentShare: n,
			ReferenceCount: count(c.Reference[i]), CurrentCount: count(c.Current[i]),
			Change: plus(n-r, aligned(100*(n-r), 1)), New: c.Reference[i] == 0 && c.Current[i] > 0,
		}
		if largest > 0 {
			row.ReferenceWidth, row.CurrentWidth = round(barWidth*r/largest), round(barWidth*n/largest)
		}
		row.Alt = fmt.Sprintf("Reference %s, window %s.", row.Reference, row.Current)
		rows = append(rows, row)
	}
	return rows, len(order) - len(shown)
}

// A featureRow is one line of the table of features of a window.
type featureRow struct {
	Name, Link             string
	Prediction             bool
	Test, Method           string
	Statistic, P, Adjusted string
	Effect, EffectLetter   string
	Missing                string
	Verdict                string
	Class                  string // drifted, quiet or untested
}

// featureRows lists a window's features, the drifted first, then those whose data
// is broken, and the largest effect first among them.
func featureRows(id alerts.Version, v *drift.Verdict) []featureRow {
	type named struct {
		name       string
		prediction bool
		f          *drift.Feature
	}
	all := make([]named, 0, len(v.Features)+1)
	for name, f := range v.Features {
		if name != predictionName || v.Prediction == nil {
			all = append(all, named{name: name, f: f})
		}
	}
	if v.Prediction != nil {
		all = append(all, named{predictionName, true, v.Prediction})
	}
	slices.SortFunc(all, func(a, b named) int {
		return cmp.Or(cmp.Compare(weight(b.f), weight(a.f)), cmp.Compare(effectOf(b.f), effectOf(a.f)), strings.Compare(a.name, b.name))
	})
	rows := make([]featureRow, 0, len(all))
	for _, n := range all {
		f := n.f
		row := featureRow{
			Name: n.name, Prediction: n.prediction, Link: alerts.FeaturePath(id, v.Window.Start, n.name),
			Test: testName(f.Test), Method: f.Method, Statistic: statistic(f.Statistic),
			P: probability(f.P, f.LogP), Adjusted: probability(f.Adjusted, nil),
			Effect: statistic(f.Effect), EffectLetter: effectLetter(f.Test),
			Missing: percent(float64(f.Missing), float64(f.N)+float64(f.Missing)), Verdict: verdictWords(f),
		}
		if f.Test == "chi2" {
			row.Statistic = chiSquare(f.Statistic)
		}
		switch markOf(f) {
		case drifted:
			row.Class = "drifted"
		case quiet:
			row.Class = "quiet"
		default:
			row.Class = "untested"
		}
		if f.Broken {
			row.Class = "drifted"
		}
		rows = append(rows, row)
	}
	return rows
}

// weight orders features by what they say.
func weight(f *drift.Feature) int {
	switch m := markOf(f); {
	case m == drifted:
		return int(drifted) + 1
	case f.Broken:
		return int(drifted)
	default:
		return int(m)
	}
}

// A requestRow counts the answers with one status.
type requestRow struct{ Status, Count, Share string }

func requestRows(p *drift.Performance) []requestRow {
	if p == nil {
		return nil
	}
	type pair struct {
		status string
		n      uint64
	}
	var all []pair
	var total float64
	for status, n := range p.Requests {
		all = append(all, pair{status, n})
		total += float64(n)
	}
	slices.SortFunc(all, func(a, b pair) int { return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.status, b.status)) })
	rows := make([]requestRow, 0, len(all))
	for _, a := range all[:min(len(all), categoriesShown)] {
		rows = append(rows, requestRow{a.status, count(a.n), percent(float64(a.n), total)})
	}
	return rows
}

// An alertRow is one incident.
type alertRow struct {
	ID, Kind, Severity, Summary string
	Status                      string
	Firing                      bool
	Since, SinceMachine         string
	Window, WindowMachine       string // of the last transition
	Link                        string
	Runbook                     string // "" unless it is of a known kind, or an http address
	Culprits                    []culprit
}

// A culprit is a feature an alert names.
type culprit struct{ Name, Link, Effect string }

func newAlertRow(i *incident, id alerts.Version) alertRow {
	a := i.latest
	row := alertRow{
		ID: a.ID, Kind: kindWords(a.Kind), Severity: a.Severity, Summary: a.Summary, Status: string(a.Status), Firing: i.firing(),
		Since: clock(a.Since) + " UTC", SinceMachine: machine(a.Since),
		Window: span(a.Window.Start, a.Window.End), WindowMachine: machine(a.Window.Start),
		Link: alerts.ModelPath(id, a.Window.Start),
	}
	switch {
	case slices.Contains(alerts.Kinds(), a.Kind): // served beside this page
		row.Runbook = alerts.RunbookPath(a.Kind.AlertName())
	case strings.HasPrefix(a.RunbookURL, "https://"), strings.HasPrefix(a.RunbookURL, "http://"):
		row.Runbook = a.RunbookURL
	}
	for _, c := range a.Features[:min(len(a.Features), 5)] {
		named := culprit{
			Name: c.Name, Link: alerts.FeaturePath(id, a.Window.Start, c.Name),
			Effect: strings.TrimSpace(effectLetter(c.Test) + " " + statistic(c.Effect)),
		}
		switch a.Kind { // of these the window's page says more
		case alerts.Performance:
			named.Link, named.Effect = row.Link, "× "+statistic(c.Effect)
		case alerts.Traffic:
			named.Link, named.Effect = row.Link, statistic(c.Statistic)
		}
		row.Culprits = append(row.Culprits, named)
	}
	return row
}
