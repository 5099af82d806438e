package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A shelf is an archive whose records can be taken away.
type shelf struct {
	mu      sync.Mutex
	records map[Place][]byte
	err     error // of every read
	reads   int
}

func (s *shelf) Read(_ context.Context, place Place) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.err != nil {
		return nil, s.err
	}
	record, ok := s.records[place]
	if !ok {
		return nil, fmt.Errorf("looking on the shelf: %w", ErrGone)
	}
	return record, nil
}

// shelved puts hourly windows of a model into a history that has room for few whole
// records, and on a shelf.
func shelved(t *testing.T, hours int) (*History, *shelf) {
	t.Helper()
	h, s := NewHistory(Limits{Records: 1 << 20, Bytes: 4 << 20}), &shelf{records: make(map[Place][]byte)}
	h.records.limit = 5 * int64(len(largeVerdict(t, "m", 0))) / 2 // two, and a bit
	for hour := range hours {
		place := Place{Partition: 3, Offset: int64(7 * hour)}
		s.records[place] = largeVerdict(t, "m", hour)
		if err := h.AddVerdictAt(place, time.Time{}, s.records[place]); err != nil {
			t.Fatal(err)
		}
	}
	recount(t, h)
	return h, s
}

func TestALinkStaysValid(t *testing.T) {
	h, s := shelved(t, 100)
	if got := h.Stats(); got.Windows != 100 || got.Records != 2 || got.EvictedWindows != 0 {
		t.Fatalf("kept are %+v", got)
	}
	handler, id := NewHandler(h, discard(), nil, WithArchive(s)), alerts.Version{Model: "m", Version: "1"}
	hour := func(n int) time.Time { return storyStart.Add(time.Duration(n) * time.Hour) }
	see := func(path string, code int, says string) {
		t.Helper()
		answer := get(t, handler, path)
		if page := parse(t, answer.Body.String()); answer.Code != code || !strings.Contains(page.text, says) {
			t.Errorf("%s answers %d, not %d with %q:\n%s", path, answer.Code, code, says, page.text)
		}
	}
	// The newest are at hand.
	see(alerts.ModelPath(id, hour(99)), http.StatusOK, "D 0.")
	if s.reads != 0 {
		t.Errorf("%d reads for what is at hand", s.reads)
	}
	// An old one is read again, once for the model, the feature and again.
	for range 2 {
		see(alerts.ModelPath(id, hour(5)), http.StatusOK, "Kolmogorov–Smirnov")
		see(alerts.FeaturePath(id, hour(5), "feature_03"), http.StatusOK, "The largest difference between the two distributions is D = ")
	}
	if s.reads != 1 {
		t.Errorf("%d reads for one record", s.reads)
	}
	// What has left the topic is said to have, and the strips stay.
	delete(s.records, Place{3, 7 * 6})
	see(alerts.ModelPath(id, hour(6)), http.StatusOK, "The verdicts topic does not hold the verdict of m v1 for 2026-03-02 06:00 – 07:00 UTC any more")
	see(alerts.ModelPath(id, hour(6)), http.StatusOK, "Over time")
	see(alerts.FeaturePath(id, hour(6), "feature_03"), http.StatusGone, "does not hold the verdict")
	// So is what stands in its place in a topic that was made anew.
	s.records[Place{3, 7 * 7}] = largeVerdict(t, "other", 7)
	see(alerts.FeaturePath(id, hour(7), "feature_03"), http.StatusGone, "does not hold the verdict")
	s.records[Place{3, 7 * 8}] = largeVerdict(t, "m", 9)
	see(alerts.FeaturePath(id, hour(8), "feature_03"), http.StatusGone, "does not hold the verdict")
	// What cannot be read now may be later.
	s.err = errors.New("no broker answers")
	see(alerts.ModelPath(id, hour(10)), http.StatusOK, "could not be read from the verdicts topic just now")
	see(alerts.FeaturePath(id, hour(10), "feature_03"), http.StatusServiceUnavailable, "could not be read from the verdicts topic just now")
	s.err = nil
	see(alerts.FeaturePath(id, hour(10), "feature_03"), http.StatusOK, "What the test found")
	// Without an archive there is what is at hand.
	handler = NewHandler(h, discard(), nil)
	see(alerts.FeaturePath(id, hour(98), "feature_03"), http.StatusOK, "What the test found")
	see(alerts.FeaturePath(id, hour(10), "feature_03"), http.StatusGone, "does not hold the verdict")
}

