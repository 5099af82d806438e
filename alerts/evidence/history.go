package evidence

import (
	"bytes"
	"container/list"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// History keeps the last verdicts and alerts of each model version. It is
// bounded: what goes beyond its limits pushes out what is oldest, and counts
// it. It is safe for concurrent use; no method blocks on anything but memory.
type History struct {
	limits Limits

	mu       sync.RWMutex
	versions map[alerts.Version]*list.Element // of *version
	recent   *list.List                       // of *version: the last updated in front
	stats    Stats
}

// A version is one model version, in one segment.
type version struct {
	id        alerts.Version
	windows   []*window   // ascending by start, no start twice
	incidents []*incident // in the order in which they were first heard of
	size      int64
}

// NewHistory makes an empty history.
func NewHistory(limits Limits) *History {
	return &History{
		limits:   limits.orDefault(),
		versions: make(map[alerts.Version]*list.Element),
		recent:   list.New(),
	}
}

// AddVerdict takes a record of the verdicts topic. A record for a window that
// is there already takes its place, so a topic may be read again from its
// start. Verdicts of another kind than `window` are counted and left. The
// error names a record that is not a verdict, or is larger than the history
// may be.
func (h *History) AddVerdict(value []byte) error {
	v, err := decodeVerdict(value)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if v.Kind != "window" {
		h.stats.OtherKinds++
		return nil
	}
	id := alerts.Version{Model: v.Model, Version: v.Version, Segment: v.Segment}
	if size := versionOverhead + int64(len(value)); size > h.limits.Bytes {
		return fmt.Errorf("keeping the verdict of model %q version %q for %v: its %d bytes are more than the whole history may have (%d)",
			v.Model, v.Version, v.Window.Start, size, h.limits.Bytes)
	}
	kept := h.touch(id)
	at, known := slices.BinarySearchFunc(kept.windows, v.Window.Start, func(w *window, t time.Time) int { return w.start.Compare(t) })
	var before *window
	if len(kept.windows) > 0 {
		before = kept.windows[max(min(at, len(kept.windows))-1, 0)]
	}
	w := newWindow(v, bytes.Clone(value), before)
	if known {
		h.resize(kept, w.size-kept.windows[at].size)
		kept.windows[at] = w
	} else {
		h.resize(kept, w.size)
		kept.windows = slices.Insert(kept.windows, at, w)
		h.stats.Windows++
	}
	for len(kept.windows) > h.limits.Windows {
		h.dropOldestWindow(kept)
	}
	h.shrink()
	return nil
}

// AddAlert takes a record of the alerts topic. Records of one id are one
// incident; a record that is there already takes its place.
func (h *History) AddAlert(value []byte) error {
	a, err := decodeAlert(value)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if size := versionOverhead + alertOverhead + 2*int64(len(value)); size > h.limits.Bytes {
		return fmt.Errorf("keeping alert %q: its %d bytes are more than the whole history may have (%d)", a.ID, size, h.limits.Bytes)
	}
	kept := h.touch(alerts.Version{Model: a.Model, Version: a.Version, Segment: a.Segment})
	at := slices.IndexFunc(kept.incidents, func(i *incident) bool { return i.id == a.ID })
	grown := &incident{id: a.ID, latest: a}
	if at >= 0 {
		old := kept.incidents[at]
		grown.raw, grown.status, grown.windows = slices.Clone(old.raw), slices.Clone(old.status), slices.Clone(old.windows)
		if a.Status == alerts.Firing && !old.firing() {
			grown.latest = old.latest // read again from the start: the end is known
		}
		h.resize(kept, -old.size)
	} else {
		at = len(kept.incidents)
		kept.incidents = append(kept.incidents, nil)
		h.stats.Alerts++
	}
	if same := slices.Index(grown.status, a.Status); same >= 0 {
		grown.raw[same], grown.windows[same] = bytes.Clone(value), a.Window.End
	} else {
		grown.raw, grown.status, grown.windows = append(grown.raw, bytes.Clone(value)), append(grown.status, a.Status), append(grown.windows, a.Window.End)
	}
	// The decoded record is about as large as its bytes.
	grown.size = alertOverhead
	for _, raw := range grown.raw {
		grown.size += 2 * int64(len(raw))
	}
	kept.incidents[at] = grown
	h.resize(kept, grown.size)
	for len(kept.incidents) > h.limits.Alerts {
		h.dropIncident(kept)
	}
	h.shrink()
	return nil
}

// Stats says what is held and what was let go.
func (h *History) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := h.stats
	s.Versions = len(h.versions)
	return s
}

