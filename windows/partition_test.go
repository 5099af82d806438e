package windows

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A script tells what comes to one partition, line by line, and what becomes of
// it:
//
//	event 10:20               accepted   an event of that time, in a record of that time
//	event 10:20 record 09:00  too far    …in a record of another
//	closed 10:00                         the shards have closed through 10:00
//	idle 11:00                           the partition is idle, and may advance
//	watermark                 10:20
//	panes                     10:00=2 11:00=1+1late
//
// Windows are hours with a lateness of ten minutes; an event may be two hours
// ahead of its record.
func TestPartitionStories(t *testing.T) {
	for _, story := range []struct{ name, script string }{
		{"events fill the window of their own time", `
			closed 09:00              -
			event 10:20               accepted
			event 10:59               accepted
			event 10:05               accepted
			event 11:00               accepted
			watermark                 11:00
			panes                     10:00=3 11:00=1
		`},
		{"an event is late once the watermark has passed the end and the lateness", `
			closed 09:00              -
			event 10:30               accepted
			event 11:09               accepted
			event 10:31               accepted
			event 11:10               accepted
			event 10:32               late
			panes                     10:00=2 11:00=2+1late
			watermark                 11:10
		`},
		{"late events are counted where the watermark stands", `
			closed 09:00              -
			event 10:30               accepted
			event 12:40               held
			closed 10:30              -
			event 12:40               accepted
			event 10:31               late
			event 10:32               late
			panes                     10:00=1 12:00=1+2late
		`},
		{"a clock that is ahead moves the watermark no further than the record's time", `
			closed 09:00              -
			event 11:30 record 10:00  accepted
			watermark                 10:00
			event 10:05               accepted
			event 12:01 record 10:00  too far
			watermark                 10:05
			panes                     10:00=1 11:00=1
		`},
		{"a backfill with old event times moves it by the event's time", `
			closed 00:00              -
			event 01:30 record 23:00  accepted
			watermark                 01:30
			event 02:00 record 23:00  accepted
			watermark                 02:00
		`},
		{"an event is held until what came before is closed, and counts for the watermark", `
			event 10:20               held
			watermark                 10:20
			closed 07:59              -
			event 10:20               held
			closed 08:00              -
			event 10:20               accepted
			watermark                 10:20
		`},
		{"nothing advances while an event is held", `
			event 10:20               held
			idle 12:00                -
			watermark                 10:20
		`},
		{"an idle partition advances, and what comes later for a closed window is late", `
			closed 09:00              -
			event 10:20               accepted
			idle 11:10                -
			watermark                 11:10
			event 10:40               late
			panes                     10:00=1 11:00=0+1late
		`},
		{"panes go when nobody needs them any more", `
			closed 09:00              -
			event 10:20               accepted
			event 11:20               accepted
			closed 11:09              -
			panes                     10:00=1 11:00=1
			closed 11:10              -
			panes                     11:00=1
		`},
	} {
		t.Run(story.name, func(t *testing.T) { tell(t, story.script) })
	}
}

// hourly is a partition whose windows are hours that stay open for ten minutes.
func hourly(t *testing.T, maxAhead time.Duration) *Partition {
	t.Helper()
	definition := &Definition{Size: DurationSpan(time.Hour), Lateness: 10 * time.Minute, Origin: Unset}
	if err := definition.Validate(); err != nil {
		t.Fatal(err)
	}
	settings := &Settings{Definition: definition, SampleSize: 4}
	return NewPartition(PartitionID{}, Rules{
		Settings: func(string) *Settings { return settings },
		Grid:     func(string, string, Timestamp) (*Grid, bool) { return nil, true },
		Shards:   1, MaxAhead: maxAhead, Limits: Limits{Models: 10, Features: 10, Categories: 10},
	}, 0)
}

func tell(t *testing.T, script string) {
	t.Helper()
	p := hourly(t, 2*time.Hour)
	clock := func(text string) Timestamp { return at("2026-01-05T" + text + ":00Z") }
	offset := int64(0)
	for _, line := range strings.Split(strings.TrimSpace(script), "\n") {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		said := ""
		switch words[0] {
		case "event":
			o := Observation{Offset: offset, Time: clock(words[1]), RecordTime: clock(words[1]), Model: []byte("m")}
			words = words[2:]
			if words[0] == "record" {
				o.RecordTime, words = clock(words[1]), words[2:]
			}
			result := p.Offer(&o)
			if result != Held {
				offset++
			}
			said = map[Result]string{Accepted: "accepted", Late: "late", TooFarAhead: "too far", Held: "held", OverLimit: "over the limit"}[result]
			if p.NextOffset() != offset {
				t.Fatalf("%s: the next offset is %d, want %d", line, p.NextOffset(), offset)
			}
		case "closed":
			p.ClosedThrough(0, clock(words[1]))
			words, said = words[2:], "-"
		case "idle":
			p.AdvanceIdle(clock(words[1]))
			words, said = words[2:], "-"
		case "watermark":
			words, said = words[1:], p.Watermark().Time().Format("15:04")
		case "panes":
			words, said = words[1:], panesOf(p)
		default:
			t.Fatalf("the script says %q", line)
		}
		if want := strings.Join(words, " "); said != want {
			t.Fatalf("%s: it is %q", line, said)
		}
	}
}

// panesOf lists the panes that are held, in the order of time.
func panesOf(p *Partition) string {
	var list []string
	for hour := int64(0); hour < 24; hour++ {
		start := at(fmt.Sprintf("2026-01-05T%02d:00:00Z", hour))
		for _, s := range p.streams {
			for _, pane := range s.panes {
				if pane.Interval.Start != start {
					continue
				}
				text := fmt.Sprintf("%02d:00=%d", hour, pane.Events)
				if pane.Late > 0 {
					text += fmt.Sprintf("+%dlate", pane.Late)
				}
				list = append(list, text)
			}
		}
	}
	return strings.Join(list, " ")
}

// Once a pane has its features, counting an event allocates nothing.
func TestAcceptingAllocatesNothing(t *testing.T) {
	definition := &Definition{Size: DurationSpan(time.Hour), Origin: Unset}
	if err := definition.Validate(); err != nil {
		t.Fatal(err)
	}
	settings := &Settings{Definition: definition, SampleSize: 16}
	grid := &Grid{ID: "g", Features: []FeatureGrid{{Name: "x", Edges: []float64{-1, 0, 1}}}}
	grid.Prepare()
	p := NewPartition(PartitionID{}, Rules{
		Settings: func(string) *Settings { return settings },
		Grid:     func(string, string, Timestamp) (*Grid, bool) { return grid, true },
		Shards:   1, Limits: Limits{Models: 10, Features: 10, Categories: 10},
	}, 0)
	p.ClosedThrough(0, 0)
	o := Observation{
		Model: []byte("m"), HasFeatures: true, IsPrediction: true, Status: []byte("ok"), HasLatency: true, Latency: 3,
		Prediction: Value{Kind: Number, Number: 1},
		Features: []Field{
			{Name: []byte("x"), Value: Value{Kind: Number, Number: 0.5}},
			{Name: []byte("c"), Value: Value{Kind: Text, Text: []byte("blue")}},
		},
	}
	offer := func() {
		if r := p.Offer(&o); r != Accepted {
			t.Fatalf("result %d", r)
		}
		o.Offset++
		o.Time++
		o.RecordTime++
	}
	for range 100_000 { // until samples and buffers have their size
		offer()
	}
	p.Checkpointed(p.Snapshot())
	if allocated := testing.AllocsPerRun(2000, offer); allocated > 0 {
		t.Errorf("%v allocations an event", allocated)
	}
}
