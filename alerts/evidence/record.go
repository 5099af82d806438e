package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// predictionName is the reserved name of the prediction among the features.
const predictionName = "prediction"

// A mark is what a window says about a feature.
type mark uint8

const (
	absent   mark = iota // the window's verdict does not name it
	untested             // named, without a test
	quiet                // tested, not drifted
	drifted
)

// A cell is one feature of one window, as the strips show it.
type cell struct {
	name   string
	effect float32 // 0 where there is none
	// missing is the share of missing values, in parts of missingWhole; a share
	// that is not zero is at least one part.
	missing uint16
	mark    mark
}

// A window is one verdict: its record, and what the strips need of it. It does
// not change once it is made, so readers may hold it without a lock.
type window struct {
	start, end    time.Time
	raw           []byte // the record as it came
	events        uint64
	hasReference  bool
	incomplete    bool
	failed        bool // the verdict carries an error
	features      int  // without the prediction
	tested, drift int  // of the features
	broken        int  // features with broken data, the prediction with them
	prediction    mark
	largest       float32 // effect among the drifted
	// errorRate is the share of answers that are errors, p99 a latency in
	// milliseconds; NaN where the verdict has none.
	errorRate, p99 float32
	cells          []cell // in name order, the prediction under its reserved name
	size           int64  // bytes, by estimate
}

// Sizes of what is kept beside a record's own bytes, rounded up.
const (
	windowOverhead  = 256
	cellOverhead    = 32
	alertOverhead   = 512
	versionOverhead = 1024
)

// decodeVerdict reads a record of the verdicts topic.
func decodeVerdict(value []byte) (*drift.Verdict, error) {
	v := new(drift.Verdict)
	if err := json.Unmarshal(value, v); err != nil {
		return nil, fmt.Errorf("reading a verdict: %w", err)
	}
	switch {
	case v.Schema != drift.Schema:
		return nil, fmt.Errorf("reading a verdict of model %q: its schema is %d, this kolmo reads %d; run the kolmo that wrote it, or a newer one", v.Model, v.Schema, drift.Schema)
	case v.Model == "":
		return nil, errors.New("reading a verdict: it names no model")
	case !v.Window.End.After(v.Window.Start):
		return nil, fmt.Errorf("reading a verdict of model %q: its window ends at %v, not after its start %v", v.Model, v.Window.End, v.Window.Start)
	}
	v.Window.Start, v.Window.End = v.Window.Start.UTC(), v.Window.End.UTC()
	for name, f := range v.Features {
		if f == nil {
			delete(v.Features, name)
		}
	}
	return v, nil
}

// decodeAlert reads a record of the alerts topic.
func decodeAlert(value []byte) (*alerts.Alert, error) {
	a := new(alerts.Alert)
	if err := json.Unmarshal(value, a); err != nil {
		return nil, fmt.Errorf("reading an alert: %w", err)
	}
	switch {
	case a.Schema != alerts.Schema:
		return nil, fmt.Errorf("reading alert %q: its schema is %d, this kolmo reads %d; run the kolmo that wrote it, or a newer one", a.ID, a.Schema, alerts.Schema)
	case a.ID == "":
		return nil, errors.New("reading an alert: it has no id")
	case a.Model == "":
		return nil, fmt.Errorf("reading alert %q: it names no model", a.ID)
	}
	return a, nil
}

// newWindow reduces a verdict to what is kept. Names are shared with those of
// the window before it, which mostly has the same features.
func newWindow(v *drift.Verdict, raw []byte, before *window) *window {
	w := &window{
		start: v.Window.Start, end: v.Window.End, raw: raw, events: v.Events,
		hasReference: v.Reference != nil, incomplete: v.Incomplete, failed: v.Error != "",
		features: len(v.Features),
	}
	w.errorRate, w.p99 = performanceOf(v.Performance)
	w.cells = make([]cell, 0, len(v.Features)+1)
	for name, f := range v.Features {
		m := markOf(f)
		switch m {
		case drifted:
			w.drift++
			w.tested++
		case quiet:
			w.tested++
		}
		if f.Broken {
			w.broken++
		}
		if name != predictionName || v.Prediction == nil {
			w.cells = append(w.cells, cell{name: name, effect: effectOf(f), missing: missingOf(f), mark: m})
		}
	}
	if v.Prediction != nil {
		w.prediction = markOf(v.Prediction)
		if v.Prediction.Broken {
			w.broken++
		}
		w.cells = append(w.cells, cell{name: predictionName, effect: effectOf(v.Prediction), missing: missingOf(v.Prediction), mark: w.prediction})
	}
	slices.SortFunc(w.cells, func(a, b cell) int { return strings.Compare(a.name, b.name) })
	w.size = windowOverhead + int64(len(raw)) + cellOverhead*int64(len(w.cells))
	for i := range w.cells {
		c := &w.cells[i]
		w.size += int64(len(c.name))
		if c.mark == drifted {
			w.largest = max(w.largest, c.effect)
		}
		if before != nil {
			if known, ok := before.find(c.name); ok {
				c.name = known.name
			}
		}
	}
	return w
}

// performanceOf is what of a window's performance later windows are compared with.
func performanceOf(p *drift.Performance) (errorRate, p99 float32) {
	errorRate, p99 = float32(math.NaN()), float32(math.NaN())
	if p == nil {
		return errorRate, p99
	}
	if rate, ok := finite(p.ErrorRate); ok {
		errorRate = float32(rate)
	}
	if p.Latency != nil {
		if q, ok := finite(&p.Latency.P99); ok {
			p99 = float32(q)
		}
	}
	return errorRate, p99
}

// find looks a feature up.
func (w *window) find(name string) (cell, bool) {
	i, ok := slices.BinarySearchFunc(w.cells, name, func(c cell, name string) int { return strings.Compare(c.name, name) })
	if !ok {
		return cell{}, false
	}
	return w.cells[i], true
}

func markOf(f *drift.Feature) mark {
	switch {
	case f.Drifted:
		return drifted
	case f.Test != "" && f.Error == "":
		return quiet
	}
	return untested
}

func effectOf(f *drift.Feature) float32 {
	if f.Effect == nil || math.IsNaN(float64(*f.Effect)) {
		return 0
	}
	return float32(min(max(float64(*f.Effect), 0), 1))
}

// An incident is one alert's life, from the record that opened it to the one
// that closed it.
type incident struct {
	id     string
	latest *alerts.Alert // the last transition
	// Records in the order they came, one per status, with that status and the
	// end of the window they are about.
	raw     [][]byte
	status  []alerts.Status
	windows []time.Time
	size    int64
}

// firing says whether the incident is open. What is resolved stays so.
func (i *incident) firing() bool { return i.latest.Status == alerts.Firing }
