package windows

import "slices"

// A Snapshot is what a checkpoint must make safe. Its panes belong to the
// partition: encode them before offering anything more.
type Snapshot struct {
	NextOffset int64
	Watermark  Timestamp
	LastEnd    Timestamp
	Decisions  Decisions // the partition's: to be read, and not for longer than the panes
	Changed    []*Pane   // in the order of their keys
	Dropped    []PaneKey // since the last checkpoint, changed ones never among them
}

// Restore puts a partition that has read nothing where a checkpoint was taken.
// The panes and the lists of decisions belong to the partition from then on.
func (p *Partition) Restore(offset int64, watermark Timestamp, decisions Decisions, panes []*Pane) {
	p.offset, p.watermark, p.decisions = offset, watermark, decisions
	p.gapOpen = decisions.gapOpen()
	for _, pane := range panes {
		s := p.stream([]byte(pane.Key.Model), []byte(pane.Key.Version))
		pane.bind(s, &p.rules, &p.exceeded)
		s.activeUntil = max(s.activeUntil, pane.Interval.End)
		if pane.Latency != nil {
			pane.Latency.grid = p.latency
		}
		s.panes[pane.Key.Index] = pane
	}
	p.nextClose = p.closeAfter(watermark)
}

// LastEnd is the highest end, lateness included, of the windows that hold an
// event of this partition; Unset when none does. When all partitions are idle
// their watermarks may be moved that far.
func (p *Partition) LastEnd() Timestamp {
	last := Unset
	for _, s := range p.streams {
		d := s.settings.Definition
		for index, pane := range s.panes {
			if pane.Events == 0 {
				continue
			}
			w, _, _ := d.Window(d.LastWindow(index))
			last = max(last, w.End.Add(d.Lateness))
		}
	}
	return last
}

// Snapshot collects what changed since the last Checkpointed.
func (p *Partition) Snapshot() Snapshot {
	snapshot := Snapshot{NextOffset: p.offset, Watermark: p.watermark, LastEnd: p.LastEnd(), Decisions: p.decisions, Dropped: p.dropped}
	for _, s := range p.streams {
		for _, pane := range s.panes {
			if pane.dirty {
				snapshot.Changed = append(snapshot.Changed, pane)
			}
		}
	}
	slices.SortFunc(snapshot.Changed, func(a, b *Pane) int { return a.Key.Compare(b.Key) })
	return snapshot
}

// Checkpointed says that the last Snapshot is safe.
func (p *Partition) Checkpointed(snapshot Snapshot) {
	for _, pane := range snapshot.Changed {
		pane.checkpointed()
	}
	p.dropped = p.dropped[:0]
	p.closeDue = false
}

// Panes is the number of panes held.
func (p *Partition) Panes() int {
	n := 0
	for _, s := range p.streams {
		n += len(s.panes)
	}
	return n
}

// HeldPanes are the panes held, in the order of their keys. They belong to the
// partition and hold until the next call that changes it.
func (p *Partition) HeldPanes() []*Pane {
	held := make([]*Pane, 0, p.Panes())
	for _, s := range p.streams {
		for _, pane := range s.panes {
			held = append(held, pane)
		}
	}
	slices.SortFunc(held, func(a, b *Pane) int { return a.Key.Compare(b.Key) })
	return held
}

// HasDropped reports whether panes were dropped since the last checkpoint.
func (p *Partition) HasDropped() bool { return len(p.dropped) > 0 }