// touch finds or makes a version and puts it in front, pushing out the least
// recently updated where there would be too many.
func (h *History) touch(id alerts.Version) *version {
	if element, ok := h.versions[id]; ok {
		h.recent.MoveToFront(element)
		return element.Value.(*version)
	}
	for len(h.versions) >= h.limits.Versions {
		h.dropVersion(h.recent.Back())
	}
	v := &version{id: id}
	h.versions[id] = h.recent.PushFront(v)
	h.resize(v, versionOverhead+int64(len(id.Model)+len(id.Version)+len(id.Segment)))
	return v
}

// shrink lets go of records until they fit in the limit of bytes. The version
// that has the most loses its oldest window, so that each keeps its newest for
// as long as that is enough; then the least recently updated versions go.
func (h *History) shrink() {
	for h.stats.Bytes > h.limits.Bytes {
		var largest *version
		for element := h.recent.Back(); element != nil; element = element.Prev() {
			v := element.Value.(*version)
			if len(v.windows) > 1 && (largest == nil || v.size > largest.size) {
				largest = v
			}
		}
		switch {
		case largest != nil:
			h.dropOldestWindow(largest)
		case h.recent.Len() > 1:
			h.dropVersion(h.recent.Back())
		default:
			// One version, one window: its alerts go, and were they not enough,
			// it goes whole.
			v := h.recent.Front().Value.(*version)
			if len(v.incidents) == 0 {
				h.dropVersion(h.recent.Front())
				return
			}
			h.dropIncident(v)
		}
	}
}

func (h *History) dropOldestWindow(v *version) {
	h.resize(v, -v.windows[0].size)
	v.windows = slices.Delete(v.windows, 0, 1)
	h.stats.Windows--
	h.stats.EvictedWindows++
}

// dropIncident lets go of the oldest incident that is over, or of the oldest
// where all still fire.
func (h *History) dropIncident(v *version) {
	at := max(slices.IndexFunc(v.incidents, func(i *incident) bool { return !i.firing() }), 0)
	h.resize(v, -v.incidents[at].size)
	v.incidents = slices.Delete(v.incidents, at, at+1)
	h.stats.Alerts--
	h.stats.EvictedAlerts++
}

func (h *History) dropVersion(element *list.Element) {
	v := h.recent.Remove(element).(*version)
	delete(h.versions, v.id)
	h.stats.Bytes -= v.size
	h.stats.Windows -= len(v.windows)
	h.stats.Alerts -= len(v.incidents)
	h.stats.EvictedVersions++
	h.stats.EvictedWindows += uint64(len(v.windows))
	h.stats.EvictedAlerts += uint64(len(v.incidents))
}

func (h *History) resize(v *version, by int64) {
	v.size += by
	h.stats.Bytes += by
}

// all copies every version, in no order that matters; what it points to does
// not change.
func (h *History) all() []version {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]version, 0, len(h.versions))
	for element := h.recent.Front(); element != nil; element = element.Next() {
		out = append(out, element.Value.(*version).copy())
	}
	return out
}

// one copies a version.
func (h *History) one(id alerts.Version) (version, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	element, ok := h.versions[id]
	if !ok {
		return version{}, false
	}
	return element.Value.(*version).copy(), true
}

func (v *version) copy() version {
	out := *v
	out.windows, out.incidents = slices.Clone(v.windows), slices.Clone(v.incidents)
	return out
}

// last is the newest window; nil where there is none.
func (v *version) last() *window {
	if len(v.windows) == 0 {
		return nil
	}
	return v.windows[len(v.windows)-1]
}
