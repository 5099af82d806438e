package alertmanager

import (
	"slices"
	"time"
)

// entry is an alert that waits for an Alertmanager. It does not change.
type entry struct {
	identity
	shard   int
	payload payload
	until   time.Time // what it says may no longer be so after it
}

// A queue holds the newest of each alert, in the order in which they first came: an
// Alertmanager that comes back is told how things stand, not how they have stood.
type queue struct {
	most    int
	waiting []*place
	places  map[identity]*place
}

// place is where an alert waits, whatever becomes of it meanwhile.
type place struct{ *entry }

// add queues entries, and returns how many had to go for them: the oldest.
func (q *queue) add(entries []*entry) (dropped int) {
	if q.places == nil {
		q.places = make(map[identity]*place)
	}
	for _, e := range entries {
		if known := q.places[e.identity]; known != nil {
			known.entry = e
			continue
		}
		p := &place{e}
		q.waiting, q.places[e.identity] = append(q.waiting, p), p
	}
	for dropped < len(q.waiting)-q.most {
		delete(q.places, q.waiting[dropped].identity)
		dropped++
	}
	q.waiting = q.waiting[dropped:]
	return dropped
}

// first returns up to so many entries, which stay in the queue until they are
// removed. Those whose time is over are removed, and counted.
func (q *queue) first(most int, now time.Time) (entries []*entry, expired int) {
	var over []*entry
	for _, p := range q.waiting {
		if now.After(p.until) {
			over = append(over, p.entry)
		} else if entries = append(entries, p.entry); len(entries) == most {
			break
		}
	}
	q.remove(over)
	return entries, len(over)
}

// remove takes entries out, unless newer ones have taken their places.
func (q *queue) remove(entries []*entry) {
	gone := make(map[*entry]bool, len(entries))
	for _, e := range entries {
		gone[e] = true
	}
	q.removeFunc(func(e *entry) bool { return gone[e] })
}

// release takes out what a shard has in it.
func (q *queue) release(shard int) {
	q.removeFunc(func(e *entry) bool { return e.shard == shard })
}

func (q *queue) removeFunc(gone func(*entry) bool) {
	q.waiting = slices.DeleteFunc(q.waiting, func(p *place) bool {
		if !gone(p.entry) {
			return false
		}
		delete(q.places, p.identity)
		return true
	})
}
