package alerts

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// A version's life: its windows close one after the other, and whatever they are
// compared with is kept in a map, as a replay would.
type life struct {
	settings   *Settings
	progress   *Progress
	references map[string]*reference.Reference
	summaries  map[string]*reference.Reference
	draft      *reference.Draft
}

func newLife(s *Settings) *life {
	return &life{
		settings: s, progress: NewProgress(Version{Model: "m", Version: "1"}),
		references: make(map[string]*reference.Reference), summaries: make(map[string]*reference.Reference),
	}
}

// close closes the next window. values gives those of a slice of time.
func (l *life) close(number int64, values func(slice int64) []float64) Outcome {
	d := l.settings.Definition
	interval, first, end := d.Window(number)
	step := Step{Progress: l.progress, Summaries: l.summaries, Draft: l.draft, Due: windows.DueWindow{
		Interval: interval, FirstPane: first, EndPane: end, After: windows.Emitted{Any: true, Next: number + 1, ActiveUntil: interval.End},
	}}
	for index := first; index < end; index++ {
		from := func(r *Serving) windows.Timestamp { return r.GridFrom }
		var grid *windows.Grid
		if serving := InForce(l.progress.References, from, d.Pane(index).Start); serving != nil {
			grid = l.references[serving.ID].Grid()
		}
		size := l.settings.SampleSize
		if grid == nil {
			size = max(size, l.settings.ReferenceSize)
		}
		key := windows.PaneKey{Model: "m", Version: "1", Index: index}
		pane := windows.NewPane(key, d.Pane(index), grid, size, windows.Limits{Features: 10, Categories: 10})
		for n, x := range values(index) {
			o := windows.Observation{HasFeatures: true, Features: []windows.Field{{Name: []byte("x"), Value: windows.Value{Kind: windows.Number, Number: x}}}}
			pane.Count(&o, windows.RowHash(uint64(index)*1e6+uint64(n)))
		}
		step.Parts = append(step.Parts, windows.Part{Pane: pane})
	}
	if pinned := l.settings.Pinned(l.progress, interval.Start); pinned != nil {
		step.Reference = l.references[pinned.ID]
	}
	out := Close(l.settings, step)
	if out.Reference != nil {
		l.references[out.Reference.ID] = out.Reference
	}
	if out.Summary != nil {
		l.summaries[out.Summary.ID] = out.Summary
	}
	for _, dropped := range out.Dropped {
		delete(l.summaries, dropped.ID)
	}
	l.progress, l.draft = out.Progress, out.Draft
	return out
}

// around are n values around a mean, the same each time.
func around(mean float64, n int) []float64 {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	values := make([]float64, n)
	for i := range values {
		values[i] = mean + r.NormFloat64()
	}
	return values
}

// rolling are settings of a reference of the last windows.
func rolling(t *testing.T, size, every string, count int) *Settings {
	t.Helper()
	s := settingsOf(t, size, every, 0)
	s.SampleSize, s.ReferenceSize = 200, 200
	s.History = History{Kind: reference.Rolling, Windows: count, Size: 100 * count}
	s.Drift.MinEffect = 0.2
	return s
}

// seasonal are settings of a reference of the same slot earlier.
func seasonal(t *testing.T, size, zone, period string, cycles int) *Settings {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s := rolling(t, size, "", 1)
	d := &windows.Definition{Size: s.Definition.Size, Origin: windows.Unset, Location: location, Lateness: time.Minute}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	s.Definition = d
	s.History = History{Kind: reference.Seasonal, Cycles: cycles, Size: 100 * cycles}
	if s.History.Period, err = windows.ParseSpan(period); err != nil {
		t.Fatal(err)
	}
	return s
}

