package service

import (
	"strings"
	"sync"
)

// A seriesRoom bounds the bytes that names can make of the metrics page. Models that
// the configuration does not name share half of it, so that a flood of names
// leaves the others alone.
type seriesRoom struct {
	most  int64 // 0: no bound
	named map[string]bool

	mu    sync.Mutex
	taken int64 // guarded by mu
}

func newSeriesRoom(most int64, named map[string]bool) *seriesRoom {
	return &seriesRoom{most: most, named: named}
}

// take takes room for lines about a model, if there is any. Fewer than no lines
// give back.
func (r *seriesRoom) take(model string, lines int, metric string, labels ...string) bool {
	bytes := int64(lines) * lineBytes(metric, labels)
	r.mu.Lock()
	defer r.mu.Unlock()
	most := r.most
	if !r.named[model] {
		most /= 2
	}
	if bytes > 0 && r.most > 0 && r.taken+bytes > most {
		return false
	}
	r.taken += bytes
	return true
}

// lineBytes is about what a line of the page takes, or a little more: the name of
// the metric, the labels as they are escaped, and a number.
func lineBytes(metric string, labels []string) int64 {
	n := 40 + len(metric)
	for _, text := range labels {
		n += len(text) + 16 + strings.Count(text, `\`) + strings.Count(text, `"`) + strings.Count(text, "\n")
	}
	return int64(n)
}
