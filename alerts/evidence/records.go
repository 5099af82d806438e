package evidence

import (
	"bytes"
	"container/heap"
	"time"
)

// keptRecords are the whole records of the newest windows, by the windows'
// starts, as many as the limit has room for.
type keptRecords struct {
	limit, bytes int64
	byPlace      map[Place]*keptRecord
	oldest       recordHeap
}

// A keptRecord is one of them.
type keptRecord struct {
	place Place
	start time.Time
	value []byte
	at    int // in the heap
}

// recordOverhead is what a record takes beside its own bytes.
const recordOverhead = 160

func newKeptRecords(limit int64) *keptRecords {
	return &keptRecords{limit: limit, byPlace: make(map[Place]*keptRecord)}
}

// add keeps a copy of a record, where it is newer than what it would push out.
func (k *keptRecords) add(place Place, start time.Time, value []byte) {
	k.drop(place)
	size := recordOverhead + int64(len(value))
	for k.bytes+size > k.limit {
		if len(k.oldest) == 0 || !k.oldest[0].start.Before(start) {
			return
		}
		k.drop(k.oldest[0].place)
	}
	r := &keptRecord{place: place, start: start, value: bytes.Clone(value)}
	k.byPlace[place] = r
	heap.Push(&k.oldest, r)
	k.bytes += size
}

// drop lets go of a record, if it is there.
func (k *keptRecords) drop(place Place) {
	r, ok := k.byPlace[place]
	if !ok {
		return
	}
	delete(k.byPlace, place)
	heap.Remove(&k.oldest, r.at)
	k.bytes -= recordOverhead + int64(len(r.value))
}

// recordHeap has the oldest window's record in front.
type recordHeap []*keptRecord

func (h recordHeap) Len() int           { return len(h) }
func (h recordHeap) Less(i, j int) bool { return h[i].start.Before(h[j].start) }
func (h recordHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push implements heap.Interface.
func (h *recordHeap) Push(x any) {
	r := x.(*keptRecord)
	r.at = len(*h)
	*h = append(*h, r)
}

// Pop implements heap.Interface.
func (h *recordHeap) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return r
}
