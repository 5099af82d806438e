package evidence

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A brief is what the history needs of a verdict. It comes from the verdict
// (briefOf) or, many times faster, from its bytes (scanBrief); both give the
// same.
type brief struct {
	schema                        uint64
	kind, model, version, segment string
	start, end                    time.Time // UTC
	events                        uint64
	hasReference, incomplete      bool
	failed                        bool           // the verdict carries an error
	features                      []briefFeature // in name order, the prediction apart
	prediction                    *briefFeature
	errorRate, p99                *float64 // the latter in milliseconds
	alert                         alertStage
}

// An alertStage is how far the alert of a kind has come after a window, or of
// several the one that has come furthest.
type alertStage uint8

const (
	noAlert  alertStage = iota
	silenced            // what the window shows does not count
	pending             // it counts, and is not enough
	firing
)

// stageOf is the stage of one alert, as a verdict has it.
func stageOf(state, why string) alertStage {
	switch {
	case state == "firing":
		return firing
	case why != "":
		return silenced
	case state == "pending":
		return pending
	}
	return noAlert
}

// A briefFeature is one feature of it.
type briefFeature struct {
	name            string
	test            bool // there was one
	failed          bool // and it could not be made
	drifted, broken bool
	effect          float64 // 0 where there is none
	n, missing      uint64
}

// briefOf reduces a decoded verdict.
func briefOf(v *drift.Verdict) *brief {
	b := &brief{
		schema: uint64(max(v.Schema, 0)), kind: v.Kind, model: v.Model, version: v.Version, segment: v.Segment, start: v.Window.Start, end: v.Window.End,
		events: v.Events, hasReference: v.Reference != nil, incomplete: v.Incomplete, failed: v.Error != "",
	}
	of := func(name string, f *drift.Feature) briefFeature {
		out := briefFeature{name: name, test: f.Test != "", failed: f.Error != "", drifted: f.Drifted, broken: f.Broken, n: f.N, missing: f.Missing}
		if f.Effect != nil {
			out.effect = float64(*f.Effect)
		}
		return out
	}
	for name, f := range v.Features {
		b.features = append(b.features, of(name, f))
	}
	slices.SortFunc(b.features, func(a, b briefFeature) int { return strings.Compare(a.name, b.name) })
	if v.Prediction != nil {
		p := of(predictionName, v.Prediction)
		b.prediction = &p
	}
	for _, a := range v.Alerts {
		b.alert = max(b.alert, stageOf(a.State, a.Silenced))
	}
	if p := v.Performance; p != nil {
		if p.ErrorRate != nil {
			rate := float64(*p.ErrorRate)
			b.errorRate = &rate
		}
		if p.Latency != nil {
			p99 := float64(p.Latency.P99)
			b.p99 = &p99
		}
	}
	return b
}

// readBrief reads a record of the verdicts topic. What the scanner is not sure
// of the decoder decides.
func readBrief(value []byte) (*brief, error) {
	if b, ok := scanBrief(value); ok {
		return b, nil
	}
	v, err := decodeVerdict(value)
	if err != nil {
		return nil, err
	}
	return briefOf(v), nil
}

func (f *briefFeature) mark() mark {
	switch {
	case f.drifted:
		return drifted
	case f.test && !f.failed:
		return quiet
	}
	return untested
}

// missingParts is the share of missing values, in parts of missingWhole; a share
// that is not zero is at least one part.
func (f *briefFeature) missingParts() uint16 {
	all := float64(f.n) + float64(f.missing)
	if f.missing == 0 || all == 0 {
		return 0
	}
	return uint16(max(math.Round(missingWhole*(float64(f.missing)/all)), 1))
}

// missingWhole is the share of missing values where all are.
const missingWhole = math.MaxUint16
