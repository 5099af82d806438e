package evidence

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// overviewPage lists every model version, the worst first.
type overviewPage struct {
	Title  string
	Rows   []overviewRow
	Firing int // incidents
	Stats  Stats
	// Waiting is what the windows wait for, Behind that they close too late; nil:
	// nothing.
	Waiting *waitingWords
	Behind  *behindWords
	// Conditions counts the versions in each.
	Conditions []conditionWords
	Reading    string // how far older verdicts have been read; "" where all are
}

// An overviewRow is one model version.
type overviewRow struct {
	ID     alerts.Version
	Link   string
	State  state
	Alerts []string // kinds that fire, with their severity
	// Condition is what keeps it from being watched; nil: nothing.
	Condition *conditionWords
	// Of the last window; Window is "" where there is none.
	Window, WindowMachine, Events, Found string
	Drifts                               int
	Spark                                strip
}

// A state is how a model version stands, in a word and a class.
type state struct{ Class, Words string }

func stateOf(v *version) state {
	last := v.last()
	switch {
	case slices.ContainsFunc(v.incidents, (*incident).firing):
		return state{"firing", "alert firing"}
	case last == nil:
		return state{"waiting", "no window yet"}
	case last.failed:
		return state{"drifting", "not compared"}
	case last.drifts() > 0:
		return state{"drifting", "drifted"}
	case last.broken > 0:
		return state{"drifting", "broken data"}
	case last.untested():
		if words := conditionOf(v).words(); words != nil {
			return state{"waiting", words.Words}
		}
		return state{"waiting", last.words()}
	}
	return state{"quiet", "no drift"}
}

func (s *server) overview(w http.ResponseWriter, r *http.Request) {
	all := s.history.all(sparkWindows)
	sortWorstFirst(all)
	unread := s.history.unread()
	page := overviewPage{
		Title: "Model versions", Stats: s.history.Stats(), Waiting: s.waitingWords(), Behind: s.behind(all, unread).words(), Conditions: countConditions(all),
	}
	if unread != nil {
		page.Reading = unread.words()
	}
	for i := range all {
		v := &all[i]
		row := overviewRow{ID: v.id, Link: alerts.ModelPath(v.id, time.Time{}), State: stateOf(v), Condition: conditionOf(v).words()}
		for _, i := range v.incidents {
			if i.firing() {
				page.Firing++
				row.Alerts = append(row.Alerts, strings.TrimSpace(i.latest.Severity+" "+kindWords(i.latest.Kind)))
			}
		}
		if last := v.last(); last != nil {
			row.Window, row.WindowMachine = span(last.start, last.end), machine(last.start)
			row.Events, row.Found, row.Drifts = count(last.events), last.words(), last.drifts()
			row.Spark = driftStrip(bundled(v.windows), stripHeight, nil, nil).flushRight(sparkWindows).light()
		}
		page.Rows = append(page.Rows, row)
	}
	s.render(w, r, http.StatusOK, "overview.html", page)
}

// sparkWindows is how many windows the overview's strips show.
const sparkWindows = 24

// sortWorstFirst orders versions by alerts that fire, then by how many
// features drifted in the last window, then by the largest effect.
func sortWorstFirst(all []version) {
	type rank struct {
		firing, drifts int
		largest        float32
	}
	of := func(v *version) (r rank) {
		for _, i := range v.incidents {
			if i.firing() {
				r.firing++
				if i.latest.Severity == "critical" {
					r.firing += 1000
				}
			}
		}
		if last := v.last(); last != nil {
			r.drifts, r.largest = last.drifts(), last.largest
			if last.failed {
				r.drifts++
			}
		}
		return r
	}
	slices.SortFunc(all, func(a, b version) int {
		ra, rb := of(&a), of(&b)
		return cmp.Or(cmp.Compare(rb.firing, ra.firing), cmp.Compare(rb.drifts, ra.drifts), cmp.Compare(rb.largest, ra.largest),
			strings.Compare(a.id.Model, b.id.Model), strings.Compare(a.id.Version, b.id.Version), strings.Compare(a.id.Segment, b.id.Segment))
	})
}
