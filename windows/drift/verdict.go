package drift

import (
	"math"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/kolmo-ml/kolmo/windows"
)

// Schema is the version of the verdict's JSON.
const Schema = 1

// A Verdict is what kolmo says about one closed window. Its JSON is the record
// on the verdicts topic: keys in the order of the fields, features in the order
// of their names, numbers as the shortest decimals that read back to the same
// float64. What is not a finite number is null.
type Verdict struct {
	Schema  int    `json:"schema"`
	Kind    string `json:"kind"`
	Model   string `json:"model"`
	Version string `json:"version"`
	Segment string `json:"segment"`
	Window  Bounds `json:"window"`
	Events  uint64 `json:"events"`
	Late    uint64 `json:"late"`
	// Incomplete: records that may belong to the window were deleted before they
	// were read; Gaps says which.
	Incomplete bool       `json:"incomplete"`
	Gaps       []Gap      `json:"gaps,omitempty"`
	OverLimit  uint64     `json:"over_limit,omitempty"` // values of features beyond features_per_model
	Reference  *Reference `json:"reference"`
	// Level is what the corrected p-values were held against for an alert, where a
	// budget of false pages is set.
	Level *Number `json:"level,omitempty"`
	// Drifted: some feature did, and not because its data is broken.
	Drifted bool   `json:"drifted"`
	Broken  bool   `json:"broken,omitempty"` // the data of some feature is
	Error   string `json:"error,omitempty"`
	// Warnings say what limits the verdict, in sentences for people.
	Warnings []string `json:"warnings,omitempty"`
	// Shed names what was left out to keep the record within its size limit.
	Shed        []string            `json:"shed,omitempty"`
	Features    map[string]*Feature `json:"features"`
	Prediction  *Feature            `json:"prediction,omitempty"`
	Performance *Performance        `json:"performance,omitempty"`
	// Traffic is how many events came against how many usually do; nil where that
	// is not watched, or nothing is known to compare with.
	Traffic *Traffic `json:"traffic,omitempty"`
	// Alerts are those that fire, are about to, or were silenced, after this window.
	Alerts []AlertState `json:"alerts,omitempty"`
	// Sample are a few of the window's events, chosen by their hashes: uniformly
	// among those that carry a finite number, and the same on a replay.
	Sample []Place `json:"sample,omitempty"`
}

// A Place is where an event stands in the log.
type Place struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Traffic is how many events a window of a model has, of all its versions, and how
// many are usual.
type Traffic struct {
	Events uint64 `json:"events"`
	Usual  Number `json:"usual"`
	// Basis says what usual is of: slot, the same hour of earlier periods; hour, the
	// same hour of any day; all, every window seen.
	Basis string `json:"basis"`
	// P is the probability of a number as far out, were the traffic just at the
	// bound of what is accepted.
	P      *Number `json:"p_value"`
	Effect *Number `json:"effect"` // the share of traffic that is gone, or that is beyond the usual
	Far    bool    `json:"far"`
}

// An AlertState is where the alert of a kind stands after a window.
type AlertState struct {
	Kind  string `json:"kind"`
	State string `json:"state"` // inactive, pending or firing
	// Windows of the last Of count towards it; For make it fire.
	Windows  int        `json:"windows"`
	For      int        `json:"for"`
	Of       int        `json:"of"`
	Since    *time.Time `json:"since,omitempty"` // the start of the first of them
	ID       string     `json:"id,omitempty"`    // of the incident that fires
	Severity string     `json:"severity,omitempty"`
	// Silenced says why what the window shows does not count.
	Silenced string `json:"silenced,omitempty"`
}

// A Gap is a range of offsets that a topic no longer held when they were to be
// read.
type Gap struct {
	Partition string `json:"partition"` // topic/number
	From      int64  `json:"from"`      // the first that is lost
	To        int64  `json:"to"`        // the first that is not
}

// Bounds are a window's, in RFC 3339.
type Bounds struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// BoundsOf converts an interval.
func BoundsOf(i windows.Interval) Bounds { return Bounds{Start: i.Start.Time(), End: i.End.Time()} }

// A Reference names what the window was compared with.
type Reference struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Rows uint64 `json:"rows"`
}

