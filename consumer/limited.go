package consumer

import (
	"log/slog"
	"sync"
	"time"
)

// limitedLog writes at most one line a subject in ten seconds, and says how
// many it kept back.
type limitedLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]time.Time // guarded by mu
	kept map[string]int       // guarded by mu
}

func newLimitedLog(log *slog.Logger) *limitedLog {
	return &limitedLog{log: log, last: make(map[string]time.Time), kept: make(map[string]int)}
}

// warn logs a line about a subject, of which there must be few.
func (l *limitedLog) warn(subject, message string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.last[subject]) < 10*time.Second {
		l.kept[subject]++
		return
	}
	l.log.Warn(message, append(args, "not_logged", l.kept[subject])...)
	l.last[subject], l.kept[subject] = now, 0
}
