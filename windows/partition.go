package windows

import (
	"math"
	"slices"
	"time"
)

// Settings are what the windows need to know about a model.
type Settings struct {
	Definition *Definition // valid
	SampleSize int         // values a pane keeps per feature once there is a grid
	// ReferenceSize is how many values a pane keeps per feature before the
	// version has a grid: they may become its reference.
	ReferenceSize int
	// Compared: windows of one version are compared with those of another, which
	// another shard may close. A pane then stays until every shard has closed the
	// windows that contain it, not its own alone.
	Compared bool
}

// A GridFinder answers which grid is in force for a model version's panes that
// start at a moment. known is false when the grid in force cannot be had yet:
// the partition then holds the event. A known nil grid means there is none.
type GridFinder func(model, version string, start Timestamp) (grid *Grid, known bool)

// Rules are what a partition must know about the rest of the world. They do
// not change while the partition lives.
type Rules struct {
	Settings func(model string) *Settings
	Grid     GridFinder
	Shards   int
	MaxAhead time.Duration // an event further ahead of its record is rejected
	Limits   Limits
	// Named are models that the configuration has by name: they do not count
	// towards Limits.Models. nil: none.
	Named map[string]bool
	// ForgetAfter is how long, in event time, a model version without events keeps
	// its place among Limits.Models and Limits.Versions.
	ForgetAfter time.Duration
	Room        *Room // nil: no bound
}

// Result is what became of an observation.
type Result uint8

// The results of Offer.
const (
	// Accepted: the event is counted, under its own model version or in a bucket
	// for others, as CountedAs says; the partition stands behind it.
	Accepted Result = iota
	// Late: the window it belongs to had closed; counted as late.
	Late
	// TooFarAhead: its time is more than MaxAhead past its record's. Nothing
	// moved but the offset; the record belongs in the dead letters.
	TooFarAhead
	// OverLimit: its model version has as many panes as it may, or its pane is
	// full. Only the watermark and the offset moved.
	OverLimit
	// Held: the event must wait until what Waiting names has been closed. Only
	// the watermark moved; offer the same event again.
	Held
)

// Waiting names what a held event waits for.
type Waiting struct {
	Shard   int
	Through Timestamp // the shard must have closed through this
}

// A Partition is the state of one input partition: its watermark and its
// panes. It belongs to one goroutine.
type Partition struct {
	ID PartitionID

	rules     Rules
	seed      uint64
	offset    int64 // the next to be read
	watermark Timestamp
	streams   map[streamKey]*stream
	models    map[string]*admitted // the models of streams
	unnamed   int                  // of them, those that count towards Limits.Models
	exceeded  Exceeded
	last      *stream     // of the last event: most partitions carry runs of one model
	closed    []Timestamp // what each shard has closed through
	nextClose Timestamp   // the first close that the watermark has not passed
	closeDue  bool        // the watermark passed a close since the last checkpoint
	waiting   Waiting     // valid while held
	held      bool
	dropped   []PaneKey // panes dropped since the last checkpoint

	decisions Decisions
	upcoming  []Advance // decided before, at offsets not read yet; see Decided
	// nextAdvance is the offset of the first of upcoming; math.MaxInt64: none.
	nextAdvance int64
	gapOpen     bool // the last gap ends at the next move of the watermark

	latency *FeatureGrid
}

type streamKey struct{ model, version string }

// A stream is what a partition holds of one model version.
type stream struct {
	key      streamKey
	settings *Settings
	shard    int
	panes    map[int64]*Pane
	current  *Pane // the pane of the last event
	named    bool  // in Rules.Named
	other    bool  // a bucket for others
	// activeUntil is the end of the last pane that was opened.
	activeUntil Timestamp
}

