package replay

import (
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// Schema is the version of the report's JSON.
const Schema = 1

// A Report is what a replay found, for every candidate. Its JSON is that of
// `kolmo backtest --output json`.
type Report struct {
	Schema     int          `json:"schema"`
	Source     Source       `json:"source"`
	Candidates []*Candidate `json:"candidates"`
}

// A Source is what was read.
type Source struct {
	Events string   `json:"events,omitempty"` // file
	Topics []string `json:"topics,omitempty"`
	// From and To are the record times between which topics were read; To is nil
	// where they were read to their end.
	From       *time.Time `json:"from,omitempty"`
	To         *time.Time `json:"to,omitempty"`
	Partitions int        `json:"partitions"`
	Records    uint64     `json:"records"`
	// Rejected are records that are no events, by reason: a service sends them to
	// the dead letters.
	Rejected map[string]uint64 `json:"rejected,omitempty"`
}

// A Candidate is what one configuration would have done.
type Candidate struct {
	Label string `json:"label"`
	// WithoutBudgetOf names the candidate that this one is without its budget of
	// false pages; empty for those that were asked for.
	WithoutBudgetOf string     `json:"without_budget_of,omitempty"`
	Events          Events     `json:"events"`
	Versions        []*Version `json:"versions"` // in the order of their names
	Totals          Totals     `json:"totals"`
	Weeks           []Week     `json:"weeks"` // in the order of time
}

// Events are what became of the events.
type Events struct {
	Accepted    uint64 `json:"accepted"`
	Late        uint64 `json:"late,omitempty"`
	TooFarAhead uint64 `json:"too_far_ahead,omitempty"`
	OverLimit   uint64 `json:"over_limit,omitempty"`
}

// Totals are counts over windows.
type Totals struct {
	Windows int `json:"windows"`
	Tested  int `json:"tested"`  // of them, those in which something was tested
	Drifted int `json:"drifted"` // of them, those in which something drifted
	Counted int `json:"counted"` // of them, those in which a drift counts towards an alert
	Pages   int `json:"pages"`   // alerts that began to fire
	// FiringDays is how long the pages fired in all, those that still do until the
	// end of the last window.
	FiringDays float64 `json:"firing_days"`
	// Days is the time that the windows cover, the longest of all versions.
	Days float64 `json:"days"`
	// PagesPer30Days is null where less than a day is covered.
	PagesPer30Days *drift.Number `json:"pages_per_30_days"`
}

// A Week is one of ISO 8601, in UTC; a window belongs to the week in which it
// starts, a page to that of the window that caused it.
type Week struct {
	Week    string    `json:"week"` // 2026-W01
	Start   time.Time `json:"start"`
	Windows int       `json:"windows"`
	Drifted int       `json:"drifted"`
	Counted int       `json:"counted"`
	Pages   int       `json:"pages"`
}

// A Version is what happened to one model version.
type Version struct {
	Model   string  `json:"model"`
	Version string  `json:"version"`
	Totals  Totals  `json:"totals"`
	Pages   []*Page `json:"pages"`
	// Retraining is what would have been decided of it; empty where nobody is asked.
	Retraining []*Retraining `json:"retraining,omitempty"`
	// Budget says what the budget of false pages cost; nil where there is none.
	Budget  *BudgetCost `json:"budget,omitempty"`
	Windows []*Window   `json:"windows"`
}

// A Page is an alert from firing to resolved.
type Page struct {
	ID       string      `json:"id"`
	Kind     alerts.Kind `json:"kind"`
	Severity string      `json:"severity"` // the worst that it became
	Since    time.Time   `json:"since"`    // start of the first window that drifted
	// Fired is the end of the window with which the alert fires, Resolved of the one
	// that resolves it; nil while it still fires.
	Fired    time.Time        `json:"fired"`
	Resolved *time.Time       `json:"resolved"`
	Seconds  *float64         `json:"seconds"` // from Fired to Resolved
	Summary  string           `json:"summary"`
	Culprits []alerts.Culprit `json:"features"`

	week time.Time // start of the window that fires it
}

// A BudgetCost compares a version with what it would have been without its budget
// of false pages.
type BudgetCost struct {
	PagesWithout int `json:"pages_without"`
	// FiringDaysWithout is how long the pages would have fired.
	FiringDaysWithout float64 `json:"firing_days_without"`
	// HeldBackWindows are windows in which a drift did not count because of the
	// budget; HeldBack says how often each feature's did not.
	HeldBackWindows int            `json:"held_back_windows"`
	HeldBack        map[string]int `json:"held_back"`
	// Detectable are medians over the windows.
	Detectable map[string]Detectable `json:"detectable"`
}

// Detectable is the smallest effect that counts towards an alert, with the budget
// and without it; null where most windows have none that does.
type Detectable struct {
	With    drift.Number `json:"with"`
	Without drift.Number `json:"without"`
}

// A Window is one closed window, shortened: the whole verdict is what --verdicts
// writes.
type Window struct {
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Events  uint64    `json:"events"`
	Late    uint64    `json:"late,omitempty"`
	Tested  bool      `json:"tested"`
	Drifted bool      `json:"drifted"`
	Error   string    `json:"error,omitempty"`
	// Features that were tested or whose data is broken, and the prediction under its
	// reserved name.
	Features map[string]Feature `json:"features"`
}

// A Feature is one comparison, shortened.
type Feature struct {
	Test      string        `json:"test"` // empty: it was not tested
	Statistic *drift.Number `json:"statistic"`
	Adjusted  *drift.Number `json:"p_adjusted"`
	Effect    *drift.Number `json:"effect"`
	Drifted   bool          `json:"drifted"`
	HeldBack  string        `json:"held_back,omitempty"`
	CausedBy  string        `json:"caused_by,omitempty"` // the broken check that the drift is the consequence of
	// Broken names the check by which the feature's data is broken most; empty where
	// it is not.
	Broken string `json:"broken,omitempty"`
}

// counts reports whether a drift of the window counts towards an alert.
func (w *Window) counts() bool {
	for _, f := range w.Features {
		if f.counts() {
			return true
		}
	}
	return false
}

// counts reports whether a drift of the feature counts towards a page of drift.
func (f *Feature) counts() bool { return f.Drifted && f.HeldBack == "" && f.CausedBy == "" }

// Paged reports whether a candidate that was asked for has a page.
func (r *Report) Paged() bool {
	for _, c := range r.Candidates {
		if c.WithoutBudgetOf == "" && c.Totals.Pages > 0 {
			return true
		}
	}
	return false
}