// A Feature is one comparison and what was counted of the feature.
type Feature struct {
	Type      windows.Type `json:"type"`
	N         uint64       `json:"n"` // values that were neither null nor absent
	Missing   uint64       `json:"missing"`
	NonFinite uint64       `json:"non_finite"`
	// TypeChanges are values that arrived as text where the reference has
	// numbers, or as numbers where it has categories.
	TypeChanges uint64  `json:"type_changes,omitempty"`
	Outliers    *uint64 `json:"outliers,omitempty"`

	Min  *Number `json:"min,omitempty"`
	Max  *Number `json:"max,omitempty"`
	Mean *Number `json:"mean,omitempty"`
	Std  *Number `json:"std,omitempty"` // divides by n

	NewCategories []string `json:"new_categories,omitempty"`

	Test             string  `json:"test,omitempty"`
	Method           string  `json:"method,omitempty"`
	Statistic        *Number `json:"statistic,omitempty"`
	StatisticError   *Number `json:"statistic_error,omitempty"`
	Location         *Number `json:"location,omitempty"`
	Sign             int     `json:"sign,omitempty"`
	DegreesOfFreedom int     `json:"df,omitempty"`
	PMethod          string  `json:"p_method,omitempty"`
	P                *Number `json:"p_value,omitempty"`
	LogP             *Number `json:"log_p_value,omitempty"` // natural, where p underflows
	// MinimumEffectP is of an effect that is not larger than the floor; only where
	// the settings decide by it.
	MinimumEffectP *Number `json:"p_minimum_effect,omitempty"`
	// Calibration is what the reference's own windows have to say; nil where it
	// has none.
	Calibration *Calibration `json:"calibration,omitempty"`
	Adjusted    *Number      `json:"p_adjusted,omitempty"`
	Effect      *Number      `json:"effect,omitempty"`
	Drifted     bool         `json:"drifted"`
	// CausedBy is the broken check that a drift is the consequence of. Such a
	// drift counts neither for the verdict nor towards an alert.
	CausedBy string `json:"caused_by,omitempty"`
	// BudgetP is the corrected p-value that was held against the verdict's level.
	BudgetP *Number `json:"p_budget,omitempty"`
	// HeldBack says why a drift does not count towards an alert; empty where it
	// does.
	HeldBack string `json:"held_back,omitempty"`
	// Undecided says that a statistic within statistic_error of this one would
	// have been judged differently.
	Undecided bool `json:"undecided,omitempty"`
	// Untested says why there was no test; Error why one could not be made.
	Untested string `json:"untested,omitempty"`
	Error    string `json:"error,omitempty"`

	// Quality are the checks of the data; Broken says that one of them is.
	Quality *Quality `json:"quality,omitempty"`
	Broken  bool     `json:"broken,omitempty"`

	Measures  *Measures  `json:"measures,omitempty"`
	Quantiles *Quantiles `json:"quantiles,omitempty"`
	Counts    *Counts    `json:"counts,omitempty"`

	// tested is what deciding needs of the comparison; its zero value where there
	// was none.
	tested tested
}

// A Calibration is what a reference's own windows say about a feature: how much
// they differ from each other without any drift.
type Calibration struct {
	Windows int `json:"windows"` // that were compared with the rest of the reference
	// Usual is the effect that such a window stays below. A smaller one does not
	// count towards an alert, however small its p-value.
	Usual Number `json:"usual"`
	// Inflation is how many times the variance of independent values they show.
	Inflation Number `json:"inflation"`
	// P is the p-value that allows for it. It counts where a budget is set.
	P *Number `json:"p_value,omitempty"`
}

// Quantiles of both sides at the same probabilities.
type Quantiles struct {
	P         []float64 `json:"p"`
	Reference []float64 `json:"reference"`
	Current   []float64 `json:"current"`
}

// Counts of a categorical feature: every category's name, in ascending order,
// and its counts.
type Counts struct {
	Categories []string `json:"categories"`
	Reference  []uint64 `json:"reference"`
	Current    []uint64 `json:"current"`
}

// Performance is how the service did in the window.
type Performance struct {
	Requests   map[string]uint64 `json:"requests"`
	ErrorRate  *Number           `json:"error_rate,omitempty"`
	Throughput Number            `json:"throughput"` // predictions per second
	Latency    *Latency          `json:"latency_ms,omitempty"`
	// Objectives are held against the window where the model has any.
	Objectives []Promise `json:"objectives,omitempty"`
}

// Latency quantiles, in milliseconds.
type Latency struct {
	P50 Number `json:"p50"`
	P90 Number `json:"p90"`
	P95 Number `json:"p95"`
	P99 Number `json:"p99"`
	Max Number `json:"max"`
}

// A Number is a float64 whose JSON is null where it is not finite.
type Number float64

// MarshalJSON writes the shortest decimal that reads back to the same float64.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Append(nil, float64(n), 0)
}

// number is for fields that are left out where there is nothing to say.
func number(x float64) *Number {
	n := Number(x)
	return &n
}