// NewPartition returns a partition that has read nothing and will read from
// offset.
func NewPartition(id PartitionID, rules Rules, offset int64) *Partition {
	p := &Partition{
		ID: id, rules: rules, seed: id.seed(), offset: offset, watermark: Unset,
		streams: make(map[streamKey]*stream), models: make(map[string]*admitted), closed: make([]Timestamp, rules.Shards),
		nextClose: Forever, latency: LatencyGrid(), decisions: Decisions{Start: offset}, nextAdvance: math.MaxInt64,
	}
	for i := range p.closed {
		p.closed[i] = Unset
	}
	return p
}

// Offer gives the partition the record at an offset at or after NextOffset.
// Unless the event is held the partition has then read through it.
func (p *Partition) Offer(o *Observation) Result {
	p.held = false
	before := p.exceeded
	if o.Time > o.RecordTime.Add(p.rules.MaxAhead) {
		p.Skip(o.Offset)
		return TooFarAhead
	}
	if o.Time > o.RecordTime { // by no more than MaxAhead
		p.decisions.Ahead = max(p.decisions.Ahead, int64(o.Time-o.RecordTime))
	}
	s := p.last
	if s == nil || s.key.model != string(o.Model) || s.key.version != string(o.Version) || s.other {
		s = p.admit(o.Model, o.Version)
		p.last = s
	}
	result := p.offerTo(s, o)
	if result == Held {
		p.exceeded = before // it is counted when it is taken
	}
	return result
}

// offerTo counts an event in a stream.
func (p *Partition) offerTo(s *stream, o *Observation) Result {
	definition := s.settings.Definition

	// The pane of the last event serves the next one when its time is in it and
	// it is not late, which one comparison with the watermark tells.
	pane, late := s.current, false
	if pane == nil || !pane.Interval.Contains(o.Time) || p.watermark >= pane.Interval.End {
		index := definition.PaneIndex(o.Time)
		if late = p.watermark >= definition.LateAt(index); late {
			index = definition.PaneIndex(p.watermark)
		}
		if pane = s.panes[index]; pane == nil {
			switch {
			case p.rules.Limits.Panes > 0 && len(s.panes) >= p.rules.Limits.Panes:
				p.exceeded[LimitPanes]++
				p.advance(min(o.Time, o.RecordTime))
				p.Skip(o.Offset)
				return OverLimit
			case s.key.model != Other && !p.rules.Room.fits(paneCost, s.named):
				p.last = p.others(LimitMemory)
				return p.offerTo(p.last, o)
			}
			if pane = p.open(s, index); pane == nil {
				p.held = true
				p.advance(min(o.Time, o.RecordTime))
				return Held
			}
		}
		if !late {
			s.current = pane
		}
	}
	switch {
	case late:
		pane.Late++
		pane.dirty = true
		p.Skip(o.Offset)
		return Late
	case pane.Events >= maxPaneEvents:
		p.exceeded[LimitPanes]++
		p.advance(min(o.Time, o.RecordTime))
		p.Skip(o.Offset)
		return OverLimit
	case s.other:
		pane.addCounts(o)
	default:
		pane.add(o, mix(uint64(o.Offset)^p.seed), p.latency)
	}
	p.advance(min(o.Time, o.RecordTime))
	p.Skip(o.Offset)
	return Accepted
}

// Skip says that the record at offset is done with and counts for nothing: a
// dead letter, or a record of Kafka's own.
func (p *Partition) Skip(offset int64) {
	p.offset = max(p.offset, offset+1)
	if p.offset >= p.nextAdvance {
		p.repeatAdvances()
	}
}