// The first three hours make the reference: from then on each window is compared
// with the three before it, by their samples until all are counted on the grid.
func TestARollingReferenceIsTheLastWindows(t *testing.T) {
	l := newLife(rolling(t, "1h", "", 3))
	count := func(slice int64) int { return 400 + int(slice%7) }
	for n := range int64(20) {
		out := l.close(n, func(slice int64) []float64 { return around(0, count(slice)) })
		f := out.Verdict.Features["x"]
		if n < 3 {
			if want := fmt.Sprintf("the rolling reference has %d of its 3 windows", n); f.Untested != want || out.Verdict.Reference != nil {
				t.Errorf("window %d: untested %q, want %q", n, f.Untested, want)
			}
			continue
		}
		rows := uint64(count(n-1) + count(n-2) + count(n-3))
		if r := out.Verdict.Reference; r == nil || r.Kind != reference.Rolling || r.Rows != rows {
			t.Errorf("window %d: the reference is %+v, want %d rows", n, r, rows)
		}
		// Window 2 ends at 3 o'clock. With a lateness of a minute and a horizon of an
		// hour its grid counts panes from 5 o'clock on.
		method := "sampled"
		if n >= 8 {
			method = "binned"
		}
		if f.Method != method {
			t.Errorf("window %d: method %q, want %q", n, f.Method, method)
		}
	}
	if len(l.progress.History) != 4 || len(l.summaries) != 4 {
		t.Errorf("%d windows are listed and %d kept, want the last four", len(l.progress.History), len(l.summaries))
	}
}

// A rolling reference goes along with what moves slowly, and takes a lasting
// change in: that is its use, and its weakness. A pinned one does neither.
func TestWhatARollingReferenceTakesIn(t *testing.T) {
	slowly := func(slice int64) []float64 { return around(float64(slice)/20, 400+int(slice)) }
	once := func(slice int64) []float64 { return around(map[bool]float64{true: 2}[slice >= 10], 400+int(slice)) }
	for name, c := range map[string]struct {
		kind    string
		values  func(int64) []float64
		drifted []int64
	}{
		"slow, rolling": {reference.Rolling, slowly, nil},
		"slow, first":   {reference.First, slowly, []int64{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}},
		"once, rolling": {reference.Rolling, once, []int64{10, 11, 12}},
		"once, first":   {reference.First, once, []int64{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}},
	} {
		s := rolling(t, "1h", "", 3)
		s.SampleSize, s.History.Size = 1000, 3000
		if c.kind == reference.First {
			s.FirstWindows, s.ReferenceSize, s.History = 3, 2000, History{}
		}
		l := newLife(s)
		var drifted []int64
		for n := range int64(20) {
			if l.close(n, c.values).Verdict.Drifted {
				drifted = append(drifted, n)
			}
		}
		if !slices.Equal(drifted, c.drifted) {
			t.Errorf("%s: windows %v drifted, want %v", name, drifted, c.drifted)
		}
	}
}

// A seasonal reference knows that nights differ from days: what is usual for the
// hour is no drift, and at a wrong hour it is.
func TestASeasonalReferenceIsTheSameSlotEarlier(t *testing.T) {
	s := seasonal(t, "6h", "UTC", "1d", 2)
	s.SampleSize, s.History.Size = 300, 600
	l := newLife(s)
	for n := range int64(24) {
		hour := n % 4
		if n == 21 {
			hour = 3
		}
		out := l.close(n, func(int64) []float64 { return around(5*float64(hour), 300+int(n)) })
		f := out.Verdict.Features["x"]
		if n < 4 {
			if f.Untested != "no window of this slot in an earlier period is kept" {
				t.Errorf("window %d: untested %q", n, f.Untested)
			}
			continue
		}
		rows := uint64(300 + n - 4)
		if n >= 8 {
			rows += uint64(300 + n - 8)
		}
		if r := out.Verdict.Reference; r == nil || r.Kind != reference.Seasonal || r.Rows != rows {
			t.Errorf("window %d: the reference is %+v, want %d rows", n, r, rows)
		}
		if f.Drifted != (n == 21) {
			t.Errorf("window %d: drifted is %v", n, f.Drifted)
		}
		// The grid is made of the first day, and counts every hour's values.
		if n >= 15 && f.Method != "binned" {
			t.Errorf("window %d: method %q", n, f.Method)
		}
	}
}

// listed names windows by when they start.
func listed(ws []Summary) string {
	names := make([]string, len(ws))
	for i, w := range ws {
		names[i] = w.Start.String()
	}
	return strings.Join(names, " ")
}

