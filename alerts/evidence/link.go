package evidence

import (
	"net/url"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// ModelPath is where a model version's page is, relative to where the handler
// stands, without a leading slash: append it to the address of the page for an
// alert's evidence_url. window is the start of the window to show; the zero
// time shows the newest. Names may hold anything.
func ModelPath(v alerts.Version, window time.Time) string {
	return "model?" + query(v, window).Encode()
}

// FeaturePath is where the evidence of one feature in one window is; see
// ModelPath.
func FeaturePath(v alerts.Version, window time.Time, feature string) string {
	q := query(v, window)
	q.Set("feature", feature)
	return "feature?" + q.Encode()
}

// query names a version and a window. Query parameters carry any name: in a
// path, slashes, dots and the empty version would be lost.
func query(v alerts.Version, window time.Time) url.Values {
	q := url.Values{"name": {v.Model}, "version": {v.Version}}
	if v.Segment != "" {
		q.Set("segment", v.Segment)
	}
	if !window.IsZero() {
		q.Set("window", window.UTC().Format(time.RFC3339Nano))
	}
	return q
}