// open creates a pane if it may be: the shards that read it have closed everything
// up to a horizon before it, and the grid in force is at hand.
func (p *Partition) open(s *stream, index int64) *Pane {
	interval := s.settings.Definition.Pane(index)
	through := interval.Start.Add(-s.settings.Definition.Horizon(p.rules.MaxAhead))
	slowest := s.shard
	if s.settings.Compared { // any shard may still read it
		for shard, closed := range p.closed {
			if closed < p.closed[slowest] {
				slowest = shard
			}
		}
	}
	p.waiting = Waiting{Shard: slowest, Through: through}
	if p.closed[slowest] == Unset || p.closed[slowest] < through {
		return nil
	}
	var grid *Grid
	if !s.other {
		var known bool
		if grid, known = p.rules.Grid(s.key.model, s.key.version, interval.Start); !known {
			return nil
		}
	}
	size := s.settings.SampleSize
	if grid == nil {
		size = max(size, s.settings.ReferenceSize)
	}
	pane := NewPane(PaneKey{Model: s.key.model, Version: s.key.version, Index: index}, interval, grid, size, p.rules.Limits)
	pane.bind(s, &p.rules, &p.exceeded)
	s.panes[index] = pane
	s.activeUntil = max(s.activeUntil, interval.End)
	p.nextClose = min(p.nextClose, s.closeAfter(p.watermark))
	return pane
}

func (p *Partition) lookup(model, version []byte) *stream {
	return p.streams[streamKey{string(model), string(version)}]
}

func (p *Partition) stream(model, version []byte) *stream {
	if s := p.lookup(model, version); s != nil {
		return s
	}
	key := streamKey{string(model), string(version)}
	s := &stream{
		key: key, settings: p.rules.Settings(key.model),
		shard: Shard(key.model, key.version, p.rules.Shards), panes: make(map[int64]*Pane),
		named: p.rules.Named[key.model], other: IsOther(key.model, key.version), activeUntil: Unset,
	}
	p.begin(s)
	return s
}

// advance raises the watermark.
func (p *Partition) advance(to Timestamp) {
	if to <= p.watermark {
		return
	}
	p.watermark = to
	if p.gapOpen {
		p.gapOpen = false
		p.decisions.Gaps[len(p.decisions.Gaps)-1].Until = to + Timestamp(p.decisions.Ahead)
	}
	if to >= p.nextClose {
		p.closeDue = true
		p.nextClose = p.closeAfter(to)
	}
}

// closeAfter is the first end of a window, lateness included, after t, over
// all windows that hold a pane here.
func (p *Partition) closeAfter(t Timestamp) Timestamp {
	next := Forever
	for _, s := range p.streams {
		next = min(next, s.closeAfter(t))
	}
	return next
}

func (s *stream) closeAfter(t Timestamp) Timestamp {
	next := Forever
	d := s.settings.Definition
	for index := range s.panes {
		for window := d.FirstWindow(index); window <= d.LastWindow(index); window++ {
			w, _, _ := d.Window(window)
			if end := w.End.Add(d.Lateness); end > t {
				next = min(next, end)
				break
			}
		}
	}
	return next
}

// ClosedThrough says what a shard has closed through, and drops the panes that
// nobody needs any more. What a shard has closed never shrinks; a smaller
// value is ignored.
func (p *Partition) ClosedThrough(shard int, through Timestamp) {
	if through <= p.closed[shard] {
		return
	}
	p.closed[shard] = through
	for _, s := range p.streams {
		through := through
		if s.settings.Compared {
			through = slices.Min(p.closed)
		} else if s.shard != shard {
			continue
		}
		for index, pane := range s.panes {
			if s.settings.Definition.NeededUntil(index) <= through {
				delete(s.panes, index)
				pane.release()
				p.dropped = append(p.dropped, pane.Key)
				if s.current == pane {
					s.current = nil
				}
			}
		}
		p.forget(s)
	}
}

// Holding reports what the partition waits for, if an event is held.
func (p *Partition) Holding() (Waiting, bool) { return p.waiting, p.held }

// NextOffset is the offset the partition will read next.
func (p *Partition) NextOffset() int64 { return p.offset }

// Watermark is the largest event time, capped by its record's time, that the
// partition has seen.
func (p *Partition) Watermark() Timestamp { return p.watermark }

// CloseDue reports whether the watermark passed the close of a window since
// the last checkpoint: somebody waits for the next one.
func (p *Partition) CloseDue() bool { return p.closeDue }