// Whatever is dropped was of no use: what a window is compared with is what a
// program says that drops nothing and looks through all windows, in whatever
// order some are empty or overlap.
func TestNothingIsDroppedThatIsNeeded(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := rolling(t, "4h", []string{"", "1h", "2h"}[r.IntN(3)], 1+r.IntN(5))
		if r.IntN(3) == 0 {
			s = seasonal(t, "1h", "UTC", "5h", 1+r.IntN(3))
		}
		quiet := r.IntN(4)
		l := newLife(s)
		var all []Summary
		for n := range int64(60) {
			w, _, _ := s.Definition.Window(n)
			want := slowly(s, all, w.Start)
			if got := listed(s.compared(l.progress, w.Start)); got != listed(want) {
				t.Fatalf("seed %d, %+v: the window of %v is compared with %s, want %s", seed, s.History, w.Start, got, listed(want))
			}
			if w.Start > 40*3600_000 && w.Start < 44*3600_000 {
				quiet = 10 // hardly anything comes any more
			}
			out := l.close(n, func(slice int64) []float64 {
				if rand.New(rand.NewPCG(seed, uint64(slice))).IntN(10) < quiet {
					return nil
				}
				return []float64{float64(slice)}
			})
			if out.Summary != nil {
				all = append(all, Summary{Start: w.Start, End: w.End})
			}
			if len(l.summaries) != len(l.progress.History) {
				t.Fatalf("seed %d: %d summaries are kept and %d listed", seed, len(l.summaries), len(l.progress.History))
			}
		}
		if most := 24; len(l.progress.History) > most {
			t.Errorf("seed %d, %+v: %d windows are kept", seed, s.History, len(l.progress.History))
		}
	}
}

// slowly looks through all windows that ever held events.
func slowly(s *Settings, all []Summary, start windows.Timestamp) []Summary {
	var found []Summary
	if s.History.Kind == reference.Seasonal {
		for _, w := range all {
			for k := 1; k <= s.History.Cycles; k++ {
				if w.Start == start-windows.Timestamp(k)*windows.Timestamp(s.History.Period.Count) {
					found = append(found, w)
				}
			}
		}
		return found
	}
	for len(found) < s.History.Windows {
		var last *Summary
		for i, w := range all {
			if w.End <= start && (last == nil || w.End > last.End) {
				last = &all[i]
			}
		}
		if last == nil {
			break
		}
		found, start = append(found, *last), last.Start
	}
	slices.Reverse(found)
	return found
}

// A week of hours in Berlin, over both changes of the clocks: each hour is
// compared with the same one on the clock.
func TestASlotGoesByTheLocalClock(t *testing.T) {
	s := seasonal(t, "1h", "Europe/Berlin", "1w", 2)
	for _, from := range []string{"2026-03-10T00:00:00Z", "2026-10-06T00:00:00Z"} {
		first, _ := time.Parse(time.RFC3339, from)
		l := newLife(s)
		number := s.Definition.FirstWindow(s.Definition.PaneIndex(windows.TimestampOf(first)))
		var odd []string
		for n := range int64(28 * 24) {
			w, _, _ := s.Definition.Window(number + n)
			compared := s.compared(l.progress, w.Start)
			local := w.Start.Time().In(s.Definition.Location)
			for i, c := range compared {
				weeks := len(compared) - i
				want := time.Date(local.Year(), local.Month(), local.Day()-7*weeks, local.Hour(), 0, 0, 0, s.Definition.Location)
				if got := c.Start.Time().In(s.Definition.Location); !got.Equal(want) || got.Hour() != local.Hour() {
					odd = append(odd, local.Format(time.RFC3339)+" with "+got.Format(time.RFC3339))
				}
			}
			if weeks := int(n / (7 * 24)); len(compared) != min(weeks, 2) && n%(7*24) > 1 {
				odd = append(odd, fmt.Sprintf("%s with %d", local.Format(time.RFC3339), len(compared)))
			}
			l.close(number+n, func(int64) []float64 { return []float64{1} })
		}
		// In spring one hour on the clock does not exist; it is compared with itself
		// in the weeks before as the hour that took its place.
		if len(odd) > 2 {
			t.Errorf("from %s: %q", from, odd)
		}
		if kept := len(l.progress.History); kept > 2*7*24+2 {
			t.Errorf("from %s: %d windows are kept", from, kept)
		}
	}
}

