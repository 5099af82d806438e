package kafka

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
	"github.com/kolmo-ml/kolmo/windows/redisstore"
)

// errBehind says that Redis holds less of a partition than was read a moment
// ago: it has lost something, and the partition's owner will read it again.
var errBehind = errors.New("less of it is in Redis than a moment ago: its owner reads it again")

// An input is a partition that the shard closes by.
type input struct {
	id    windows.PartitionID
	topic string // its name
	name  string // as people know it
	ended bool
}

// meet takes over which input partitions there are. It reports whether that is
// something new, which must be committed before anything more is closed: a
// partition begins only when every shard has promised, durably, to wait for it.
func (s *shard) meet() (news bool) {
	if s.own.Partitions == nil {
		s.own.Partitions = make(map[string]alerts.Partition)
	}
	// By topic name: the id that the brokers tell, and the one that is waited for.
	told, waited := make(map[string]windows.TopicID), make(map[string]windows.TopicID)
	current := s.options.Inputs.Partitions()
	for _, id := range current {
		told[s.options.Inputs.Topic(id.Topic)] = id.Topic
	}
	ended := make(map[windows.TopicID]bool)
	for text, p := range s.own.Partitions {
		id, err := parsePartition(text)
		switch {
		case err != nil: // not ours
		case p.Ended:
			ended[id.Topic] = true
		default:
			waited[p.Topic] = id.Topic
		}
	}
	// What the brokers tell is old where it names a topic that another has taken
	// the place of.
	stale := func(name string) bool {
		other, known := waited[name]
		return known && ended[told[name]] && other != told[name]
	}
	for _, id := range current {
		name := s.options.Inputs.Topic(id.Topic)
		p, known := s.own.Partitions[id.String()]
		if stale(name) || known && !p.Ended {
			continue
		}
		p.Topic, p.Ended = name, false
		s.own.Partitions[id.String()] = p
		s.log.Info("an input partition is waited for from now on", "partition", s.options.Inputs.Name(id))
		news = true
	}
	for text, p := range s.own.Partitions {
		id, err := parsePartition(text)
		now, isInput := told[p.Topic]
		if err != nil || p.Ended || isInput && (now == id.Topic || stale(p.Topic)) {
			continue
		}
		p.Ended = true
		s.own.Partitions[text] = p
		s.log.Warn("an input topic is gone, or no input any more: its partition is not waited for; what it holds of open windows counts",
			"topic", p.Topic, "topic_id", id.Topic.String(), "partition", id.Partition)
		news = true
	}
	s.listInputs()
	return news
}

// listInputs orders the partitions as panes are merged: by topic name, then by
// number.
func (s *shard) listInputs() {
	s.inputs = s.inputs[:0:0]
	var ids []windows.PartitionID
	for text, p := range s.own.Partitions {
		id, err := parsePartition(text)
		if err != nil {
			continue
		}
		s.inputs = append(s.inputs, input{id: id, topic: p.Topic, name: fmt.Sprintf("%s/%d", p.Topic, id.Partition), ended: p.Ended})
		ids = append(ids, id)
	}
	slices.SortFunc(s.inputs, func(a, b input) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.id.Partition, b.id.Partition), bytes.Compare(a.id.Topic[:], b.id.Topic[:]))
	})
	s.places = make([]alerts.Input, len(s.inputs))
	for i, in := range s.inputs {
		s.places[i] = alerts.Input{Topic: in.topic, ID: in.id}
	}
	s.closers.marks.want(s.number, ids)
}

// learn takes over what the checkpoints say was decided: the next commit makes it
// durable, because what closes in it may rely on it.
func (s *shard) learn(shares []redisstore.Share) {
	before := s.options.Rewind.From(s.own.Through)
	for i, share := range shares {
		if share.Found {
			text := s.inputs[i].id.String()
			known := s.own.Partitions[text]
			s.begun = s.begun || !known.Begun
			s.own.Partitions[text] = known.Learn(share.Decisions, before)
		}
	}
}

// gaps are those that a window may lack events by.
func (s *shard) gaps(window windows.Interval, d *windows.Definition) []drift.Gap {
	var gaps []drift.Gap
	for _, in := range s.inputs {
		for _, g := range s.own.Partitions[in.id.String()].Gaps {
			if g.Touches(window, d.Lateness) {
				gaps = append(gaps, drift.Gap{Partition: in.name, From: g.From, To: g.To})
			}
		}
	}
	return gaps
}

// dropEnded forgets partitions that have ended, once no window of the shard needs
// what they hold.
func (s *shard) dropEnded(ctx context.Context) error {
	var ids []windows.PartitionID
	for _, in := range s.inputs {
		if in.ended {
			ids = append(ids, in.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	needed, err := s.neededOfEnded(ctx, ids)
	if err != nil {
		return err
	}
	shares, err := s.options.Store.Shares(ctx, ids, s.number)
	if err != nil {
		return err
	}
	for i, share := range shares {
		if needed[i] {
			continue
		}
		if err := s.options.Store.DropShare(ctx, ids[i], s.number, share.Panes); err != nil {
			return err
		}
		delete(s.own.Partitions, ids[i].String())
		s.log.Info("a partition that has ended is forgotten", "partition", ids[i].String())
	}
	s.listInputs()
	return nil
}

// neededOfEnded tells of which partitions a window still needs what they hold: one
// of this shard, or of any other that compares with a version of this shard. This
// one, in turn, may compare with versions of the others.
func (s *shard) neededOfEnded(ctx context.Context, ids []windows.PartitionID) ([]bool, error) {
	marks, err := s.options.Store.Throughs(ctx, s.options.Progress, s.options.Shards)
	if err != nil {
		return nil, err
	}
	everywhere := s.own.Through
	for _, mark := range marks {
		if !mark.Found {
			mark.Through = windows.Unset
		}
		everywhere = min(everywhere, mark.Through)
	}
	needed := make([]bool, len(ids))
	for number := range s.options.Shards {
		shares, err := s.options.Store.Shares(ctx, ids, number)
		if err != nil {
			return nil, err
		}
		for i, share := range shares {
			needed[i] = needed[i] || slices.ContainsFunc(share.Panes, func(e redisstore.Entry) bool {
				settings := s.options.Model(e.Key.Model).Settings
				through := s.own.Through
				switch {
				case number == s.number && settings.Compared:
					through = everywhere
				case number != s.number && !settings.Compared:
					return false
				}
				return settings.Definition.NeededUntil(e.Key.Index) > through
			})
		}
	}
	return needed, nil
}
