package main

import "context"

// A quietYear is what a year of windows in which nothing changed has brought.
type quietYear struct {
	rho     float64
	windows int // after the reference
	rules   []*rule
	peers   []peerCount
}

// peerCount is how many windows a peer flagged, of so many.
type peerCount struct {
	name             string
	flagged, windows int
}

// runQuietYear draws a year, and closes its windows under all rules. The peers see
// the first peerWindows of them.
func runQuietYear(ctx context.Context, o options, rho float64) (*quietYear, error) {
	p, err := newPipeline(o.referenceWindows, rules())
	if err != nil {
		return nil, err
	}
	s := newStream(o.seed, rho, o.features)
	history := grow(p, s, o)
	peers := newPeers(history)
	year := &quietYear{rho: rho, windows: o.windows, rules: p.rules, peers: peers.counts()}
	current := newBatch(o.features)
	for i := range o.windows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		seen := current
		if i >= o.peerWindows {
			seen = nil
		}
		pane := p.pane()
		s.window(pane, seen, o.events, 0, 0)
		p.close(pane)
		if seen == nil {
			continue
		}
		for j, flagged := range peers.flags(seen) {
			count := &year.peers[j]
			count.windows++
			if flagged {
				count.flagged++
			}
		}
	}
	return year, nil
}

// grow draws the windows of the reference, and returns them.
func grow(p *pipeline, s *stream, o options) []batch {
	history := make([]batch, o.referenceWindows)
	for i := range history {
		history[i] = newBatch(o.features)
		pane := p.pane()
		s.window(pane, history[i], o.events, 0, 0)
		p.close(pane)
	}
	return history
}

func newBatch(features int) batch { return make(batch, features) }

// The names of the peers' rules.
const (
	peerEvidentlyColumn  = "Evidently, any column"
	peerEvidentlyDataset = "Evidently, half of the columns"
	peerNannyML          = "NannyML, any column"
)

// peers are the other programs' rules on one reference.
type peers struct {
	evidently *evidently
	nannyML   *nannyML
}

func newPeers(history []batch) *peers {
	return &peers{evidently: newEvidently(history), nannyML: newNannyML(history)}
}

func (p *peers) counts() []peerCount {
	return []peerCount{{name: peerEvidentlyColumn}, {name: peerEvidentlyDataset}, {name: peerNannyML}}
}

// flags are in the order of counts.
func (p *peers) flags(w batch) []bool {
	column, dataset := p.evidently.flags(w)
	return []bool{column, dataset, p.nannyML.flags(w)}
}
