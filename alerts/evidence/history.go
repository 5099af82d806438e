package evidence

import (
	"bytes"
	"container/list"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// History keeps what verdicts and alerts of each model version say: of every
// window what the strips draw and where its record is, of the newest windows the
// records themselves. It is bounded: what goes beyond its limits pushes out what
// is oldest, and counts it. It is safe for concurrent use; no method blocks on
// anything but memory.
type History struct {
	limits Limits
	seed   maphash.Seed // of the lists of names

	mu       sync.RWMutex
	versions map[alerts.Version]*list.Element // of *version
	recent   *list.List                       // of *version: the last updated in front
	records  *keptRecords
	stats    Stats // without the records that can be read again
	reading  *Progress
}

// A version is one model version, in one segment.
type version struct {
	id        alerts.Version
	windows   []*window   // ascending by start, no start twice
	incidents []*incident // in the order in which they were first heard of
	lists     map[uint64]*nameList
	size      int64
	// earlier windows there are which a copy has not.
	earlier int
}

// NewHistory makes an empty history.
func NewHistory(limits Limits) *History {
	limits = limits.orDefault()
	return &History{
		limits:   limits,
		seed:     maphash.MakeSeed(),
		versions: make(map[alerts.Version]*list.Element),
		recent:   list.New(),
		records:  newKeptRecords(limits.Records),
	}
}

// AddVerdict takes a record of the verdicts topic that cannot be read again: it
// is kept whole for as long as its window is. See AddVerdictAt.
func (h *History) AddVerdict(value []byte) error {
	return h.AddVerdictAt(nowhere, time.Time{}, value)
}

// AddVerdictAt takes a record of the verdicts topic, where it is and when it was
// published; the zero time: nobody knows. Records may come in any order, and again: of two for one window in one partition that with
// the higher offset counts, otherwise that which came later. Verdicts of another
// kind than `window` are counted and left. The error names a record that is not a
// verdict, or is larger than the history may be.
func (h *History) AddVerdictAt(place Place, published time.Time, value []byte) error {
	b, err := readBrief(value)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.kind != "window" {
		h.stats.OtherKinds++
		return nil
	}
	var raw []byte
	if place == nowhere {
		raw = bytes.Clone(value)
	}
	if size := versionOverhead + windowOverhead + int64(len(raw)) + mostOf(b); size > h.limits.Bytes {
		return fmt.Errorf("keeping the verdict of model %q version %q for %v: its %d bytes are more than the whole history may have (%d)",
			b.model, b.version, b.start, size, h.limits.Bytes)
	}
	kept := h.touch(alerts.Version{Model: b.model, Version: b.version, Segment: b.segment})
	at, known := kept.at(b.start)
	if known {
		if old := kept.windows[at].place; old.Partition == place.Partition && place.Offset < old.Offset {
			return nil
		}
	}
	w := newWindow(b, place, published, raw, func(count int, name func(int) string) *nameList { return h.share(kept, at, count, name) })
	h.resize(kept, w.size)
	if known {
		h.letGo(kept, kept.windows[at])
		kept.windows[at] = w
	} else {
		kept.windows = slices.Insert(kept.windows, at, w)
	}
	h.stats.Windows++
	if raw != nil {
		h.stats.Records++
		h.stats.RecordBytes += int64(len(raw))
	}
	if place != nowhere {
		h.records.add(place, w.start, value)
	}
	for len(kept.windows) > h.limits.Windows {
		h.dropOldestWindow(kept)
	}
	h.shrink()
	return nil
}

// mostOf is what a brief takes at most, where no window has the same names.
func mostOf(b *brief) int64 {
	size := int64(cellsOverhead + namesOverhead)
	for _, f := range b.features {
		size += cellSize + nameOverhead + int64(len(f.name))
	}
	return size
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
	s.Records += len(h.records.byPlace)
	s.RecordBytes += h.records.bytes
	s.Bytes += h.records.bytes
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
	v := &version{id: id, lists: make(map[uint64]*nameList)}
	h.versions[id] = h.recent.PushFront(v)
	h.resize(v, versionOverhead+int64(len(id.Model)+len(id.Version)+len(id.Segment)))
	return v
}

// shrink lets go of records until they fit in the limit of bytes. The version
// that has the most loses its oldest window, so that each keeps its newest for
// as long as that is enough; then the least recently updated versions go.
func (h *History) shrink() {
	for h.stats.Bytes+h.records.bytes > h.limits.Bytes {
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
	h.letGo(v, v.windows[0])
	v.windows = slices.Delete(v.windows, 0, 1)
	h.stats.EvictedWindows++
}

// letGo gives back what a window that is about to go took.
func (h *History) letGo(v *version, w *window) {
	h.stats.Windows--
	h.resize(v, -w.size)
	h.forget(w)
	if w.names.used--; w.names.used == 0 {
		h.resize(v, -w.names.size)
		if sum := h.sum(len(w.names.names), func(i int) string { return w.names.names[i] }); v.lists[sum] == w.names {
			delete(v.lists, sum)
		}
	}
}

// forget lets go of a window's whole record, where it is at hand.
func (h *History) forget(w *window) {
	h.records.drop(w.place)
	if w.raw != nil {
		h.stats.Records--
		h.stats.RecordBytes -= int64(len(w.raw))
	}
}

// share finds the list of a window's names among those of its version, mostly at
// a neighbour in time, or makes one.
func (h *History) share(v *version, at, count int, name func(int) string) *nameList {
	same := func(list *nameList) bool {
		if len(list.names) != count {
			return false
		}
		for i, known := range list.names {
			if known != name(i) {
				return false
			}
		}
		return true
	}
	for _, near := range []int{at - 1, at} {
		if 0 <= near && near < len(v.windows) && same(v.windows[near].names) {
			v.windows[near].names.used++
			return v.windows[near].names
		}
	}
	sum := h.sum(count, name)
	if list, ok := v.lists[sum]; ok && same(list) {
		list.used++
		return list
	}
	list := &nameList{names: make([]string, count), used: 1, size: namesOverhead}
	for i := range list.names {
		list.names[i] = strings.Clone(name(i))
		list.size += nameOverhead + int64(len(list.names[i]))
	}
	v.lists[sum] = list
	h.resize(v, list.size)
	return list
}

// sum is a hash of a list of names.
func (h *History) sum(count int, name func(int) string) uint64 {
	var sum maphash.Hash
	sum.SetSeed(h.seed)
	for i := range count {
		_, _ = sum.WriteString(name(i)) // a hash takes everything
		_ = sum.WriteByte(0)
	}
	return sum.Sum64()
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
	for _, w := range v.windows {
		h.forget(w)
	}
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

// all copies every version with its newest windows, at most so many of each, in
// no order that matters; what a copy points to does not change.
func (h *History) all(newest int) []version {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]version, 0, len(h.versions))
	for element := h.recent.Front(); element != nil; element = element.Next() {
		out = append(out, element.Value.(*version).copy(newest))
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
	return element.Value.(*version).copy(math.MaxInt), true
}

func (v *version) copy(newest int) version {
	out := *v
	out.lists = nil
	out.earlier = max(len(v.windows)-newest, 0)
	out.windows, out.incidents = slices.Clone(v.windows[out.earlier:]), slices.Clone(v.incidents)
	return out
}

// record is the whole record of a window, where it is at hand.
func (h *History) record(w *window) ([]byte, bool) {
	if w.raw != nil {
		return w.raw, true
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	r, ok := h.records.byPlace[w.place]
	if !ok {
		return nil, false
	}
	return r.value, true
}

// at is the number of the window that starts then, among those that a copy has.
func (v *version) at(start time.Time) (int, bool) {
	return slices.BinarySearchFunc(v.windows, start, func(w *window, t time.Time) int { return w.start.Compare(t) })
}

// last is the newest window; nil where there is none.
func (v *version) last() *window {
	if len(v.windows) == 0 {
		return nil
	}
	return v.windows[len(v.windows)-1]
}
