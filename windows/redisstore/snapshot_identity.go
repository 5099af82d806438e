package redisstore

import (
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// A snapshotIdentity tells whether a snapshot offered again is the same. Every
// change of a pane counts an event or a late one, so counts stand for contents.
type snapshotIdentity struct {
	nextOffset         int64
	watermark, lastEnd windows.Timestamp
	mark               MarkFields // without the advance
	hasAdvance         bool
	advance            Advance
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
	if mark.Advance != nil {
		s.hasAdvance, s.advance = true, *mark.Advance
		s.mark.Advance = nil
	}
	for _, p := range snapshot.Changed {
		s.panes = append(s.panes, paneIdentity{p.Key, p.Events, p.Late})
	}
	slices.SortFunc(s.panes, func(a, b paneIdentity) int { return a.key.Compare(b.key) })
	return s
}

func (s snapshotIdentity) equal(o snapshotIdentity) bool {
	return s.nextOffset == o.nextOffset && s.watermark == o.watermark && s.lastEnd == o.lastEnd && s.mark == o.mark &&
		s.hasAdvance == o.hasAdvance && s.advance == o.advance && slices.Equal(s.panes, o.panes) && slices.Equal(s.dropped, o.dropped)
}
