package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/kolmo-ml/kolmo/windows"
)

// The texts that the schema takes for durations and sizes. What they exclude
// is wrong; what they admit can still be out of range.
const (
	durationPattern = `^([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*$|^0$`
	spanPattern     = `^(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$|^0*[1-9][0-9]*(d|w|mo)$`
	bytesPattern    = `^[0-9]+ ?(B|kB|KB|MB|GB|KiB|MiB|GiB)$`
)

// duration is a Go duration from low to high, in whole milliseconds.
func duration(into *time.Duration, low, high time.Duration) value {
	return scalar[time.Duration]{
		into: into, kind: "duration", want: "a duration such as 30s, 5m or 1h30m",
		parse: func(s string) (time.Duration, error) {
			x, err := time.ParseDuration(s)
			if err != nil {
				if span, calendar := windows.ParseSpan(s); calendar == nil && span.Unit != windows.Months {
					days := span.Count
					if span.Unit == windows.Weeks {
						days *= 7
					}
					return 0, fmt.Errorf("is a calendar size: write a duration here, as in %dh", 24*days)
				}
				return 0, fmt.Errorf("is not a duration: write a number and a unit, as in 30s, 5m or 1h30m")
			}
			if x%time.Millisecond != 0 {
				return 0, fmt.Errorf("is not a whole number of milliseconds")
			}
			if x < low || x > high {
				return 0, fmt.Errorf("is out of range: write a duration from %s to %s", formatDuration(low), formatDuration(high))
			}
			return x, nil
		},
		show:   formatDuration,
		schema: &jsonschema.Schema{Type: "string", Pattern: durationPattern},
	}
}

// span is the length of a window: a duration or a calendar size.
func span(into *windows.Span) value {
	return scalar[windows.Span]{
		into: into, kind: "duration or calendar size",
		want: "a duration (10m, 168h) or a calendar size (1d, 1w, 1mo)",
		parse: func(s string) (windows.Span, error) {
			x, err := windows.ParseSpan(s)
			if err != nil {
				// The error begins with the quoted text, as the message will.
				return x, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), strconv.Quote(s)+" "))
			}
			if x.Unit != windows.Milliseconds && x.Count > maxCalendarCount {
				return windows.Span{}, fmt.Errorf("is not a size: write at most %d of a calendar unit", maxCalendarCount)
			}
			if x.Unit == windows.Milliseconds && x.Longest() > maxDuration {
				return windows.Span{}, fmt.Errorf("is not a size: write at most %s", formatDuration(maxDuration))
			}
			return x, nil
		},
		show:   formatSpan,
		schema: &jsonschema.Schema{Type: "string", Pattern: spanPattern},
	}
}

// The longest spans, far below what would overflow a time.Duration when a
// definition multiplies them.
const (
	maxCalendarCount = 366
	maxDuration      = 366 * 24 * time.Hour
)

// formatDuration is the shortest text that reads back to d: 1h, not 1h0m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// formatSpan is the shortest text that reads back to s, empty when it is not
// given.
func formatSpan(s windows.Span) string {
	if s.IsZero() {
		return ""
	}
	if s.Unit == windows.Milliseconds {
		return formatDuration(time.Duration(s.Count) * time.Millisecond)
	}
	return s.String()
}

// byteUnits are the units of an amount of bytes, longest suffix first.
var byteUnits = []struct {
	suffix string
	size   int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// bytes is an amount of bytes from low to high.
func bytes[T int | int64](into *T, low, high int64) value {
	return scalar[T]{
		into: into, kind: "bytes", want: "an amount of bytes such as 512KiB or 1MiB",
		parse: func(s string) (T, error) {
			digits, unit := s, int64(1)
			for _, u := range byteUnits {
				if before, ok := strings.CutSuffix(s, u.suffix); ok {
					digits, unit = strings.TrimSuffix(before, " "), u.size
					break
				}
			}
			n, err := strconv.ParseUint(digits, 10, 63)
			if err != nil || digits == s && len(s) > 1 && s[0] == '0' {
				return 0, fmt.Errorf("is not an amount of bytes: write a whole number and a unit, as in 512KiB or 1MiB")
			}
			if n > math.MaxInt64/uint64(unit) || int64(n)*unit < low || int64(n)*unit > high {
				return 0, fmt.Errorf("is out of range: write %s to %s", formatBytes(low), formatBytes(high))
			}
			return T(int64(n) * unit), nil
		},
		show: func(n T) string { return formatBytes(int64(n)) },
		schema: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "integer"}, {Type: "string", Pattern: bytesPattern},
		}},
	}
}

// formatBytes is the amount in the largest unit that keeps it whole.
func formatBytes(n int64) string {
	for _, u := range byteUnits[:3] {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
