package windows

import (
	"math/rand/v2"
	"testing"
	"time"
)

// What two shards know of a partition is put together, whatever each has
// forgotten, in whichever order.
func TestWhatShardsKnowIsPutTogether(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		whole := Decisions{Start: int64(r.IntN(10))}
		offset, watermark := whole.Start, Timestamp(0)
		for range r.IntN(12) {
			offset += int64(r.IntN(3))
			if r.IntN(4) == 0 {
				lost := int64(1 + r.IntN(5))
				after := watermark
				watermark += Timestamp(1 + r.IntN(50))
				whole.Gaps = append(whole.Gaps, Gap{From: offset, To: offset + lost, After: after, Until: watermark})
				offset += lost
				continue
			}
			from := watermark
			watermark += Timestamp(1 + r.IntN(50))
			whole.Advances = withAdvance(whole.Advances, Advance{Offset: offset, From: from, To: watermark})
		}
		part := func() Decisions {
			d := whole.Clone()
			n := r.IntN(len(d.Advances) + 1)
			if n > 0 && r.IntN(2) == 0 { // known when the last of them had not come so far
				d.Advances[n-1].To = d.Advances[n-1].From + 1
			}
			d.Advances = d.Advances[:n]
			m := r.IntN(len(d.Gaps) + 1)
			if m > 0 && r.IntN(2) == 0 {
				d.Gaps[m-1].Until = Forever
			}
			d.Gaps = d.Gaps[:m]
			return d
		}
		early := part()
		if got := early.Union(whole); !got.Equal(whole) {
			t.Fatalf("seed %d: %+v and %+v are %+v", seed, early, whole, got)
		}
		if got := whole.Union(early); !got.Equal(whole) {
			t.Fatalf("seed %d: %+v and %+v are %+v", seed, whole, early, got)
		}
		// Who has forgotten learns again.
		forgetful := whole.Clone()
		before := Timestamp(r.IntN(200))
		forgetful.Forget(before)
		for _, a := range forgetful.Advances {
			if a.To < before {
				t.Fatalf("seed %d: %+v is kept, before %d", seed, a, before)
			}
		}
		if got := forgetful.Union(whole); !got.Equal(whole) {
			t.Fatalf("seed %d: %+v, forgotten before %d, and %+v are %+v", seed, forgetful, before, whole, got)
		}
	}
}

func TestWhichWindowsAGapTouches(t *testing.T) {
	hour := func(start string) Interval {
		s := at("2026-01-05T" + start + ":00Z")
		return Interval{Start: s, End: s.Add(time.Hour)}
	}
	gap := Gap{From: 100, To: 250, After: at("2026-01-05T10:05:00Z"), Until: at("2026-01-05T12:55:00Z")}
	for _, c := range []struct {
		window string
		want   bool
	}{
		{"08:00", false}, // closed when the gap came
		{"09:00", true},  // its end is behind, its lateness is not
		{"10:00", true},
		{"12:00", true},
		{"13:00", true}, // what is lost may be out of order by the lateness
		{"14:00", false},
	} {
		if got := gap.Touches(hour(c.window), 10*time.Minute); got != c.want {
			t.Errorf("the window of %s is touched: %v", c.window, got)
		}
	}
	gap.After = Unset
	if !gap.Touches(hour("08:00"), 10*time.Minute) {
		t.Error("nothing had been read before the gap, and a window before it is whole")
	}
}

