package configs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/kolmo-ml/kolmo/windows"
)

// A Silence is what pages nobody, and when: a maintenance, or a drift that is accepted
// for a while.
type Silence struct {
	Model, Version string   // a name or a glob; an empty Version: all
	Kinds          []string // of alerts; none: all
	Features       []string // names or globs; none: everything
	// From and Until bound the silence, in event time; Unset: they do not.
	From, Until windows.Timestamp
	// Days and Hours are when it holds; none: always.
	Days     []string // mon to sun
	Hours    Hours
	Location *time.Location // of Days and Hours
	Reason   string
}

// Hours are a part of the day, in minutes since midnight. To may be before From: the
// part then ends on the day after. The zero Hours are all.
type Hours struct{ From, To int }

func (s *Silence) fields() []field {
	glob := "or a glob: * stands for any text, ? for any one character."
	return []field{
		{key: "model", required: true, value: text(&s.Model), meaning: "A model's name, " + glob},
		{key: "version", value: text(&s.Version), fallback: "all", meaning: "A version, " + glob},
		{key: "kinds", value: list{into: &s.Kinds, item: alertKind, least: 1}, fallback: "all", meaning: "Kinds of alerts."},
		{key: "features", value: list{into: &s.Features, item: text, least: 1}, fallback: "all", meaning: "Features whose drift is accepted, or whose data may be broken; names or globs. Other features alert as before."},
		{key: "from", value: moment(&s.From), fallback: "always", meaning: "When it begins. A window counts when any part of it is silenced."},
		{key: "until", value: moment(&s.Until), fallback: "for good", meaning: "When it ends. What goes on then fires again."},
		{key: "days", value: list{into: &s.Days, item: weekday, least: 1}, fallback: "every day", meaning: "Days on which it holds."},
		{key: "hours", value: hours(&s.Hours), fallback: "all day", meaning: "Hours of these days, such as 22:00-04:00; hours past midnight belong to the day on which they began."},
		{key: "time_zone", value: zone(&s.Location), fallback: "UTC", meaning: "Whose days and hours."},
		{key: "reason", required: true, value: text(&s.Reason), meaning: "Why, for those who ask where the page was."},
	}
}

func alertKind(into *string) value {
	return oneOf(into, []string{"feature_drift", "prediction_drift", "data_quality", "performance", "traffic"})
}

// weekdays in the order of time.Weekday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func weekday(into *string) value { return oneOf(into, append(slices.Clone(weekdays[1:]), weekdays[0])) }

// hours is a part of a day.
func hours(into *Hours) value {
	const want = "hours such as 22:00-04:00"
	clock := func(s string) (int, bool) {
		if s == "24:00" {
			return 24 * 60, true
		}
		t, err := time.Parse("15:04", s)
		return t.Hour()*60 + t.Minute(), err == nil
	}
	return scalar[Hours]{
		into: into, kind: "hours", want: want,
		parse: func(s string) (Hours, error) {
			begins, ends, found := strings.Cut(s, "-")
			from, a := clock(strings.TrimSpace(begins))
			to, b := clock(strings.TrimSpace(ends))
			if !found || !a || !b || from == to || from == 24*60 {
				return Hours{}, fmt.Errorf("are not hours: write %s", want)
			}
			return Hours{from, to}, nil
		},
		show: func(h Hours) string {
			if h == (Hours{}) {
				return ""
			}
			return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
		},
		schema: &jsonschema.Schema{Type: "string", Pattern: `^[0-9]{2}:[0-9]{2} *- *[0-9]{2}:[0-9]{2}$`},
	}
}

// Covers reports whether the silence is of a version, and of any part of a window.
func (s *Silence) Covers(model, version string, w windows.Interval) bool {
	switch {
	case !matches(s.Model, model), s.Version != "" && !matches(s.Version, version):
		return false
	case s.From != windows.Unset && w.End <= s.From, s.Until != windows.Unset && w.Start >= s.Until:
		return false
	case len(s.Days) == 0 && s.Hours == (Hours{}):
		return true
	}
	return s.recurs(max(w.Start, s.From), min(w.End, s.until()))
}

func (s *Silence) until() windows.Timestamp {
	if s.Until == windows.Unset {
		return windows.Forever
	}
	return s.Until
}

// recurs reports whether an hour of a day of the silence lies in [start, end).
func (s *Silence) recurs(start, end windows.Timestamp) bool {
	from, to := s.Hours.From, s.Hours.To
	if s.Hours == (Hours{}) {
		to = 24 * 60
	} else if to <= from {
		to += 24 * 60
	}
	first := start.Time().In(s.Location).AddDate(0, 0, -1)
	// Of a week and a day each weekday comes, and with it every hour.
	for day := range 9 {
		date := first.AddDate(0, 0, day)
		at := func(minutes int) windows.Timestamp {
			return windows.TimestampOf(time.Date(date.Year(), date.Month(), date.Day(), 0, minutes, 0, 0, s.Location))
		}
		if len(s.Days) > 0 && !slices.Contains(s.Days, weekdays[date.Weekday()]) {
			continue
		}
		if at(from) < end && at(to) > start {
			return true
		}
	}
	return false
}

// OfFeature reports whether the silence is of a feature.
func (s *Silence) OfFeature(name string) bool {
	return len(s.Features) == 0 || slices.ContainsFunc(s.Features, func(glob string) bool { return matches(glob, name) })
}

// silence reports what contradicts in a silence.
func (d *decoder) silence(s *Silence, path string) {
	if s.From != windows.Unset && s.Until != windows.Unset && s.Until <= s.From {
		d.reportAt(path+".until", "the silence ends at %v, before it begins: write a later time", s.Until)
	}
	if len(s.Features) > 0 && len(s.Kinds) > 0 && !slices.Contains(s.Kinds, "feature_drift") && !slices.Contains(s.Kinds, "data_quality") {
		d.reportAt(path+".features", "no kind of it is about features: add feature_drift or data_quality to kinds, or leave features out")
	}
}

func newSilence() Silence {
	return Silence{From: windows.Unset, Until: windows.Unset, Location: time.UTC}
}
