package redisstore

import (
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// A snapshotIdentity tells whether a snapshot offered again is the same. Every
// change of a pane counts an event or a late one, so counts stand for contents; an
// advance moves the watermark, and a gap the offset.
type snapshotIdentity struct {
	nextOffset         int64
	watermark, lastEnd windows.Timestamp
	mark               MarkFields
	panes              []paneIdentity
	dropped            []windows.PaneKey // in order
}

type paneIdentity struct {
	key          windows.PaneKey
	events, late uint64
}

func identify(snapshot windows.Snapshot, mark MarkFields) snapshotIdentity {
	s := snapshotIdentity{
		nextOffset: snapshot.NextOffset, watermark: snapshot.Watermark, lastEnd: snapshot.LastEnd, mark: mark,
		dropped: slices.SortedFunc(slices.Values(snapshot.Dropped), windows.PaneKey.Compare),
	}
	for _, p := range snapshot.Changed {
		s.panes = append(s.panes, paneIdentity{p.Key, p.Events, p.Late})
	}
	slices.SortFunc(s.panes, func(a, b paneIdentity) int { return a.key.Compare(b.key) })
	return s
}

func (s snapshotIdentity) equal(o snapshotIdentity) bool {
	return s.nextOffset == o.nextOffset && s.watermark == o.watermark && s.lastEnd == o.lastEnd && s.mark == o.mark &&
		slices.Equal(s.panes, o.panes) && slices.Equal(s.dropped, o.dropped)
}
