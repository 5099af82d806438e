package alerts

import (
	"net/url"
	"time"
)

// ModelPath is where a model version's page is, relative to the root of the pages,
// without a leading slash: append it to the address of the page for an alert's
// evidence_url. window is the start of the window to show; the zero time shows the
// newest. Names may hold anything.
func ModelPath(v Version, window time.Time) string {
	return "model?" + query(v, window).Encode()
}

// FeaturePath is where the evidence of one feature in one window is; see
// ModelPath.
func FeaturePath(v Version, window time.Time, feature string) string {
	q := query(v, window)
	q.Set("feature", feature)
	return "feature?" + q.Encode()
}

// PlotPath is where the picture of one feature in one window is, as PNG, for where
// a page cannot be shown; see ModelPath.
func PlotPath(v Version, window time.Time, feature string) string {
	q := query(v, window)
	q.Set("feature", feature)
	return "plot.png?" + q.Encode()
}

// RunbookPath is where the runbook of an alert is, by the alert's name such as
// ModelFeatureDrift.
func RunbookPath(name string) string { return "runbooks/" + name }

// query names a version and a window. Query parameters carry any name: in a
// path, slashes, dots and the empty version would be lost.
func query(v Version, window time.Time) url.Values {
	q := url.Values{"name": {v.Model}, "version": {v.Version}}
	if v.Segment != "" {
		q.Set("segment", v.Segment)
	}
	if !window.IsZero() {
		q.Set("window", window.UTC().Format(time.RFC3339Nano))
	}
	return q
}
