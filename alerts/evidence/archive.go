package evidence

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// An Archive reads records of the verdicts topic again. It may be called by
// several goroutines at once, and may block until the context ends.
type Archive interface {
	// Read returns the value of the record at a place, which the caller owns; an
	// error that is ErrGone where the topic does not hold it any more.
	Read(ctx context.Context, place Place) ([]byte, error)
}

// ErrGone says that a topic does not hold a record any more.
var ErrGone = errors.New("the topic does not hold the record any more")

// Reading again is bounded: readers at once, the time one may take, and the
// bytes that are kept of what was read last.
const (
	archiveReaders = 4
	archiveTimeout = 5 * time.Second
	archiveBytes   = 16 << 20
)

// rereader reads records again, a few at a time, and keeps those it read last.
type rereader struct {
	archive Archive // nil: nothing can be read again
	slots   chan struct{}

	mu      sync.Mutex
	byPlace map[Place]*list.Element // of reread
	recent  *list.List              // the last used in front
	bytes   int
}

type reread struct {
	place Place
	value []byte
}

func newRereader(archive Archive) *rereader {
	return &rereader{archive: archive, slots: make(chan struct{}, archiveReaders), byPlace: make(map[Place]*list.Element), recent: list.New()}
}

// read returns a record, which nobody may change.
func (r *rereader) read(ctx context.Context, place Place) ([]byte, error) {
	if value, ok := r.kept(place); ok {
		return value, nil
	}
	if r.archive == nil {
		return nil, ErrGone
	}
	ctx, cancel := context.WithTimeout(ctx, archiveTimeout)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to read the record at offset %d of partition %d again: %w", place.Offset, place.Partition, ctx.Err())
	}
	value, err := r.archive.Read(ctx, place)
	if err != nil {
		return nil, err
	}
	r.keep(place, value)
	return value, nil
}

func (r *rereader) kept(place Place) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	element, ok := r.byPlace[place]
	if !ok {
		return nil, false
	}
	r.recent.MoveToFront(element)
	return element.Value.(reread).value, true
}

func (r *rereader) keep(place Place, value []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.byPlace[place]; ok || len(value) > archiveBytes {
		return
	}
	r.byPlace[place] = r.recent.PushFront(reread{place, value})
	for r.bytes += len(value); r.bytes > archiveBytes; {
		oldest := r.recent.Remove(r.recent.Back()).(reread)
		delete(r.byPlace, oldest.place)
		r.bytes -= len(oldest.value)
	}
}
