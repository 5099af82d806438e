package alerts

import (
	"fmt"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// A History says which earlier windows of a version one is compared with. Each
// window that holds events is kept as a summary until no later one needs it, and
// what a window is compared with is made of them anew. The zero History is none:
// references come from elsewhere.
type History struct {
	Kind    string       // reference.Rolling or reference.Seasonal; empty: none
	Windows int          // rolling: how many of the last windows
	Period  windows.Span // seasonal: after how long the pattern repeats
	Cycles  int          // seasonal: how many periods it reaches back
	Size    int          // values kept per feature of what is made
	// MaxBinMass is the share of a window in one bin from which on the grid is made
	// anew; 0: never.
	MaxBinMass float64
}

// A Summary is a window that later ones may be compared with.
type Summary struct {
	Start windows.Timestamp `json:"start"`
	End   windows.Timestamp `json:"end"`
	ID    string            `json:"id"`
	Rows  uint64            `json:"rows"`
	Parts int               `json:"parts"` // records beside the head
}

// parts is how many windows make a reference at most.
func (h History) parts() int {
	if h.Kind == reference.Seasonal {
		return max(h.Cycles, 1)
	}
	return max(h.Windows, 1)
}

// sample is how many values per feature a summary keeps: a reference made of
// equally large windows then has Size.
func (h History) sample() int { return max(1, (h.Size+h.parts()-1)/h.parts()) }

// Pinned is the version's own reference that its windows are compared with from
// start on; nil when there is none. A history, or another version, comes before
// references that the version once made of its windows, and behind those that
// people loaded.
func (s *Settings) Pinned(progress *Progress, start windows.Timestamp) *Serving {
	own := InForce(progress.References, func(r *Serving) windows.Timestamp { return r.ServesFrom }, start)
	if own != nil && (s.History.Kind != "" || s.Against != "") && own.Kind != reference.Fixed {
		return nil
	}
	return own
}

// Recall lists the summaries that closing a window takes.
func Recall(settings *Settings, progress *Progress, due windows.DueWindow) []Summary {
	if settings.History.Kind == "" || settings.Pinned(progress, due.Interval.Start) != nil {
		return nil
	}
	wanted := settings.compared(progress, due.Interval.Start)
	if settings.makesGrid(progress, due) {
		wanted = append(wanted, settings.gridWindows(progress, due)...)
	}
	return wanted
}

// recalled is the reference that the history makes for a window, or why there is
// none.
func (s *Settings) recalled(step Step) (made *reference.Reference, without string) {
	h := s.History
	if h.Kind == "" {
		return nil, ""
	}
	compared := s.compared(step.Progress, step.Due.Interval.Start)
	switch {
	case h.Kind == reference.Seasonal && len(compared) == 0:
		return nil, "no window of this slot in an earlier period is kept"
	case h.Kind == reference.Rolling && len(compared) < h.parts():
		return nil, fmt.Sprintf("the rolling reference has %d of its %d windows", len(compared), h.parts())
	}
	return reference.Merge(h.Kind, step.summaries(compared), h.Size), ""
}

// summaries finds the summaries that are listed.
func (step *Step) summaries(listed []Summary) []*reference.Reference {
	found := make([]*reference.Reference, len(listed))
	for i, summary := range listed {
		found[i] = step.Summaries[summary.ID]
	}
	return found
}

// compared lists the windows that one that starts at start is compared with, in
// the order of time.
func (s *Settings) compared(progress *Progress, start windows.Timestamp) []Summary {
	if s.History.Kind == reference.Rolling {
		return lastBefore(progress.History, start, s.History.parts())
	}
	var found []Summary
	for k := s.History.Cycles; k >= 1; k-- {
		slot := s.Definition.Ago(start, s.History.Period, int64(k))
		if i := slices.IndexFunc(progress.History, func(w Summary) bool { return w.Start == slot }); i >= 0 {
			found = append(found, progress.History[i])
		}
	}
	return found
}

// lastBefore lists the last windows that had ended at a moment and do not
// overlap, at most so many, in the order of time: the last of all, then the last
// that ended before it began, and so on.
func lastBefore(history []Summary, end windows.Timestamp, most int) []Summary {
	var found []Summary
	for i := len(history) - 1; i >= 0 && len(found) < most; i-- {
		if history[i].End <= end {
			found = append(found, history[i])
			end = history[i].Start
		}
	}
	slices.Reverse(found)
	return found
}

// makesGrid reports whether the window, if it holds events, completes what the
// version's grid is made of: the windows of its first rolling reference, or of
// its first period; later, those at hand when the grid has told too little.
func (s *Settings) makesGrid(progress *Progress, due windows.DueWindow) bool {
	if len(progress.References) > 0 {
		return len(progress.Crowded) > 0 && s.ownGrid(progress) != nil
	}
	if s.History.Kind == reference.Rolling {
		return len(lastBefore(progress.History, due.Interval.Start, s.History.parts()-1)) == s.History.parts()-1
	}
	next, _, _ := s.Definition.Window(due.After.Next)
	return len(progress.History) > 0 && s.Definition.Ago(next.Start, s.History.Period, 1) >= progress.History[0].Start
}

// ownGrid is the grid in force, or about to be, if the version's windows made it;
// nil where none is, or people loaded it.
func (s *Settings) ownGrid(progress *Progress) *Serving {
	if n := len(progress.References); n > 0 && progress.References[n-1].Kind == s.History.Kind {
		return &progress.References[n-1]
	}
	return nil
}

// leastBinMassValues is how many of the values that a grid is made of must make
// up MaxBinMass. Of n values quantiles leave a bin with more than a share m of the
// distribution about n·(1-m)^(n-1) times: with m = 0.05, 3 times for 60 values, of
// which m is 3, and 0.007 times for 200, of which it is 10.
const leastBinMassValues = 10

// fineGrids reports whether grids are made of values enough for one that is made
// anew to be finer than MaxBinMass. Otherwise it would be as coarse as the one
// before, and made anew without end.
func (s *Settings) fineGrids() bool {
	values := s.History.parts() * min(s.History.sample(), s.SampleSize)
	return s.History.MaxBinMass*float64(values) >= leastBinMassValues
}

// mostGridWindows bounds how many windows of a period a grid is made of.
const mostGridWindows = 64

// gridWindows lists what the grid is made of beside the window that completes
// it. Of a long period's windows they are evenly spaced, so that every part of
// it is in the grid.
func (s *Settings) gridWindows(progress *Progress, due windows.DueWindow) []Summary {
	if s.History.Kind == reference.Rolling {
		return lastBefore(progress.History, due.Interval.Start, s.History.parts()-1)
	}
	n := len(progress.History)
	count := min(n, mostGridWindows-1)
	found := make([]Summary, 0, count)
	for i := range count {
		found = append(found, progress.History[i*n/count])
	}
	return found
}

// remember keeps the window for those to come, drops what none of them needs,
// and makes the version's grid once there are windows enough.
func (out *Outcome) remember(settings *Settings, step Step, merged *windows.Window, serving *reference.Reference) {
	h, before := settings.History, step.Progress.History
	if h.Kind == "" || step.Reference != nil {
		out.Dropped, out.Progress.History = before, nil
		return
	}
	out.Progress.Draft = nil // of a configuration that has changed
	history := slices.Clone(before)
	if merged.Events > 0 {
		v, w := out.Progress.Version, step.Due.Interval
		out.Summary = reference.Summarise(merged, reference.Origin{
			Model: v.Model, Version: v.Version, Segment: v.Segment, Start: w.Start, End: w.End,
		}, h.sample())
		if settings.makesGrid(step.Progress, step.Due) {
			out.makeGrid(settings, step)
		} else if grid := settings.ownGrid(step.Progress); grid != nil && serving != nil && grid.ID == out.Summary.GridID && settings.fineGrids() {
			out.Progress.Crowded = fewNames(out.Summary.Crowded(serving, h.MaxBinMass, h.Kind == reference.Seasonal))
		}
		history = append(history, Summary{Start: w.Start, End: w.End, ID: out.Summary.ID, Rows: out.Summary.Rows, Parts: out.Summary.Parts()})
	}
	out.Progress.History = nil
	for i, w := range history {
		if settings.needed(w, len(history)-i, step.Due) {
			out.Progress.History = append(out.Progress.History, w)
		} else {
			out.Dropped = append(out.Dropped, w)
		}
	}
	out.retire(settings, step.Due)
}

// retire drops the version's own grids that no pane and no summary is counted on
// any more: they begin, all of them, at or after the grid that followed.
func (out *Outcome) retire(settings *Settings, due windows.DueWindow) {
	p := out.Progress
	next, _, _ := settings.Definition.Window(due.After.Next)
	earliest := next.Start
	if len(p.History) > 0 {
		earliest = min(earliest, p.History[0].Start)
	}
	var kept []Serving
	for i, serving := range p.References {
		if i+1 < len(p.References) && p.References[i+1].GridFrom <= earliest && serving.Kind == settings.History.Kind {
			out.Retired = append(out.Retired, serving)
		} else {
			kept = append(kept, serving)
		}
	}
	p.References = kept
}

// makeGrid puts a grid in force.
func (out *Outcome) makeGrid(settings *Settings, step Step) {
	parts := append(step.summaries(settings.gridWindows(step.Progress, step.Due)), out.Summary)
	made := reference.Regrid(settings.History.Kind, parts, step.Progress.Crowded, *out.Summary.Of, settings.History.Size)
	from := settings.gridFrom(step.Due.Interval)
	out.Reference, out.Progress.Crowded = made, nil
	out.Progress.References = append(slices.Clone(out.Progress.References), Serving{
		ID: made.ID, Kind: made.Kind, Rows: made.Rows, Parts: made.Parts(), GridFrom: from, ServesFrom: from,
	})
}

// needed reports whether a window can be in the reference of one that is yet to
// close. last is its place from the end of the history, 1 being the last.
//
// Rolling: a reference takes every Overlap-th of windows that overlap, at most
// Overlap-1 have not ended when one starts, and where windows are missing
// fewer are passed over. Seasonal: slots go back by the local clock, which can be
// set back by an hour.
func (s *Settings) needed(w Summary, last int, due windows.DueWindow) bool {
	if s.History.Kind == reference.Rolling {
		return last <= (s.History.parts()+1)*int(s.Definition.Overlap())
	}
	next, _, _ := s.Definition.Window(due.After.Next)
	return w.Start >= s.Definition.Ago(next.Start, s.History.Period, int64(s.History.Cycles)).Add(-time.Hour)
}

// mostNameBytes bounds a list of names in a progress record.
const mostNameBytes = 64 << 10

// fewNames are the first of the names that fit into a progress record: the others
// are found again in the next window.
func fewNames(names []string) []string {
	bytes := 0
	for i, name := range names {
		if bytes += len(name); bytes > mostNameBytes {
			return names[:max(i, 1)]
		}
	}
	return names
}