// A partition loses records, and says between which watermarks.
func TestARangeOfOffsetsIsMissing(t *testing.T) {
	p := hourly(t, time.Hour)
	p.ClosedThrough(0, at("2026-01-05T09:00:00Z"))
	offer := func(offset int64, clock string) {
		t.Helper()
		o := Observation{Offset: offset, Time: at("2026-01-05T" + clock + ":00Z"), RecordTime: at("2026-01-05T" + clock + ":00Z"), Model: []byte("m")}
		if got := p.Offer(&o); got != Accepted {
			t.Fatalf("the event at %s: %d", clock, got)
		}
	}
	offer(0, "10:00")
	p.Miss(50, p.Watermark())
	if p.NextOffset() != 50 {
		t.Fatalf("the next offset is %d", p.NextOffset())
	}
	p.Miss(70, p.Watermark()) // more was deleted before anything came
	want := Gap{From: 1, To: 70, After: at("2026-01-05T10:00:00Z"), Until: Forever}
	if d := p.Snapshot().Decisions; len(d.Gaps) != 1 || d.Gaps[0] != want {
		t.Fatalf("the gaps are %+v", d.Gaps)
	}
	offer(70, "09:55") // not past the watermark: it tells nothing of where the gap ends
	offer(71, "10:20")
	want.Until = at("2026-01-05T10:20:00Z")
	offer(72, "10:40")
	if d := p.Snapshot().Decisions; len(d.Gaps) != 1 || d.Gaps[0] != want {
		t.Fatalf("the gaps are %+v", d.Gaps)
	}
	// A checkpoint in between changes nothing.
	p.Miss(90, p.Watermark())
	snapshot := p.Snapshot()
	fresh := NewPartition(p.ID, p.rules, 0)
	fresh.Restore(snapshot.NextOffset, snapshot.Watermark, snapshot.Decisions.Clone(), nil)
	fresh.AdvanceIdle(at("2026-01-05T11:00:00Z"))
	if d := fresh.Snapshot().Decisions; len(d.Gaps) != 2 || d.Gaps[1].Until != at("2026-01-05T11:00:00Z") {
		t.Fatalf("the gaps are %+v", d.Gaps)
	}
}

func TestHowFarBackARewindGoes(t *testing.T) {
	definition := func(size, every string, lateness time.Duration, minEvents uint64) *Definition {
		d := &Definition{Lateness: lateness, MinEvents: minEvents, Origin: Unset}
		d.Size, _ = ParseSpan(size)
		if every != "" {
			d.Every, _ = ParseSpan(every)
		}
		d.MaxSize, _ = ParseSpan("4h")
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		return d
	}
	hourly, hopping := definition("1h", "", 10*time.Minute, 0), definition("2h", "30m", 0, 0)
	growing := definition("1h", "", 0, 5)
	for _, c := range []struct {
		name        string
		definitions []*Definition
		through     string
		want        string
	}{
		{"the window that is open", []*Definition{hourly}, "10:30", "08:50"},                  // 10:00, an hour ahead, ten minutes late
		{"its end has passed, its lateness not", []*Definition{hourly}, "11:05", "08:50"},     //
		{"it has closed", []*Definition{hourly}, "11:10", "09:50"},                            //
		{"the first of those that overlap", []*Definition{hopping}, "10:15", "07:30"},         // 08:30 to 10:30
		{"one that may have grown for three hours", []*Definition{growing}, "10:15", "06:00"}, // 07:00
		{"the earliest of all", []*Definition{hourly, hopping, growing}, "10:15", "05:50"},
	} {
		r := Rewind{Definitions: c.definitions, MaxAhead: time.Hour}
		if got, want := r.From(at("2026-01-05T"+c.through+":00Z")), at("2026-01-05T"+c.want+":00Z"); got != want {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
	r := Rewind{Definitions: []*Definition{hourly}}
	if r.From(Unset) != Unset {
		t.Error("nothing was closed, and not everything is read again")
	}
	decided := Decisions{Start: 5, Advances: []Advance{{Offset: 20, From: 1, To: 90}, {Offset: 40, From: 90, To: 200}}}
	for _, c := range []struct{ byTime, want int64 }{{60, 40}, {30, 30}, {2, 5}} {
		if got := r.Offset(100, c.byTime, decided); got != c.want {
			t.Errorf("by time from %d: from %d, want %d", c.byTime, got, c.want)
		}
	}
}