// The JSON has every record that the topic still has, as many at a time as asked.
func TestVerdictsComePageByPage(t *testing.T) {
	h, s := shelved(t, 100)
	delete(s.records, Place{3, 7 * 40})
	handler := NewHandler(h, discard(), nil, WithArchive(s))
	type answer struct {
		Verdicts []*drift.Verdict
		Gone     []time.Time
		Before   *time.Time
		Error    string
	}
	ask := func(query string, code int) (a answer) {
		t.Helper()
		got := get(t, handler, "api/v1/verdicts?model=m&version=1"+query)
		if got.Code != code {
			t.Fatalf("%s answers %d", query, got.Code)
		}
		if err := json.Unmarshal(got.Body.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	next, total, gone, asked := "", 0, 0, 0
	for {
		a := ask("&limit=30"+next, http.StatusOK)
		for i, v := range a.Verdicts {
			if i > 0 && !v.Window.Start.Before(a.Verdicts[i-1].Window.Start) {
				t.Error("the newest does not come first")
			}
		}
		total, gone, asked = total+len(a.Verdicts), gone+len(a.Gone), asked+1
		if a.Before == nil {
			break
		}
		next = "&before=" + a.Before.Format(time.RFC3339Nano)
	}
	if total != 99 || gone != 1 || asked != 4 {
		t.Errorf("%d verdicts in %d answers, %d gone", total, asked, gone)
	}
	if a := ask("", http.StatusOK); len(a.Verdicts) != 48 || a.Before == nil {
		t.Errorf("unasked, %d verdicts come", len(a.Verdicts))
	}
	if a := ask("&window=2026-03-02T05:00:00Z", http.StatusOK); len(a.Verdicts) != 1 || a.Before != nil {
		t.Errorf("of one window, %d verdicts come", len(a.Verdicts))
	}
	for _, bad := range []string{"&limit=0", "&limit=501", "&limit=many", "&before=noon"} {
		if a := ask(bad, http.StatusBadRequest); a.Error == "" {
			t.Errorf("%s: no word why", bad)
		}
	}
	s.err, s.reads = errors.New("no broker answers"), 0
	handler = NewHandler(h, discard(), nil, WithArchive(s)) // one that has read nothing
	if a := ask("&window=2026-03-02T06:00:00Z", http.StatusServiceUnavailable); !strings.Contains(a.Error, "just now") || s.reads != 1 {
		t.Errorf("%q after %d reads", a.Error, s.reads)
	}
}

// While verdicts are being read, what has not come yet is not said to be missing.
func TestStillBeingRead(t *testing.T) {
	h := story(t)
	handler := NewHandler(h, discard(), nil)
	early := alerts.ModelPath(alerts.Version{Model: "fraud", Version: "3"}, storyStart.Add(-48*time.Hour))
	known := alerts.ModelPath(alerts.Version{Model: "fraud", Version: "3"}, storyStart)
	unknown := alerts.ModelPath(alerts.Version{Model: "unheard of"}, time.Time{})
	const api = "api/v1/verdicts?model=unheard"
	expect := func(says string, codes map[string]int) {
		t.Helper()
		for path, code := range codes {
			answer := get(t, handler, path)
			if answer.Code != code || says != "" != strings.Contains(answer.Body.String(), "still being read") || !strings.Contains(answer.Body.String(), says) {
				t.Errorf("%s answers %d:\n%s", path, answer.Code, answer.Body)
			}
			if (code == http.StatusServiceUnavailable) != (answer.Header().Get("Retry-After") != "") {
				t.Errorf("%s: when to come again: %q", path, answer.Header().Get("Retry-After"))
			}
		}
	}
	const none, ok, later = http.StatusNotFound, http.StatusOK, http.StatusServiceUnavailable
	expect("", map[string]int{early: none, unknown: none, api: none, known: ok, "": ok})
	h.Reading(Progress{})
	expect("0 % done", map[string]int{early: later, unknown: later, api: later, known: ok, "": ok})
	h.Reading(Progress{Read: 300, Total: 400})
	expect("75 % done", map[string]int{early: later, unknown: later, api: later, known: ok, "": ok})
	if body := get(t, handler, "api/v1/models").Body.String(); !strings.Contains(body, `"reading":{"read":300,"total":400}`) {
		t.Errorf("the JSON does not say how far the reading has come: %s", body)
	}
	h.Reading(Progress{Read: 400, Total: 400})
	expect("99 % done", map[string]int{early: later})
	h.Reading(Progress{Done: true})
	expect("", map[string]int{early: none, unknown: none, api: none, known: ok, "": ok})
}

// slow is an archive that never answers.
type slow struct{ at, most atomic.Int32 }

func (s *slow) Read(ctx context.Context, _ Place) ([]byte, error) {
	s.most.Store(max(s.most.Load(), s.at.Add(1)))
	defer s.at.Add(-1)
	<-ctx.Done()
	return nil, ctx.Err()
}

// However many ask, few read at once, and nobody waits for longer than the limit.
func TestReadingAgainIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(slow)
		r := newRereader(s)
		began := time.Now()
		var group sync.WaitGroup
		for i := range 40 {
			group.Go(func() {
				if _, err := r.read(t.Context(), Place{Offset: int64(i)}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("read: %v", err)
				}
			})
		}
		group.Wait()
		if s.most.Load() != archiveReaders || time.Since(began) != archiveTimeout {
			t.Errorf("%d read at once, and the last waited for %v", s.most.Load(), time.Since(began))
		}
	})
}

