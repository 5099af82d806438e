package configs

import (
	"fmt"
	"time"
	_ "time/tzdata" // a container often has no time zones, and a config must mean the same in it

	"github.com/invopop/jsonschema"

	"github.com/kolmo-ml/kolmo/windows"
)

const momentPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$`

// moment is a point in event time.
func moment(into *windows.Timestamp) value {
	return scalar[windows.Timestamp]{
		into: into, kind: "RFC 3339 time", want: "an RFC 3339 time such as 2026-01-01T00:00:00Z",
		parse: func(s string) (windows.Timestamp, error) {
			t, err := parseMoment(s)
			if err != nil {
				return 0, err
			}
			return windows.TimestampOf(t), nil
		},
		show: func(t windows.Timestamp) string {
			if t == windows.Unset {
				return ""
			}
			return t.String()
		},
		schema: &jsonschema.Schema{Type: "string", Pattern: momentPattern},
	}
}

func parseMoment(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("is not an RFC 3339 time: write one with a time zone, as in 2026-01-01T00:00:00Z")
	}
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		return t, fmt.Errorf("is finer than a millisecond: times are whole milliseconds")
	}
	return t, nil
}

// begin is where a partition begins that has never been seen before.
func begin(into *Start) value {
	const want = "earliest, latest or an RFC 3339 time"
	return scalar[Start]{
		into: into, kind: "`earliest`, `latest` or RFC 3339 time", want: want,
		parse: func(s string) (Start, error) {
			switch s {
			case "earliest":
				return Start{Position: StartEarliest}, nil
			case "latest":
				return Start{Position: StartLatest}, nil
			}
			t, err := parseMoment(s)
			if err != nil {
				return Start{}, fmt.Errorf("is no place to start: write %s such as 2026-01-01T00:00:00Z", want)
			}
			return Start{Position: StartTime, Time: t.UTC()}, nil
		},
		show:   Start.String,
		schema: &jsonschema.Schema{Type: "string", Pattern: "^(earliest|latest)$|" + momentPattern},
	}
}

// zone is a time zone of the IANA database.
func zone(into **time.Location) value {
	return scalar[*time.Location]{
		into: into, kind: "time zone", want: "a time zone such as UTC or Europe/Berlin",
		parse: func(s string) (*time.Location, error) {
			// "" and "Local" would be UTC and whatever the machine has.
			if s == "" || s == "Local" {
				return nil, fmt.Errorf("is not a time zone: write its name, as in UTC or Europe/Berlin")
			}
			location, err := time.LoadLocation(s)
			if err != nil {
				return nil, fmt.Errorf("is not a time zone: write a name of the IANA database, as in UTC or Europe/Berlin")
			}
			return location, nil
		},
		show:   func(l *time.Location) string { return l.String() },
		schema: &jsonschema.Schema{Type: "string", Pattern: `^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`},
	}
}
