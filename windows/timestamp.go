package windows

import (
	"math"
	"time"
)

// Timestamp is a moment in event time: milliseconds since the Unix epoch, UTC.
// Times with a finer resolution are floored, which cannot move them out of a
// window because every window boundary is a whole millisecond.
type Timestamp int64

const (
	// Unset is the watermark of a partition that has accepted nothing. It is
	// below every real time.
	Unset Timestamp = math.MinInt64
	// Forever is above every real time.
	Forever Timestamp = math.MaxInt64
)

// TimestampOf floors t to milliseconds.
func TimestampOf(t time.Time) Timestamp { return Timestamp(t.UnixMilli()) }

// Time returns the moment in UTC. It is meaningless for Unset and Forever.
func (t Timestamp) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add returns t moved by d, floored to milliseconds. Unset and Forever stay
// what they are, and the result saturates rather than wraps.
func (t Timestamp) Add(d time.Duration) Timestamp {
	if t == Unset || t == Forever {
		return t
	}
	ms := d.Milliseconds()
	sum := int64(t) + ms
	switch {
	case ms > 0 && sum < int64(t):
		return Forever
	case ms < 0 && sum > int64(t):
		return Unset
	}
	return Timestamp(sum)
}

// String is RFC 3339 in UTC with as many decimals as are needed, the form that
// verdicts carry.
func (t Timestamp) String() string {
	switch t {
	case Unset:
		return "unset"
	case Forever:
		return "forever"
	}
	return t.Time().Format(time.RFC3339Nano)
}

// An Interval is [Start, End).
type Interval struct {
	Start, End Timestamp
}

// Contains reports whether t lies in [Start, End).
func (i Interval) Contains(t Timestamp) bool { return i.Start <= t && t < i.End }

func (i Interval) String() string { return i.Start.String() + "/" + i.End.String() }