// The records read last stay, up to a limit.
func TestWhatWasReadLastStays(t *testing.T) {
	s := &shelf{records: make(map[Place][]byte)}
	for i := range 20 {
		s.records[Place{0, int64(i)}] = make([]byte, archiveBytes/10)
	}
	s.records[Place{1, 0}] = make([]byte, archiveBytes+1)
	r := newRereader(s)
	reads := func(p Place) int {
		before := s.reads
		if _, err := r.read(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if r.bytes > archiveBytes || r.recent.Len() != len(r.byPlace) {
			t.Fatalf("%d bytes in %d records are kept, %d by name", r.bytes, r.recent.Len(), len(r.byPlace))
		}
		return s.reads - before
	}
	for i := range 20 {
		reads(Place{0, int64(i)})
		reads(Place{0, 3}) // is used again and again
	}
	for i, want := range map[int64]int{3: 0, 19: 0, 12: 0, 2: 1, 0: 1} {
		if got := reads(Place{0, i}); got != want {
			t.Errorf("record %d takes %d reads, want %d", i, got, want)
		}
	}
	if reads(Place{1, 0})+reads(Place{1, 0}) != 2 {
		t.Error("a record larger than all that may be kept is kept")
	}
}

// Of two records for one window the later in its partition counts, in whatever
// order they come; the newest windows' whole records stay.
func TestRecordsInAnyOrder(t *testing.T) {
	record := func(hour int, events uint64) []byte {
		v := storyVerdict("m", "", hour, map[string]*drift.Feature{"x": numericFeature(0.1, false)})
		v.Events = events
		return encode(t, v)
	}
	h := NewHistory(Limits{})
	h.records.limit = 4 * (recordOverhead + int64(len(record(0, 1))))
	for _, r := range []struct {
		hour   int
		events uint64
		place  Place
	}{
		{8, 2, Place{0, 80}}, {8, 1, Place{0, 79}}, {9, 1, Place{0, 90}}, {9, 2, Place{0, 91}},
		{2, 1, Place{0, 20}}, {3, 1, Place{0, 30}}, {7, 1, Place{0, 70}}, {1, 1, Place{0, 10}}, {3, 2, Place{0, 30}},
		{4, 1, Place{1, 5}}, {4, 2, Place{0, 4}}, // another partition: the last to come
	} {
		if err := h.AddVerdictAt(r.place, time.Time{}, record(r.hour, r.events)); err != nil {
			t.Fatal(err)
		}
		recount(t, h)
	}
	v, _ := h.one(alerts.Version{Model: "m"})
	var got []string
	for _, w := range v.windows {
		_, whole := h.record(w)
		got = append(got, fmt.Sprintf("%d:%d at %d/%d %v", int(w.start.Sub(storyStart).Hours()), w.events, w.place.Partition, w.place.Offset, whole))
	}
	want := "1:1 at 0/10 false, 2:1 at 0/20 false, 3:2 at 0/30 false, 4:2 at 0/4 true, 7:1 at 0/70 true, 8:2 at 0/80 true, 9:2 at 0/91 true"
	if strings.Join(got, ", ") != want {
		t.Errorf("kept is\n%s, not\n%s", strings.Join(got, ", "), want)
	}
}

// Windows of a version whose features come and go share the names they have in
// common lists, and give them back.
func TestNamesAreShared(t *testing.T) {
	h := NewHistory(Limits{Windows: 50})
	for hour := range 200 {
		features := map[string]*drift.Feature{"a": {N: 1}, "b": {N: 1}}
		if hour%2 == 0 {
			features["c"] = &drift.Feature{N: 1}
		}
		if hour == 60 {
			features["once"] = &drift.Feature{N: 1}
		}
		add(t, h, storyVerdict("m", "", hour, features))
		recount(t, h)
		lists := h.versions[alerts.Version{Model: "m"}].Value.(*version).lists
		if want := 3; len(lists) > want || hour > 120 && len(lists) != 2 {
			t.Fatalf("after %d windows there are %d lists of names", hour+1, len(lists))
		}
	}
}
