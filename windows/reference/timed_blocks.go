package reference

import (
	"maps"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// timeRange is the span of the times of rows. A row whose time is 0 has none.
type timeRange struct{ first, last windows.Timestamp }

func (r *timeRange) see(o *windows.Observation) {
	if o.Time != 0 {
		r.first, r.last = min(r.first, o.Time), max(r.last, o.Time)
	}
}

// timedBlocks counts rows, in whatever order they come, in the window of their
// time. A nil one counts nothing.
type timedBlocks struct {
	definition *windows.Definition
	blocks     Blocks
	// places finds a feature's place in blocks; the prediction's is apart.
	places     map[string]int
	prediction int // −1: none
	// stride leaves out windows where there are more than are kept.
	stride int64
	rows   map[int64][][]uint32 // by the window's number, then by place
	// events counts a window's rows with features, and with a prediction.
	events map[int64]*[2]uint64
}

// Of a reference with many features fewer windows are kept than mostBlocks, so that
// all their rows take at most 16 MiB; but never fewer than say enough.
const (
	mostRows     = 1 << 16
	fewestBlocks = 32
)

// newTimedBlocks is nil where the rows have no times, or too short a range of
// them. whole holds all rows as one window, which places the cuts.
func newTimedBlocks(d *windows.Definition, times timeRange, whole *windows.Window) *timedBlocks {
	if d == nil || times.first > times.last {
		return nil
	}
	count := d.Block(times.last) - d.Block(times.first) + 1
	if count < LeastCalibrationWindows {
		return nil
	}
	b := &timedBlocks{
		definition: d, places: make(map[string]int), prediction: -1, rows: make(map[int64][][]uint32),
		events: make(map[int64]*[2]uint64),
	}
	b.blocks.Add(whole)
	kept := int64(min(mostBlocks, max(fewestBlocks, mostRows/max(1, len(b.blocks.features)))))
	b.stride = (count + kept - 1) / kept
	for i, f := range b.blocks.features {
		f.Rows, f.Missing = nil, nil
		if f.Prediction {
			b.prediction = i
		} else {
			b.places[f.Name] = i
		}
	}
	return b
}

// count counts one row.
func (b *timedBlocks) count(o *windows.Observation) {
	if b == nil || o.Time == 0 {
		return
	}
	number := b.definition.Block(o.Time)
	if number%b.stride != 0 {
		return
	}
	rows := b.rows[number]
	if rows == nil {
		rows = make([][]uint32, len(b.blocks.features))
		b.rows[number], b.events[number] = rows, new([2]uint64)
	}
	if o.HasFeatures {
		b.events[number][0]++
	}
	if o.IsPrediction {
		b.events[number][1]++
	}
	for i := range o.Features {
		if place, known := b.places[string(o.Features[i].Name)]; known {
			b.add(rows, place, &o.Features[i].Value)
		}
	}
	if b.prediction >= 0 && o.IsPrediction {
		b.add(rows, b.prediction, &o.Prediction)
	}
}

func (b *timedBlocks) add(rows [][]uint32, place int, v *windows.Value) {
	f := b.blocks.features[place]
	var bin int
	switch {
	case v.Kind == windows.Number && f.Categories == nil:
		bin = f.cut(v.Number)
	case (v.Kind == windows.Text || v.Kind == windows.Bool) && f.Categories != nil:
		bin = f.category(string(v.Text))
	default:
		return
	}
	if rows[place] == nil {
		rows[place] = make([]uint32, f.bins())
	}
	rows[place][bin]++
}

// finish puts the windows in the order of time.
func (b *timedBlocks) finish() *Blocks {
	if b == nil {
		return nil
	}
	for _, number := range slices.Sorted(maps.Keys(b.rows)) {
		for place, row := range b.rows[number] {
			f, events := b.blocks.features[place], b.events[number][0]
			if f.Prediction {
				events = b.events[number][1]
			}
			if row != nil {
				f.Rows = append(f.Rows, row)
			}
			f.miss(events-min(sumOf(row), events), events)
		}
	}
	return &b.blocks
}
