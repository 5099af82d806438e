package windowstest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
)

// A Program is the reference program: it holds every event in memory, reads the
// partitions one after the other from start to end, and knows nothing of
// checkpoints, owners, holding, shards or Redis. It is slow and obvious, and
// shares with the service only how values are counted and how a closed window is
// judged; when a window closes and what is in it, it finds out in its own way.
type Program struct {
	Settings    func(model string) *windows.Settings
	MaxAhead    time.Duration
	ForgetAfter time.Duration
	Limits      windows.Limits
	// Grid is asked for the grid of a pane when the pane's window closes. Panes
	// are asked for in window order, so that a grid that an earlier window made
	// is known by then.
	Grid func(model, version string, start windows.Timestamp) *windows.Grid
}

// A Log is one partition: its records in offset order.
type Log struct {
	ID      windows.PartitionID
	Topic   string                // its name, where it has one
	Records []windows.Observation // must not alias buffers
	// Advances are the moves of the watermark that were decided without a record,
	// in the order in which they were made: each before the record at its offset.
	Advances []windows.Advance
}

// A Closed window is what the program says about one: its panes by partition,
// the partitions numbered by their place in the logs.
type Closed struct {
	Model, Version string
	Window         windows.DueWindow
	Parts          []windows.Part
}

// slot is where an event or a late event is counted.
type slot struct {
	model, version string
	pane           int64
}

// counted is what one partition has in one slot.
type counted struct {
	events []windows.Observation
	late   uint64
}

// Run reads the logs, and calls emit for every window of every version that
// closes once all partitions have been read and are idle: the watermark then
// stands at the highest end, lateness included, of a window that holds an event.
// Windows of one version come in order; versions by name.
func (p *Program) Run(logs []Log, emit func(Closed)) {
	all := make([]map[slot]*counted, len(logs))
	final := windows.Unset
	for i, log := range logs {
		all[i] = make(map[slot]*counted)
		p.read(log, all[i])
	}
	versions := make(map[[2]string]map[int64]bool)
	for _, slots := range all {
		for s, c := range slots {
			key := [2]string{s.model, s.version}
			if versions[key] == nil {
				versions[key] = make(map[int64]bool)
			}
			versions[key][s.pane] = true
			if len(c.events) > 0 {
				d := p.Settings(s.model).Definition
				w, _, _ := d.Window(d.LastWindow(s.pane))
				final = max(final, w.End.Add(d.Lateness))
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(versions), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	for _, key := range keys {
		p.version(key[0], key[1], slices.Sorted(maps.Keys(versions[key])), logs, all, final, emit)
	}
}

// read goes through one partition.
func (p *Program) read(log Log, slots map[slot]*counted) {
	watermark, advances := windows.Unset, log.Advances
	for _, o := range log.Records {
		for len(advances) > 0 && advances[0].Offset <= o.Offset {
			watermark = max(watermark, advances[0].To)
			advances = advances[1:]
		}
		if o.Time > o.RecordTime.Add(p.MaxAhead) {
			continue
		}
		d := p.Settings(string(o.Model)).Definition
		pane := d.PaneIndex(o.Time)
		late := watermark != windows.Unset && watermark >= p.firstEnd(d, pane).Add(d.Lateness)
		if late {
			pane = d.PaneIndex(watermark)
		}
		s := slot{string(o.Model), string(o.Version), pane}
		if slots[s] == nil {
			slots[s] = &counted{}
		}
		if late {
			slots[s].late++
			continue
		}
		slots[s].events = append(slots[s].events, o)
		watermark = max(watermark, min(o.Time, o.RecordTime))
	}
}

// firstEnd is the end of the first-ending window that contains the pane, by
// trying windows one after the other.
func (p *Program) firstEnd(d *windows.Definition, pane int64) windows.Timestamp {
	interval := d.Pane(pane)
	for window := d.LastWindow(pane); ; window-- {
		before, _, _ := d.Window(window - 1)
		if before.End < interval.End {
			w, _, _ := d.Window(window)
			return w.End
		}
	}
}

// version closes the windows of one version in order.
func (p *Program) version(model, version string, panes []int64, logs []Log, all []map[slot]*counted, final windows.Timestamp, emit func(Closed)) {
	d := p.Settings(model).Definition
	holds := func(from, end int64) (events, late uint64, activeUntil windows.Timestamp) {
		activeUntil = windows.Unset
		for _, pane := range panes {
			if pane < from || pane >= end {
				continue
			}
			for _, slots := range all {
				if c := slots[slot{model, version, pane}]; c != nil {
					events += uint64(len(c.events))
					late += c.late
					if len(c.events) > 0 {
						activeUntil = max(activeUntil, d.Pane(pane).End)
					}
				}
			}
		}
		return events, late, activeUntil
	}
	last := d.LastWindow(panes[len(panes)-1])
	activeUntil := windows.Unset
	for first := d.FirstWindow(panes[0]); ; {
		w, from, end := d.Window(first)
		if w.End.Add(d.Lateness) > final {
			return
		}
		events, late, active := holds(from, end)
		if events+late == 0 && (activeUntil == windows.Unset || activeUntil <= w.Start.Add(-p.ForgetAfter)) {
			if first > last {
				return
			}
			first++
			continue
		}
		next := first + 1
		for d.MinEvents > 0 && events < d.MinEvents {
			longer, _, longerEnd := d.Window(next)
			if longer.End-w.Start > windows.Timestamp(d.MaxSize.Longest().Milliseconds()) {
				break
			}
			if longer.End.Add(d.Lateness) > final {
				return
			}
			w.End, end = longer.End, longerEnd
			events, _, active = holds(from, end)
			next++
		}
		activeUntil = max(activeUntil, active)
		emit(Closed{
			Model: model, Version: version,
			Window: windows.DueWindow{
				Interval: w, FirstPane: from, EndPane: end,
				After: windows.Emitted{Any: true, Next: next, ActiveUntil: activeUntil},
			},
			Parts: p.parts(model, version, from, end, logs, all),
		})
		first = next
	}
}

// parts counts the events of a window, partition by partition and slice by
// slice, in offset order.
func (p *Program) parts(model, version string, from, end int64, logs []Log, all []map[slot]*counted) []windows.Part {
	settings := p.Settings(model)
	var parts []windows.Part
	for pane := from; pane < end; pane++ {
		interval := settings.Definition.Pane(pane)
		for i, slots := range all {
			c := slots[slot{model, version, pane}]
			if c == nil {
				continue
			}
			grid := p.Grid(model, version, interval.Start)
			size := settings.SampleSize
			if grid == nil {
				size = max(size, settings.ReferenceSize)
			}
			key := windows.PaneKey{Model: model, Version: version, Index: pane}
			made := windows.NewPane(key, interval, grid, size, p.Limits)
			for j := range c.events {
				made.CountPartition(&c.events[j], logs[i].ID)
			}
			made.Late = c.late
			parts = append(parts, windows.Part{Partition: i, Pane: made})
		}
	}
	return parts
}
