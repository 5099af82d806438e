package configs

import (
	"github.com/kolmo-ml/kolmo/windows"
)

// mostSummaries bounds how many windows a model version keeps for later ones to
// be compared with. Each is listed in the version's progress, and takes about as
// much memory as the document of references says.
const mostSummaries = 2000

// history reports what a reference made of earlier windows contradicts: the
// windows, or reason. Either can be inherited, so whoever names one of them is
// told.
func (d *decoder) history(path string, s *Settings) {
	w, r := s.Window, s.Reference
	if r.Kind != ReferenceRolling && r.Kind != ReferenceSeasonal || w.Validate() != nil {
		return
	}
	at := func(keys ...string) string {
		for _, key := range keys {
			if d.has(path + "." + key) {
				return path + "." + key
			}
		}
		return path
	}
	if r.Kind == ReferenceRolling {
		if n := int64(r.Windows) * w.Overlap(); n > mostSummaries {
			d.reportAt(at("reference.windows", "reference", "window"), "a rolling reference of %d windows keeps %d, with those that overlap, more than %d: write fewer windows, or a longer every",
				r.Windows, n, mostSummaries)
		}
		return
	}
	if w.MinEvents > 0 {
		d.reportAt(at("window.min_events", "reference.kind", "reference", "window"), "a seasonal reference needs windows that do not grow: a grown one has no slot of its own; leave out min_events")
	}
	if err := w.CheckPeriod(r.Period); err != nil {
		d.reportAt(at("reference.period", "reference", "window"), "%v", err)
		return
	}
	if n := summaries(r, w.Every); n > mostSummaries {
		d.reportAt(at("reference.cycles", "reference.period", "reference", "window"), "%d periods of %s keep %.0f windows, more than %d: write fewer cycles, a shorter period, or longer windows",
			r.Cycles, formatSpan(r.Period), n, mostSummaries)
	}
}

// summaries is how many windows a seasonal reference keeps.
func summaries(r Reference, every windows.Span) float64 {
	return float64(r.Cycles) * float64(nominal(r.Period)) / float64(nominal(every))
}
