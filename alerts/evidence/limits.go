package evidence

// Limits bound a History. A field that is zero or less takes its value from
// DefaultLimits.
type Limits struct {
	Versions int   // model versions (with a segment each counts)
	Windows  int   // windows per model version
	Alerts   int   // incidents per model version
	Bytes    int64 // of everything that is kept
	// Records is how many of the bytes may be records of windows that can be read
	// again from where they came; those of the newest windows are kept. Of the other
	// windows there is what the strips draw.
	Records int64
}

// DefaultLimits have room for ninety days of hourly windows, with fifty features
// each, of two hundred model versions: such a window takes less than 450 bytes, and
// one with twenty features less than 320.
func DefaultLimits() Limits {
	return Limits{Versions: 1000, Windows: 30_000, Alerts: 200, Bytes: 256 << 20, Records: 64 << 20}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.Versions > 0 {
		d.Versions = l.Versions
	}
	if l.Windows > 0 {
		d.Windows = l.Windows
	}
	if l.Alerts > 0 {
		d.Alerts = l.Alerts
	}
	if l.Bytes > 0 {
		d.Bytes = l.Bytes
	}
	if l.Records > 0 {
		d.Records = l.Records
	}
	d.Records = min(d.Records, d.Bytes/2)
	return d
}

// Stats say what a History holds and what it has let go.
type Stats struct {
	Versions int   `json:"versions"`
	Windows  int   `json:"windows"`
	Alerts   int   `json:"alerts"`
	Bytes    int64 `json:"bytes"`
	// Records are the windows whose whole record is at hand, with their bytes,
	// which Bytes contains; the others' are read again when they are looked at.
	Records     int   `json:"records"`
	RecordBytes int64 `json:"record_bytes"`
	// Evicted count what the limits pushed out. The windows and alerts of an
	// evicted version count too.
	EvictedVersions uint64 `json:"evicted_versions"`
	EvictedWindows  uint64 `json:"evicted_windows"`
	EvictedAlerts   uint64 `json:"evicted_alerts"`
	// OtherKinds counts verdicts that are not about a window's distributions,
	// which the pages do not show.
	OtherKinds uint64 `json:"other_kinds"`
}
