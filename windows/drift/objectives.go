package drift

import (
	"gonum.org/v1/gonum/mathext"

	"github.com/kolmo-ml/kolmo/windows"
)

// An Objective is what a service promises of its answers: at most a share of them
// fails, or is slower than a limit.
type Objective struct {
	Name string // error_rate, or latency_p99 and the like
	// Share of the answers that may fail or be slower, in (0, 1): 0.01 for a
	// latency's 99th percentile.
	Share float64
	// Milliseconds is the limit of a latency; 0: the objective is of errors.
	Milliseconds float64
}

// Objectives are those of a model. The zero Objectives are none.
type Objectives struct {
	List []Objective
	// Alpha is the level below which an adjusted p-value says that an objective is
	// missed, in (0, 1).
	Alpha float64
}

// A Promise is one objective and what a window shows of it.
type Promise struct {
	Name      string `json:"name"`
	Objective Number `json:"objective"` // a share of answers, or milliseconds
	Value     Number `json:"value"`     // what the window shows, in the same unit
	Bad       uint64 `json:"bad"`       // answers that failed, or were certainly slower
	Of        uint64 `json:"of"`
	// P is the probability of at least as many bad answers were the objective just
	// kept; Adjusted allows for how many objectives there are (Bonferroni).
	P        *Number `json:"p_value"`
	Adjusted *Number `json:"p_adjusted"`
	// Effect is how many times the objective the value is.
	Effect *Number `json:"effect"`
	Missed bool    `json:"missed"`
}

// promises holds what a window shows against its objectives. errors are the answers
// that failed.
func promises(o *Objectives, w *windows.Window, errors uint64) []Promise {
	var list []Promise
	for _, objective := range o.List {
		p := Promise{Name: objective.Name, Objective: Number(objective.Share), Bad: errors, Of: w.PredictionEvents}
		if objective.Milliseconds > 0 {
			if w.Latency == nil || w.Latency.Moments.Count == 0 {
				continue // no answer says how long it took
			}
			p.Objective, p.Of = Number(objective.Milliseconds), w.Latency.Moments.Count
			p.Value, p.Bad = latencyQuantiles(w.Latency)(1-objective.Share), slower(w.Latency, objective.Milliseconds)
		} else {
			p.Value = Number(float64(errors) / float64(p.Of))
		}
		tail := atLeast(p.Bad, p.Of, objective.Share)
		adjusted := min(1, tail*float64(len(o.List)))
		p.P, p.Adjusted, p.Effect = number(tail), number(adjusted), number(float64(p.Value)/float64(p.Objective))
		p.Missed = adjusted < o.Alpha
		list = append(list, p)
	}
	return list
}

// slower counts the latencies above a limit: all of them where the sample is
// everything, and otherwise those in bins that lie wholly above it, so that none is
// counted that kept it.
func slower(t *windows.Tally, milliseconds float64) uint64 {
	var n uint64
	if uint64(t.Sample.Len()) == t.Moments.Count {
		for _, e := range t.Sample.Entries() {
			if e.Value > milliseconds {
				n++
			}
		}
		return n
	}
	edges := windows.LatencyGrid().Edges
	for bin, count := range t.Bins {
		if bin > 0 && edges[bin-1] >= milliseconds {
			n += count
		}
	}
	return n
}

// atLeast is the probability that of n independent events, each with probability
// share, at least k happen: the regularised incomplete beta function
// I_share(k, n−k+1).
func atLeast(k, n uint64, share float64) float64 {
	if k == 0 {
		return 1
	}
	return mathext.RegIncBeta(float64(k), float64(n-k)+1, share)
}
