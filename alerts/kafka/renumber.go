package kafka

import (
	"errors"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
)

// errRenumbered says that a pane was counted by another definition of windows.
var errRenumbered = errors.New("it was counted by windows of another definition: its owner is to run with this configuration")

// renumber takes over a changed definition of windows: versions go on with the new
// windows where their last one ended. What it returns must be committed before
// anything closes, together with the shard's record, which has partitions read again
// what follows.
func (s *shard) renumber() []*alerts.Progress {
	var renumbered []*alerts.Progress
	for key, v := range s.versions {
		progress := *v.progress
		if !progress.Renumber(s.options.Model(key.Model).Definition) {
			continue
		}
		s.versions[key] = &version{progress: &progress, draft: v.draft}
		renumbered = append(renumbered, &progress)
		end := windows.TimestampOf(progress.Window.End)
		if s.own.Reread == nil || end < *s.own.Reread {
			s.own.Reread = &end
		}
		s.log.Info("the windows of a model version are defined otherwise from now on", "model", key.Model, "version", key.Version, "from", end.String())
	}
	return renumbered
}
