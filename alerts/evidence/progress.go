package evidence

import "fmt"

// Progress is how much of the verdicts topic has been read since the start, in
// offsets. The newest records are read first.
type Progress struct {
	Read  int64 `json:"read"`
	Total int64 `json:"total"` // of what was there at the start; 0: not known yet
	Done  bool  `json:"-"`
}

// Reading tells how far the reading of what was there at the start has come. A
// history that was never told has nothing left to read.
func (h *History) Reading(p Progress) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reading = &p
	if p.Done {
		h.reading = nil
	}
}

// unread is what is still being read; nil: nothing.
func (h *History) unread() *Progress {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.reading == nil {
		return nil
	}
	p := *h.reading
	return &p
}

// words say how far it has come.
func (p *Progress) words() string {
	percent := 0
	if p.Total > 0 {
		percent = int(min(100*max(p.Read, 0)/p.Total, 99))
	}
	return fmt.Sprintf("%d %% done", percent)
}
