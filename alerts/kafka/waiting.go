package kafka

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// Waiting says which input partition the others wait for: they have run ahead of it
// as far as they may, and no window that it has not passed can close.
type Waiting struct {
	Topic     string
	Partition string // its number
	// Watermark is how far it has come, in event time; Unset: it has never been read.
	Watermark windows.Timestamp
	Behind    time.Duration // the watermark that is furthest ahead; 0 while it has none
	Held      int           // partitions that have stopped for it
	Since     time.Time
}

const (
	// noteworthy is how long a wait must last before people hear of it: with a backlog
	// every partition waits for every other one, for a moment.
	noteworthy = 5 * time.Second
	// repeatWaiting is how often the log says that it still lasts.
	repeatWaiting = time.Minute
)

// waiting follows who waits for whom.
type waiting struct {
	mu      sync.Mutex
	current Waiting // guarded by mu
	waits   bool    // guarded by mu
	id      windows.PartitionID
	told    time.Time // when the log last said so; zero: not of this wait
}

// Waiting is the partition that others have waited for since some seconds; ok is
// false when there is none. An instance knows while it owns a shard.
func (c *Closers) Waiting() (w Waiting, ok bool) {
	c.waiting.mu.Lock()
	defer c.waiting.mu.Unlock()
	return c.waiting.current, c.waiting.waits && time.Since(c.waiting.current.Since) >= noteworthy
}

// followWaiting looks at the marks until the context ends.
func (c *Closers) followWaiting(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			all, _ := c.marks.read()
			c.waiting.update(all, c.options.Inputs.Name, time.Now(), c.log)
			c.options.Metrics.waiting(c.waiting.read())
		case <-ctx.Done():
			return
		}
	}
}

func (w *waiting) read() (Waiting, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current, w.waits
}

// update finds out who waits for whom now, and says so when it has lasted.
func (w *waiting) update(all map[windows.PartitionID]redisstore.Mark, name func(windows.PartitionID) string, now time.Time, log *slog.Logger) {
	id, found, waits := waitedFor(all)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !waits || w.waits && id != w.id {
		if !w.told.IsZero() {
			log.Info("the partition that others waited for goes on", "partition", w.current.Topic+"/"+w.current.Partition, "waited", now.Sub(w.current.Since).Round(time.Second))
		}
		w.waits, w.told = false, time.Time{}
	}
	if !waits {
		return
	}
	if w.waits {
		found.Since = w.current.Since
	} else {
		found.Since = now
	}
	full := name(id)
	if i := strings.LastIndexByte(full, '/'); i >= 0 {
		found.Topic, found.Partition = full[:i], full[i+1:]
	}
	w.current, w.waits, w.id = found, true, id
	if now.Sub(found.Since) < noteworthy || !w.told.IsZero() && now.Sub(w.told) < repeatWaiting {
		return
	}
	w.told = now
	log.Warn("partitions wait for one that does not go on: is anybody still sending to it, and does an instance read it?",
		"partition", full, "watermark", found.Watermark.String(), "behind", found.Behind, "waiting", found.Held, "for", now.Sub(found.Since).Round(time.Second))
}

// waitedFor is the partition with the lowest watermark, if another is held until
// what it has not passed is closed. Of several the first by topic and number, so
// that it is the same one from look to look.
func waitedFor(all map[windows.PartitionID]redisstore.Mark) (id windows.PartitionID, w Waiting, waits bool) {
	lowest, highest := windows.Forever, windows.Unset
	for candidate, mark := range all {
		watermark := mark.Watermark
		if !mark.Found {
			watermark = windows.Unset
		}
		highest = max(highest, watermark)
		if watermark < lowest || watermark == lowest && before(candidate, id) {
			lowest, id = watermark, candidate
		}
	}
	w.Watermark = lowest
	if lowest != windows.Unset {
		w.Behind = time.Duration(highest-lowest) * time.Millisecond
	}
	for candidate, mark := range all {
		if mark.Found && mark.Held && candidate != id && mark.HeldThrough > lowest {
			w.Held++
		}
	}
	return id, w, w.Held > 0
}

func before(a, b windows.PartitionID) bool {
	if a.Topic != b.Topic {
		return string(a.Topic[:]) < string(b.Topic[:])
	}
	return a.Partition < b.Partition
}
