package kafka

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

func TestWhoWaitsForWhom(t *testing.T) {
	id := func(n int32) windows.PartitionID { return windows.PartitionID{Partition: n} }
	at := func(watermark windows.Timestamp) redisstore.Mark {
		return redisstore.Mark{Found: true, Watermark: watermark}
	}
	held := func(watermark, through windows.Timestamp) redisstore.Mark {
		return redisstore.Mark{Found: true, Watermark: watermark, Held: true, HeldThrough: through}
	}
	type marks = map[windows.PartitionID]redisstore.Mark
	for _, c := range []struct {
		name  string
		marks marks
		waits bool
		for_  int32
		held  int
		lag   time.Duration
	}{
		{"nothing is known", marks{}, false, 0, 0, 0},
		{"nobody is held", marks{id(0): at(1000), id(1): at(9000)}, false, 0, 0, 0},
		{"two wait for a third", marks{id(0): held(9000, 5000), id(1): at(1000), id(2): held(8000, 4000)}, true, 1, 2, 8 * time.Second},
		{"a shard has yet to close what all have passed", marks{id(0): held(9000, 5000), id(1): at(6000)}, false, 0, 0, 0},
		{"one that was never read", marks{id(0): held(9000, 5000), id(1): {}}, true, 1, 1, 0},
		{"of two the first", marks{id(0): held(9000, 5000), id(1): at(1000), id(2): at(1000)}, true, 1, 1, 8 * time.Second},
	} {
		for range 10 { // whatever the order of the map
			got, w, waits := waitedFor(c.marks)
			if waits != c.waits || waits && (got != id(c.for_) || w.Held != c.held || w.Behind != c.lag) {
				t.Fatalf("%s: %v, %+v, %v", c.name, got, w, waits)
			}
		}
	}
}

// A wait is told once it has lasted, again every minute, and when it ends; one that
// moves on to another partition begins anew.
func TestAWaitIsToldWhenItLasts(t *testing.T) {
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	name := func(id windows.PartitionID) string { return fmt.Sprintf("a/b/%d", id.Partition) }
	marks := func(slow, fast int32) map[windows.PartitionID]redisstore.Mark {
		return map[windows.PartitionID]redisstore.Mark{
			{Partition: slow}: {Found: true, Watermark: 1000},
			{Partition: fast}: {Found: true, Watermark: 9000, Held: true, HeldThrough: 5000},
		}
	}
	var w waiting
	start := time.Unix(1000, 0)
	lines := func() int { return strings.Count(said.String(), "\n") }
	for second := range 70 {
		w.update(marks(1, 0), name, start.Add(time.Duration(second)*time.Second), log)
		want := 0
		if second >= 5 {
			want++
		}
		if second >= 65 {
			want++
		}
		if lines() != want {
			t.Fatalf("after %d s there are %d lines:\n%s", second, lines(), said.String())
		}
	}
	if current, waits := w.read(); !waits || current.Topic != "a/b" || current.Partition != "1" || !current.Since.Equal(start) {
		t.Errorf("%+v", current)
	}
	w.update(marks(0, 1), name, start.Add(70*time.Second), log)
	if current, _ := w.read(); current.Partition != "0" || !current.Since.Equal(start.Add(70*time.Second)) || lines() != 3 {
		t.Errorf("%+v, %d lines", current, lines())
	}
	w.update(nil, name, start.Add(71*time.Second), log)
	if _, waits := w.read(); waits || lines() != 3 {
		t.Errorf("it still waits, %d lines", lines())
	}
	if !strings.Contains(said.String(), "partition=a/b/1") || !strings.Contains(said.String(), "behind=8s") {
		t.Errorf("it says\n%s", said.String())
	}
}