// What people load goes before the windows: up to a boundary the verdicts name
// the rolling reference and from it on the loaded one, and then no window is kept
// any more.
func TestALoadedReferenceEndsTheHistory(t *testing.T) {
	l := newLife(rolling(t, "1h", "", 2))
	loaded := reference.FromWindow(reference.Fixed, windows.Merge(windows.Interval{}, panes(l.settings, 1, 500, func(int64) float64 { return 0 })), 500)
	l.references[loaded.ID] = loaded
	boundary := windows.Timestamp(7 * 3600_000)
	var dropped []Summary
	for n := range int64(10) {
		if n == 5 {
			p := *l.progress
			p.References = append(slices.Clone(p.References), Serving{ID: loaded.ID, Kind: loaded.Kind, Rows: loaded.Rows, GridFrom: boundary, ServesFrom: boundary})
			l.progress = &p
		}
		out := l.close(n, func(int64) []float64 { return around(0, 300) })
		switch r := out.Verdict.Reference; {
		case n < 2:
		case n < 7:
			if r == nil || r.Kind != reference.Rolling || out.Summary == nil {
				t.Errorf("window %d: the reference is %+v", n, r)
			}
		default:
			if r == nil || r.ID != loaded.ID || out.Summary != nil {
				t.Errorf("window %d: the reference is %+v, want %s", n, r, loaded.ID)
			}
		}
		dropped = append(dropped, out.Dropped...)
	}
	if len(l.progress.History)+len(l.summaries) != 0 || len(dropped) != 7 {
		t.Errorf("%d windows are listed, %d kept, %d were dropped", len(l.progress.History), len(l.summaries), len(dropped))
	}
}

// A version with a growing reference, for which one is loaded: the draft ends,
// and the loaded one serves.
func TestALoadedReferenceEndsTheDraft(t *testing.T) {
	s := settingsOf(t, "1h", "", 5)
	l := newLife(s)
	loaded := reference.FromWindow(reference.Fixed, windows.Merge(windows.Interval{}, panes(s, 1, 500, func(int64) float64 { return 0 })), 500)
	l.references[loaded.ID] = loaded
	for n := range int64(8) {
		if n == 2 { // as the shard's owner does
			p := *l.progress
			p.Draft, l.draft = nil, nil
			p.References = []Serving{{ID: loaded.ID, Kind: loaded.Kind, Rows: loaded.Rows, GridFrom: 4 * 3600_000, ServesFrom: 4 * 3600_000}}
			l.progress = &p
		}
		out := l.close(n, func(int64) []float64 { return around(0, 300) })
		if r := out.Verdict.Reference; (r != nil) != (n >= 4) || r != nil && r.ID != loaded.ID {
			t.Errorf("window %d: the reference is %+v", n, r)
		}
		if n >= 2 && (out.Draft != nil || out.Reference != nil) {
			t.Errorf("window %d: a reference grows beside the loaded one", n)
		}
	}
}

// Overlapping windows: a reference takes only windows that do not overlap each
// other or the window at hand.
func TestOverlappingWindowsAreNotComparedWithThemselves(t *testing.T) {
	l := newLife(rolling(t, "3h", "1h", 2))
	for n := range int64(20) {
		out := l.close(n, func(slice int64) []float64 { return around(0, 100+int(slice)) })
		r := out.Verdict.Reference
		if n < 6 {
			if r != nil {
				t.Errorf("window %d has a reference of %d rows", n, r.Rows)
			}
			continue
		}
		// Of the window that starts at n o'clock: those from n−6 to n−3 and from n−3
		// to n o'clock.
		rows := uint64(0)
		for slice := n - 6; slice < n; slice++ {
			rows += uint64(100 + slice)
		}
		if r == nil || r.Rows != rows {
			t.Errorf("window %d: the reference is %+v, want %d rows", n, r, rows)
		}
	}
}

