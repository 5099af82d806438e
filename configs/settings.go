package configs

import (
	"github.com/kolmo-ml/kolmo/windows"
)

// Settings are what can be said of every model under defaults, and of one
// under models.
type Settings struct {
	// Window is as written: not validated, and Every and MaxSize are zero where
	// they were not given. Use the one of For.
	Window     windows.Definition
	Reference  Reference
	SampleSize int // values a window keeps per feature
	Drift      Drift
	Alert      Alert
	Budget     Budget
	Objectives Objectives
	Traffic    Traffic
	Retraining RetrainingPolicy
	// SuccessStatuses are the statuses that count as successes. nil: success,
	// ok and 200 to 299.
	SuccessStatuses []string
}

// The kinds of Reference.
const (
	ReferenceFixed    = "fixed"    // a file, or what `kolmo reference load` brought
	ReferenceFirst    = "first"    // the first windows of a version, then pinned
	ReferenceRolling  = "rolling"  // the last windows
	ReferenceSeasonal = "seasonal" // the same slot of earlier periods
	ReferenceVersion  = "version"  // another version's window of the same time
)

// Reference is what windows are compared with.
type Reference struct {
	Kind string
	// File is the file of a fixed reference, resolved against the config's
	// folder. Empty: it is brought by `kolmo reference load`.
	File string
	// FileAsWritten is File as the config has it, before variables and folders
	// are put in: the same on every instance.
	FileAsWritten string
	Windows       int          // of first and rolling: how many
	Period        windows.Span // of seasonal
	Cycles        int          // of seasonal: how many periods
	Version       string       // of version: the one that others are compared with
	Size          int          // values kept per feature
}

// Drift says what counts as drift.
type Drift struct {
	Alpha       float64 // in (0, 1)
	Correction  string  // bh, holm or none
	MinEffect   float64 // in [0, 1]
	MinEvents   uint64  // below it, a feature is not tested
	Numeric     string  // a name of drift.NumericTests
	Categorical string  // a name of drift.CategoricalTests
	Measures    []string
	Decision    string // floor or minimum_effect
	Ties        string // continuous or exact
	Quality     Quality
	// Features are those with settings of their own; see For.
	Features []FeatureDrift
}

// Quality says what counts as broken data.
type Quality struct {
	Alpha       float64 // in (0, 1)
	MinIncrease float64 // in [0, 1]
	MinRatio    float64 // of odds, in [1, 1000]
}

// Alert says when windows become an alert: For of the last Of windows drifted,
// 1 ≤ For ≤ Of; resolved after ResolveAfter windows without drift.
type Alert struct {
	For, Of, ResolveAfter int
	Severity              Severity
}

// An Entry is one item of models.
type Entry struct {
	Name string // a model, or a glob over models
	Settings
	// suppliesFile: the entry itself names the reference file, rather than
	// taking the one of defaults.
	suppliesFile bool
}

// A Model is what holds for one model: the settings of the entry that matches
// it best, over the defaults.
type Model struct {
	Pattern string // name of that entry; empty: the defaults alone
	// Window is valid and ready for use.
	Window     windows.Definition
	Reference  Reference
	SampleSize int
	Drift      Drift
	Alert      Alert
	Budget     Budget
	Objectives Objectives
	Traffic    Traffic
	Retraining RetrainingPolicy
	// SuccessStatuses are the statuses that count as successes. nil: success,
	// ok and 200 to 299. Not to be changed.
	SuccessStatuses []string
	// ReferencePattern is the name of the entry that supplied Reference.File.
	// Empty with a file: the defaults did.
	ReferencePattern string
}
