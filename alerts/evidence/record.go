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
	name    string
	effect  float32 // to 1/effectWhole; 0 where there is none
	missing uint16  // the share of missing values, in parts of missingWhole
	mark    mark
}

// A packed is a cell as it is kept, beside a name: the mark in the upper three
// bits, the effect in parts of effectWhole in the others; and the missing share.
type packed struct{ marked, missing uint16 }

// effectWhole is an effect of 1. The steps of the colours are whole parts of it.
const effectWhole = 8000

func pack(f *briefFeature) packed {
	effect := 0.0
	if !math.IsNaN(f.effect) {
		effect = min(max(f.effect, 0), 1)
	}
	return packed{marked: uint16(f.mark())<<13 | uint16(math.Round(effect*effectWhole)), missing: f.missingParts()}
}

func (p packed) mark() mark      { return mark(p.marked >> 13) }
func (p packed) effect() float32 { return float32(p.marked&0x1fff) / effectWhole }

// A nameList are the names of a window's cells, in order. Windows with the same
// names share it.
type nameList struct {
	names []string
	used  int // windows that have it
	size  int64
}

// A Place is where a record of the verdicts topic is.
type Place struct {
	Partition int32
	Offset    int64
}

// nowhere is the place of a record that cannot be read again.
var nowhere = Place{Partition: -1, Offset: -1}

// A window is what is kept of one verdict: what the strips draw, and where its
// record is. It does not change once it is made, so readers may hold it without
// a lock.
type window struct {
	start, end    time.Time
	published     int64 // Unix milliseconds; 0: nobody knows
	place         Place
	raw           []byte // the record as it came, of a window whose place is nowhere
	events        uint64
	names         *nameList
	cells         []packed // the prediction under its reserved name
	errorRate     float32  // NaN: not known
	p99           float32  // milliseconds; NaN: not known
	features      int32    // without the prediction
	tested, drift int32    // of the features
	broken        int32    // features with broken data, the prediction with them
	largest       float32  // effect among the drifted
	prediction    mark
	alert         alertStage
	hasReference  bool
	incomplete    bool
	failed        bool  // the verdict carries an error
	size          int64 // bytes, by estimate, without the list of names
}

// Sizes of what is kept beside a record's own bytes, rounded up.
const (
	windowOverhead  = 216 // the window, and the pointer to it
	cellsOverhead   = 16
	cellSize        = 4
	nameOverhead    = 24
	namesOverhead   = 96
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

// newWindow reduces a brief to what is kept. names makes the list of the names
// it is given; raw is nil where the record can be read again.
func newWindow(b *brief, place Place, published time.Time, raw []byte, names func(count int, name func(int) string) *nameList) *window {
	w := &window{
		start: b.start, end: b.end, place: place, raw: raw, events: b.events, errorRate: orNaN(b.errorRate), p99: orNaN(b.p99),
		alert: b.alert, hasReference: b.hasReference, incomplete: b.incomplete, failed: b.failed, features: int32(len(b.features)),
	}
	if !published.IsZero() {
		w.published = published.UnixMilli()
	}
	cells := make([]*briefFeature, 0, len(b.features)+1)
	for i := range b.features {
		f := &b.features[i]
		switch f.mark() {
		case drifted:
			w.drift++
			w.tested++
		case quiet:
			w.tested++
		}
		if f.broken {
			w.broken++
		}
		if f.name != predictionName || b.prediction == nil {
			cells = append(cells, f)
		}
	}
	if p := b.prediction; p != nil {
		w.prediction = p.mark()
		if p.broken {
			w.broken++
		}
		at, _ := slices.BinarySearchFunc(cells, p.name, func(f *briefFeature, name string) int { return strings.Compare(f.name, name) })
		cells = slices.Insert(cells, at, p)
	}
	w.cells = make([]packed, len(cells))
	for i, f := range cells {
		w.cells[i] = pack(f)
		if f.mark() == drifted {
			w.largest = max(w.largest, w.cells[i].effect())
		}
	}
	w.names = names(len(cells), func(i int) string { return cells[i].name })
	w.size = windowOverhead + cellsOverhead + cellSize*int64(len(cells)) + int64(len(raw))
	return w
}

func orNaN(x *float64) float32 {
	if x == nil {
		return float32(math.NaN())
	}
	return float32(*x)
}

// find looks a feature up.
func (w *window) find(name string) (cell, bool) {
	i, ok := slices.BinarySearch(w.names.names, name)
	if !ok {
		return cell{}, false
	}
	return w.cell(i), true
}

// cell is one of the window's, by its number.
func (w *window) cell(i int) cell {
	p := w.cells[i]
	return cell{name: w.names.names[i], effect: p.effect(), missing: p.missing, mark: p.mark()}
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