// A process that wanders off leaves its grid behind: all of it comes to stand in
// one bin, which tells nothing. The grid is then made anew, of the windows at
// hand, and goes when nothing is counted on it any more. Without max_bin_mass it
// stays.
func TestAGridThatTellsTooLittleIsMadeAnew(t *testing.T) {
	for _, mass := range []float64{0, 0.05} {
		s := rolling(t, "1h", "", 3)
		s.History.MaxBinMass = mass
		l := newLife(s)
		worst, grids, retired := 0.0, 0, 0
		for n := range int64(80) {
			out := l.close(n, func(slice int64) []float64 { return around(float64(slice)/4, 400+int(slice%5)) })
			if f := out.Verdict.Features["x"]; n >= 40 && f.Method == "binned" {
				worst = max(worst, float64(*f.StatisticError))
			}
			if out.Reference != nil {
				grids++
			}
			for _, gone := range out.Retired {
				retired++
				for _, w := range l.progress.History {
					if l.summaries[w.ID].GridID == gone.ID {
						t.Errorf("window %d: grid %s is retired, and the window of %v is counted on it", n, gone.ID, w.Start)
					}
				}
			}
		}
		switch {
		case mass == 0 && (grids != 1 || retired != 0 || worst < 0.9):
			t.Errorf("without a limit: %d grids, %d retired, an error of up to %v", grids, retired, worst)
		case mass > 0 && (grids < 4 || grids-retired > 3 || len(l.progress.References) != grids-retired || worst > 0.5):
			t.Errorf("with a limit: %d grids, %d retired, %d in force, an error of up to %v", grids, retired, len(l.progress.References), worst)
		}
	}
}

// A process that stays as it is keeps its grid, however few values that was made
// of, and whatever its values repeat.
func TestAGridIsNotMadeAnewInVain(t *testing.T) {
	draws := map[string]func(*rand.Rand) float64{
		"normal":                         (*rand.Rand).NormFloat64,
		"many zeros, the smallest value": func(r *rand.Rand) float64 { return max(0, r.ExpFloat64()-0.5) },
		"many zeros in the middle":       func(r *rand.Rand) float64 { return float64(r.IntN(2)) * r.NormFloat64() },
		"digits":                         func(r *rand.Rand) float64 { return float64(r.IntN(10)) },
	}
	for name, draw := range draws {
		for _, size := range []int{12, 60, 400, 10_000} {
			for _, sampleSize := range []int{10, 300} {
				s := rolling(t, "1h", "", 3)
				s.History.MaxBinMass, s.History.Size, s.SampleSize = 0.05, size, sampleSize
				l, grids := newLife(s), 0
				for n := range int64(20) {
					out := l.close(n, func(slice int64) []float64 {
						r, values := rand.New(rand.NewPCG(uint64(slice), 9)), make([]float64, 1500)
						for i := range values {
							values[i] = draw(r)
						}
						return values
					})
					if out.Reference != nil {
						grids++
					}
				}
				if grids != 1 {
					t.Errorf("%s, size %d, sample_size %d: %d grids in 20 windows that are alike", name, size, sampleSize, grids)
				}
			}
		}
	}
}

// Closing with a history leaves what it was given as it was, and gives the same
// the second time.
func TestClosingWithAHistoryIsPure(t *testing.T) {
	l := newLife(rolling(t, "1h", "", 3))
	for n := range int64(8) {
		before := *l
		before.summaries, before.references = maps.Clone(l.summaries), maps.Clone(l.references)
		progress, _ := l.progress.Encode()
		values := func(int64) []float64 { return around(float64(n), 300) }
		first := l.close(n, values)
		second := before.close(n, values)
		a, _ := first.Verdict.Encode(1 << 20)
		b, _ := second.Verdict.Encode(1 << 20)
		if string(a) != string(b) || first.Summary.ID != second.Summary.ID {
			t.Errorf("window %d closes to something else the second time", n)
		}
		if after, _ := before.progress.Encode(); n > 0 && string(after) == string(progress) {
			t.Errorf("window %d: the progress has not moved", n)
		}
	}
}
