package main

import (
	"context"
	"slices"
)

// A detection is how many windows it took until a page, after values moved.
type detection struct {
	rho, shift float64
	shifted    int      // features that moved
	names      []string // of the rules, then of the peers
	delays     [][]int  // by rule; a delay beyond the last window is never
}

// never stands for a shift that was not found within the windows watched.
const never = 1 << 30

// detectionRules are the rules whose detection is shown.
var detectionRules = []string{ruleFloor, ruleMinimum, ruleBudget, ruleNoFloor}

// runDetection moves the first shifted features by shift standard deviations and
// counts windows until every rule has paged, again and again from one reference
// and a few windows in which nothing happens.
func runDetection(ctx context.Context, o options, rho float64, cases []shiftCase) ([]*detection, error) {
	chosen := slices.DeleteFunc(rules(), func(r *rule) bool { return !slices.Contains(detectionRules, r.name) })
	var all []*detection
	for _, c := range cases {
		d := &detection{rho: rho, shift: c.shift, shifted: c.features(o)}
		for _, r := range chosen {
			d.names = append(d.names, r.name)
		}
		for _, count := range (*peers)(nil).counts() {
			d.names = append(d.names, count.name)
		}
		d.delays = make([][]int, len(d.names))
		all = append(all, d)
	}
	for reference := range o.references {
		p, err := newPipeline(o.referenceWindows, slices.Clone(chosen))
		if err != nil {
			return nil, err
		}
		p = p.fork()
		s := newStream(o.seed+uint64(reference)+1, rho, o.features)
		peers := newPeers(grow(p, s, o))
		for range 4 { // until windows are counted on the grid
			pane := p.pane()
			s.window(pane, nil, o.events, 0, 0)
			p.close(pane)
		}
		for _, d := range all {
			for range o.repeats {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				d.once(p.fork(), s, peers, o)
			}
		}
	}
	return all, nil
}

// A shiftCase is one shift, of one feature or of all.
type shiftCase struct {
	shift float64
	all   bool
}

func (c shiftCase) features(o options) int {
	if c.all {
		return o.features
	}
	return 1
}

// once watches one shift until all have paged, or for so many windows.
func (d *detection) once(p *pipeline, s *stream, peers *peers, o options) {
	delays := make([]int, len(d.names))
	for i := range delays {
		delays[i] = never
	}
	current := newBatch(o.features)
	for window := 1; window <= o.watched && slices.Contains(delays, never); window++ {
		pane := p.pane()
		s.window(pane, current, o.events, d.shift, d.shifted)
		found := append(p.close(pane), peers.flags(current)...)
		for i, paged := range found {
			if paged && delays[i] == never {
				delays[i] = window
			}
		}
	}
	for i, delay := range delays {
		d.delays[i] = append(d.delays[i], delay)
	}
}

// median is the middle of the delays of a rule, and how many were found at all.
func (d *detection) median(i int) (delay, found int) {
	sorted := slices.Sorted(slices.Values(d.delays[i]))
	for _, delay := range sorted {
		if delay < never {
			found++
		}
	}
	return sorted[(len(sorted)-1)/2], found
}
