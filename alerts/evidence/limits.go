package evidence

// Limits bound a History. A field that is zero or less takes its value from
// DefaultLimits.
type Limits struct {
	Versions int   // model versions (with a segment each counts)
	Windows  int   // windows per model version
	Alerts   int   // incidents per model version
	Bytes    int64 // of all records together, with what is kept beside them
}

// DefaultLimits keep two days of hourly windows of a thousand model versions,
// in at most 256 MiB.
func DefaultLimits() Limits {
	return Limits{Versions: 1000, Windows: 48, Alerts: 50, Bytes: 256 << 20}
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
	return d
}

// Stats say what a History holds and what it has let go.
type Stats struct {
	Versions int   `json:"versions"`
	Windows  int   `json:"windows"`
	Alerts   int   `json:"alerts"`
	Bytes    int64 `json:"bytes"`
	// Evicted count what the limits pushed out. The windows and alerts of an
	// evicted version count too.
	EvictedVersions uint64 `json:"evicted_versions"`
	EvictedWindows  uint64 `json:"evicted_windows"`
	EvictedAlerts   uint64 `json:"evicted_alerts"`
	// OtherKinds counts verdicts that are not about a window's distributions,
	// which the pages do not show.
	OtherKinds uint64 `json:"other_kinds"`
}
