package evidence

import (
	"fmt"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// Waiting is an input partition that the others wait for: no window that it has not
// passed closes.
type Waiting struct {
	Partition string `json:"partition"` // topic/number
	// Watermark is how far it has come, in event time; nil: it has never been read.
	Watermark *time.Time    `json:"watermark,omitempty"`
	Behind    time.Duration `json:"-"` // the partition that is furthest ahead, in event time
	Held      int           `json:"waiting_partitions"`
	Since     time.Time     `json:"since"` // by the clock
}

// waitingWords are what the start page says of it.
type waitingWords struct {
	Partition, Progress, Held, Since, Machine, Runbook string
}

func (s *server) waitingWords() *waitingWords {
	w, ok := s.waiting()
	if !ok {
		return nil
	}
	words := &waitingWords{
		Partition: w.Partition, Progress: "It has not been read yet.",
		Since: clock(w.Since.Truncate(time.Second)) + " UTC", Machine: machine(w.Since.Truncate(time.Second)),
		Held: "Another partition has stopped for it since", Runbook: alerts.RunbookPath("KolmoPartitionStuck"),
	}
	if w.Watermark != nil {
		words.Progress = fmt.Sprintf("Its events have come to %s UTC, %s behind the partition that is furthest ahead.", clock(*w.Watermark), length(w.Behind))
	}
	if w.Held > 1 {
		words.Held = count(uint64(w.Held)) + " other partitions have stopped for it since"
	}
	return words
}

// length writes a duration in two units.
func length(d time.Duration) string {
	days, hours, minutes, seconds := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case days > 0:
		return fmt.Sprintf("%s %d h", plural(days, "day", "days"), hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	}
	return fmt.Sprintf("%d s", seconds)
}
