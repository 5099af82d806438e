package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
	"github.com/kolmo-ml/kolmo/windows/reference"
)

// gather reads what closing a window needs. The directories are by shard; one
// that is read here is added.
func (s *shard) gather(ctx context.Context, marks []redisstore.Mark, directories map[int]map[alerts.Version]*held, v *version, due dueWindow) (alerts.Step, error) {
	settings := s.options.Model(due.version.Model).Settings
	step := alerts.Step{Progress: v.progress, Due: due.window, Gaps: s.gaps(due.window.Interval, settings.Definition), Now: time.Now().UTC(), Inputs: s.places}
	var err error
	if step.Parts, err = s.parts(ctx, directories[s.number][due.version], due.window); err != nil {
		return step, err
	}
	serving, err := s.serving(ctx, v.progress, due.window.Interval.Start)
	if err != nil {
		return step, err
	}
	if serving != nil {
		if step.Reference, err = s.closers.cache.get(ctx, serving.ID); err != nil {
			return step, fmt.Errorf("reading the reference of model %q version %q: %w", due.version.Model, due.version.Version, err)
		}
	}
	if step.Summaries, err = s.recall(ctx, settings, v.progress, due.window); err != nil {
		return step, err
	}
	if settings.Against != "" && settings.Against != due.version.Version {
		if step.Against, err = s.against(ctx, marks, directories, alerts.Version{Model: due.version.Model, Version: settings.Against}, due.window); err != nil {
			return step, err
		}
	}
	if settings.Traffic != nil {
		if step.Beside, err = s.beside(ctx, marks, directories, due.version, due.window); err != nil {
			return step, err
		}
	}
	if v.draft != nil {
		if step.Draft, err = v.draft.decode(); err != nil {
			return step, err
		}
	}
	return step, nil
}

// parts reads the panes of a window.
func (s *shard) parts(ctx context.Context, h *held, due windows.DueWindow) ([]windows.Part, error) {
	if h == nil {
		return nil, nil
	}
	var parts []windows.Part
	for _, place := range slices.Sorted(maps.Keys(h.entries)) {
		var wanted []redisstore.Entry
		for _, entry := range h.entries[place] {
			if entry.Key.Index >= due.FirstPane && entry.Key.Index < due.EndPane {
				wanted = append(wanted, entry)
			}
		}
		if len(wanted) == 0 {
			continue
		}
		read, err := s.options.Store.Panes(ctx, s.inputs[place].id, wanted)
		if err != nil {
			return nil, err
		}
		for _, pane := range read {
			parts = append(parts, windows.Part{Partition: place, Pane: pane})
		}
	}
	return parts, nil
}

// against reads the panes that another version has in a window. They are final,
// since the marks were read before, and still there, since partitions keep them
// until this shard, too, has closed the window.
func (s *shard) against(ctx context.Context, marks []redisstore.Mark, directories map[int]map[alerts.Version]*held, other alerts.Version, due windows.DueWindow) ([]windows.Part, error) {
	directory, err := s.directory(ctx, marks, directories, windows.Shard(other.Model, other.Version, s.options.Shards))
	if err != nil {
		return nil, err
	}
	return s.parts(ctx, directory[other], due)
}

// directory is a shard's, read unless it has been.
func (s *shard) directory(ctx context.Context, marks []redisstore.Mark, directories map[int]map[alerts.Version]*held, number int) (map[alerts.Version]*held, error) {
	if directories[number] == nil {
		read, _, err := s.directories(ctx, marks, number)
		if err != nil {
			return nil, err
		}
		directories[number] = read
	}
	return directories[number], nil
}

// beside counts what the other versions of a model have in a window. Their panes are
// final and still there for the reasons that against gives.
func (s *shard) beside(ctx context.Context, marks []redisstore.Mark, directories map[int]map[alerts.Version]*held, v alerts.Version, due windows.DueWindow) (alerts.Beside, error) {
	var beside alerts.Beside
	for number := range s.options.Shards {
		directory, err := s.directory(ctx, marks, directories, number)
		if err != nil {
			return beside, err
		}
		for other, h := range directory {
			if other.Model != v.Model || other == v {
				continue
			}
			var events uint64
			for _, count := range h.counts {
				if count.Index >= due.FirstPane && count.Index < due.EndPane {
					events += count.Events
				}
			}
			beside.Add(events)
		}
	}
	return beside, nil
}

// serving finds the reference that a window is compared with: the version's
// own, or the one that the configuration names for its model.
func (s *shard) serving(ctx context.Context, progress *alerts.Progress, start windows.Timestamp) (*alerts.Serving, error) {
	from := func(r *alerts.Serving) windows.Timestamp { return r.ServesFrom }
	model := s.options.Model(progress.Model)
	if own := model.Pinned(progress, start); own != nil {
		return own, nil
	}
	pattern := model.Pattern
	if pattern == "" {
		return nil, nil
	}
	home := windows.Shard(pattern, "", s.options.Shards)
	if home == s.number {
		return alerts.InForce(s.own.Configured[pattern].Serving, from, start), nil
	}
	// The grid and the reference of the configuration take effect together.
	through, err := s.options.Store.GridsInForce(ctx, s.options.Progress, home)
	if err != nil {
		return nil, fmt.Errorf("reading the references of the configuration: %w", err)
	}
	var found *alerts.Serving
	listed := false
	for _, g := range through.Grids {
		if !g.Pattern || g.Model != pattern {
			continue
		}
		listed = true
		if g.EffectiveFrom <= start && (found == nil || g.EffectiveFrom > found.GridFrom) {
			found = &alerts.Serving{ID: g.GridID, Kind: reference.Fixed, GridFrom: g.EffectiveFrom, ServesFrom: g.EffectiveFrom}
		}
	}
	if !listed {
		// No event of the model was counted before the reference was listed: Redis has
		// lost it, and its shard's owner puts it back.
		return nil, fmt.Errorf("reading the reference that the configuration names for %q: Redis does not list it", pattern)
	}
	return found, nil
}
