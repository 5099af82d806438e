package evidence

import (
	"fmt"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// A condition is what keeps a model version from being watched.
type condition string

const (
	watched          condition = ""
	noData           condition = "no_data"           // its newest window has no events
	referenceMissing condition = "reference_missing" // events, and nothing to compare them with
)

// conditionOf is the version's, by its newest window.
func conditionOf(v *version) condition {
	last := v.last()
	switch {
	case last == nil:
		return watched
	case last.events == 0:
		return noData
	case !last.hasReference && last.untested():
		return referenceMissing
	}
	return watched
}

// conditionWords say it, and lead to what to do about it.
type conditionWords struct{ Words, Runbook string }

func (c condition) words() *conditionWords {
	switch c {
	case noData:
		return &conditionWords{Words: "no data", Runbook: alerts.RunbookPath("KolmoNoData")}
	case referenceMissing:
		return &conditionWords{Words: "reference missing", Runbook: alerts.RunbookPath("KolmoReferenceMissing")}
	}
	return nil
}

// countConditions says how many versions are in each condition, where any is.
func countConditions(all []version) []conditionWords {
	counts := make(map[condition]int)
	for i := range all {
		counts[conditionOf(&all[i])]++
	}
	var out []conditionWords
	for _, c := range []condition{noData, referenceMissing} {
		if n := counts[c]; n > 0 {
			words := c.words()
			out = append(out, conditionWords{Words: words.Words + ": " + count(uint64(n)), Runbook: words.Runbook})
		}
	}
	return out
}

// lateness is that windows close later than they should: of the versions whose
// newest window had events, that many should have had another.
type lateness struct {
	Versions  int       `json:"versions"`
	NewestEnd time.Time `json:"newest_window_end"` // of all versions
	Seconds   float64   `json:"seconds"`           // since then
	late      map[alerts.Version]bool
}

const (
	// The newest window is a length old when the next ends, and the next is published
	// as long after its end as others were. A whole length more is for windows that
	// overlap or grow, and behindGrace for reading and closing.
	behindGrace = 15 * time.Minute
	// endedAfter is how much older than the newest window of all that of a version
	// may be that is still in use: versions without events get windows for a day.
	endedAfter = 48 * time.Hour
	// replayedAfter is the delay at which windows are of history that is being
	// replayed, and of no service that anybody waits for.
	replayedAfter = 30 * day
)

// delay is how long after their ends the newest windows of a version that a copy
// has were published, by the quickest of them: their lateness, mostly. Of history
// that is replayed it is the history's age.
func (v *version) delay() time.Duration {
	least := time.Duration(0)
	for i, w := range v.windows {
		own := time.Duration(0)
		if w.published != 0 {
			own = max(time.UnixMilli(w.published).Sub(w.end), 0)
		}
		if i == 0 || own < least {
			least = own
		}
	}
	return least
}

// behind says how late windows close; nil where they do not, or where that cannot
// be known: without a clock, or before the newest verdicts have been read. Of each
// version it needs as many windows as the start page shows.
func (s *server) behind(all []version, unread *Progress) *lateness {
	if s.now == nil || unread != nil {
		return nil
	}
	now := s.now()
	out := lateness{late: make(map[alerts.Version]bool)}
	for i := range all {
		if last := all[i].last(); last != nil && last.end.After(out.NewestEnd) {
			out.NewestEnd = last.end
		}
	}
	for i := range all {
		last := all[i].last()
		if last == nil {
			continue
		}
		length := last.end.Sub(last.start)
		inUse := last.events > 0 && out.NewestEnd.Sub(last.end) <= endedAfter+2*length
		if delay := all[i].delay(); inUse && delay < replayedAfter && now.Sub(last.end) > 2*length+delay+behindGrace {
			out.late[all[i].id] = true
		}
	}
	if len(out.late) == 0 {
		return nil
	}
	out.Versions, out.Seconds = len(out.late), now.Sub(out.NewestEnd).Seconds()
	return &out
}

// includes says whether a window of the version is due.
func (l *lateness) includes(id alerts.Version) bool { return l != nil && l.late[id] }

// behindWords say it, and lead to what to do about it.
type behindWords struct{ Newest, Machine, Age, Versions, Runbook string }

func (l *lateness) words() *behindWords {
	if l == nil {
		return nil
	}
	age := time.Duration(l.Seconds * float64(time.Second))
	return &behindWords{
		Newest: clock(l.NewestEnd) + " UTC", Machine: machine(l.NewestEnd), Age: length(age),
		Versions: fmt.Sprintf("%s should have had another window by now.", plural(l.Versions, "model version", "model versions")),
		Runbook:  alerts.RunbookPath("KolmoBehind"),
	}
}
