package windows

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unit is what a Span counts. Milliseconds are the same everywhere; days,
// weeks and months follow the local calendar of a time zone, where a day can
// have 23 or 25 hours.
type Unit uint8

// The units of a Span.
const (
	Milliseconds Unit = iota
	Days
	Weeks
	Months
)

// A Span is the length of a window: a duration (10m, 168h) or a calendar size
// (1d, 2w, 1mo). The zero Span is "not given".
type Span struct {
	Unit  Unit
	Count int64
}

// DurationSpan is the span of d, floored to milliseconds.
func DurationSpan(d time.Duration) Span { return Span{Unit: Milliseconds, Count: d.Milliseconds()} }

// ParseSpan reads "10m", "1h30m", "168h" (durations) and "1d", "2w", "1mo"
// (calendar sizes). The span must be positive and a whole number of
// milliseconds.
func ParseSpan(text string) (Span, error) {
	calendar := []struct {
		suffix string
		unit   Unit
	}{{"mo", Months}, {"d", Days}, {"w", Weeks}}
	for _, c := range calendar {
		digits, ok := strings.CutSuffix(text, c.suffix)
		if !ok {
			continue
		}
		count, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || count <= 0 {
			return Span{}, fmt.Errorf("%q is not a size: write a whole number before %q, as in 1%s", text, c.suffix, c.suffix)
		}
		return Span{Unit: c.unit, Count: count}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return Span{}, fmt.Errorf("%q is not a size: write a duration (10m, 168h) or a calendar size (1d, 1w, 1mo)", text)
	}
	if d <= 0 || d%time.Millisecond != 0 {
		return Span{}, fmt.Errorf("%q is not a size: it must be positive and a whole number of milliseconds", text)
	}
	return DurationSpan(d), nil
}

// IsZero reports whether the span was not given.
func (s Span) IsZero() bool { return s.Count == 0 }

// Longest is an upper bound of the span's length: a day is at most 25 hours,
// a month at most 31 days and an hour.
func (s Span) Longest() time.Duration {
	const hour = time.Hour
	switch s.Unit {
	case Days:
		return time.Duration(s.Count) * 25 * hour
	case Weeks:
		return time.Duration(s.Count) * (7*24 + 1) * hour
	case Months:
		return time.Duration(s.Count) * (31*24 + 1) * hour
	default:
		return time.Duration(s.Count) * time.Millisecond
	}
}

// String is the form ParseSpan reads.
func (s Span) String() string {
	switch s.Unit {
	case Days:
		return strconv.FormatInt(s.Count, 10) + "d"
	case Weeks:
		return strconv.FormatInt(s.Count, 10) + "w"
	case Months:
		return strconv.FormatInt(s.Count, 10) + "mo"
	default:
		return (time.Duration(s.Count) * time.Millisecond).String()
	}
}
