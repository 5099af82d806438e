package windows

import "math"

// AdvanceIdle decides that the watermark of a partition that has nothing to read
// moves on. It does nothing while an event is held, or when the watermark is
// there already.
func (p *Partition) AdvanceIdle(to Timestamp) (advanced bool) {
	if p.held || to <= p.watermark {
		return false
	}
	p.decide(to)
	return true
}

func (p *Partition) decide(to Timestamp) {
	p.decisions.Advances = withAdvance(p.decisions.Advances, Advance{Offset: p.offset, From: p.watermark, To: to})
	p.advance(to)
}

// Decided says what was decided of the partition before, as far as somebody
// relied on it: each advance is made again when its offset is reached, before
// the lateness of what follows is judged. Those at offsets that are behind are
// made at once.
func (p *Partition) Decided(d Decisions) {
	p.decisions = p.decisions.Union(Decisions{Start: p.decisions.Start, Ahead: d.Ahead, Gaps: d.Gaps})
	p.gapOpen = p.decisions.gapOpen()
	p.upcoming = d.Clone().Advances
	p.repeatAdvances()
}

// repeatAdvances makes the advances whose offset is reached.
func (p *Partition) repeatAdvances() {
	for len(p.upcoming) > 0 && p.upcoming[0].Offset <= p.offset {
		if to := p.upcoming[0].To; to > p.watermark {
			p.decide(to)
		}
		p.upcoming = p.upcoming[1:]
	}
	p.nextAdvance = math.MaxInt64
	if len(p.upcoming) > 0 {
		p.nextAdvance = p.upcoming[0].Offset
	}
}

// Miss says that the records before offset are no longer in the log. Windows
// that may lack them are incomplete: those that were not closed at a watermark,
// which is the partition's own, or higher where it is read again.
func (p *Partition) Miss(offset int64, after Timestamp) {
	if offset <= p.offset {
		return
	}
	if n := len(p.decisions.Gaps); p.gapOpen && p.decisions.Gaps[n-1].To == p.offset {
		p.decisions.Gaps[n-1].To = offset
	} else {
		p.decisions.Gaps = append(p.decisions.Gaps, Gap{From: p.offset, To: offset, After: max(after, p.watermark), Until: Forever})
		p.gapOpen = true
	}
	p.Skip(offset - 1)
}

// Abandon drops panes that a checkpoint holds and the partition does not: it is
// read again.
func (p *Partition) Abandon(panes []*Pane) {
	for _, pane := range panes {
		p.dropped = append(p.dropped, pane.Key)
	}
}

// Forget drops the decisions that no rewind needs, by Decisions.Forget.
func (p *Partition) Forget(before Timestamp) { p.decisions.Forget(before) }
