package alerts

import (
	"fmt"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/kolmo-ml/kolmo/windows"
	"github.com/kolmo-ml/kolmo/windows/drift"
)

// A Version is a model version: the unit in which windows close.
type Version struct {
	Model   string `json:"model"`
	Version string `json:"version"`
	Segment string `json:"segment"`
}

// Progress is how far a version has come: the record on the progress topic,
// written in the transaction of every verdict. With the panes it is all that
// is needed to go on.
type Progress struct {
	Schema int `json:"schema"`
	Version
	// Window is the last one emitted; nil before the first.
	Window *drift.Bounds `json:"window,omitempty"`
	// Next is the number of the next window; ActiveUntil the end of the last
	// slice that held an event, in epoch milliseconds.
	Next        int64             `json:"next"`
	Numbering   string            `json:"numbering,omitempty"` // what Next counts: windows.Definition.Numbering
	ActiveUntil windows.Timestamp `json:"active_until"`
	// References in the order in which they came to serve.
	References []Serving `json:"references,omitempty"`
	// Draft is the reference that grows out of the first windows.
	Draft *Draft `json:"draft,omitempty"`
	// History are the windows that later ones may be compared with, in the order
	// in which they closed; their summaries are in the references topic.
	History []Summary `json:"history,omitempty"`
	// Crowded are the features of which the grid told too little in a window: the
	// next one that holds events makes another.
	Crowded []string `json:"crowded,omitempty"`

	Alerts map[Kind]State `json:"alerts,omitempty"`
	// Volume is how many events are usual, by the places in a period.
	Volume []Slot `json:"volume,omitempty"`
	// Moved: when events last came, another version had more.
	Moved bool `json:"moved,omitempty"`
	// Saved is what earlier windows left of the budget of false pages.
	Saved float64 `json:"saved,omitempty"`
	// Retraining is what is remembered of it; nil where nothing is.
	Retraining *Retrained `json:"retraining,omitempty"`
}

// Serving is a reference and when it serves.
type Serving struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Rows uint64 `json:"rows"`
	// Parts are its records beside the head, where it can be retired.
	Parts int `json:"parts,omitempty"`
	// GridFrom: panes that start at or after it are counted on its grid.
	GridFrom windows.Timestamp `json:"grid_from"`
	// ServesFrom: windows that start at or after it are compared with it.
	ServesFrom windows.Timestamp `json:"serves_from"`
}

// Draft says how far a growing reference has come; its values are in the
// references topic.
type Draft struct {
	Windows int   `json:"windows"`  // that held events
	EndPane int64 `json:"end_pane"` // the slice after the last one it holds
}

// ShardProgress is the shard's own record.
type ShardProgress struct {
	Schema int `json:"schema"`
	Shards int `json:"shards"`
	// Through is what the shard has closed through; Unset before it closed
	// anything.
	Through windows.Timestamp `json:"through"`
	// Reread is the end of the last window before the definition of windows was
	// changed, while what follows has not been read again; nil: it has.
	Reread *windows.Timestamp `json:"reread,omitempty"`
	// Numbering is what all windows are numbered by.
	Numbering string `json:"numbering,omitempty"`
	// Definitions is the fingerprint of the configuration that verdicts depend on.
	Definitions string `json:"definitions,omitempty"`
	// Configured are the references that the configuration names, of the
	// patterns whose home is this shard.
	Configured map[string]Configured `json:"configured,omitempty"`
	// Partitions are the input partitions that Through is over, by their ids: each
	// is waited for from the record on that first names it.
	Partitions map[string]Partition `json:"partitions,omitempty"`
	Written    time.Time            `json:"written"`
}

// A Partition is what a shard knows of an input partition.
type Partition struct {
	Topic string `json:"topic"`
	// Begun: it has been read, and Start is the first offset that was.
	Begun bool  `json:"begun,omitempty"`
	Start int64 `json:"start,omitempty"`
	Ahead int64 `json:"ahead,omitempty"`
	// Ended: its topic is gone, or no input any more. Nothing waits for it; what
	// it holds of open windows still counts.
	Ended bool `json:"ended,omitempty"`
	// Advances and Gaps are the decisions that a close may have relied on.
	Advances []windows.Advance `json:"advances,omitempty"`
	Gaps     []windows.Gap     `json:"gaps,omitempty"`
}

// Decisions are those that the record holds.
func (p Partition) Decisions() windows.Decisions {
	return windows.Decisions{Start: p.Start, Ahead: p.Ahead, Advances: p.Advances, Gaps: p.Gaps}
}

// Learn adds what a checkpoint of the partition says, and forgets what no rewind
// from a record time needs.
func (p Partition) Learn(d windows.Decisions, before windows.Timestamp) Partition {
	known := d.Clone()
	if p.Begun {
		known = p.Decisions().Union(known)
	}
	known.Forget(before)
	p.Begun, p.Start, p.Ahead, p.Advances, p.Gaps = true, known.Start, known.Ahead, known.Advances, known.Gaps
	return p
}

// Configured is a reference that the configuration names for a pattern of
// model names.
type Configured struct {
	Source  string    `json:"source"` // hash of the file's bytes
	Serving []Serving `json:"serving"`
}

// DecodeProgress reads a version's record.
func DecodeProgress(data []byte) (*Progress, error) {
	var p Progress
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("reading a progress record: %w", err)
	}
	if p.Schema != Schema {
		return nil, fmt.Errorf("reading the progress of model %q version %q: its schema is %d, this program reads %d: run a version of kolmo that knows it",
			p.Model, p.Version.Version, p.Schema, Schema)
	}
	return &p, nil
}

// Encode writes the record.
func (p *Progress) Encode() ([]byte, error) {
	data, err := json.Append(nil, p, json.SortMapKeys)
	if err != nil {
		return nil, fmt.Errorf("writing the progress of model %q version %q: %w", p.Model, p.Version.Version, err)
	}
	return data, nil
}

// emitted is the part of the record that schedules windows.
func (p *Progress) emitted() windows.Emitted {
	return windows.Emitted{Any: p.Window != nil, Next: p.Next, ActiveUntil: p.ActiveUntil}
}

// Renumber goes on, after the last window, with those of another definition. It
// reports whether that is one: windows that start where the last one ended, or
// later, are then to be read again.
func (p *Progress) Renumber(d *windows.Definition) (renumbered bool) {
	if p.Window == nil || p.Numbering == "" || p.Numbering == d.Numbering() {
		return false
	}
	end := windows.TimestampOf(p.Window.End)
	p.Next, p.Numbering = d.FirstFrom(end), d.Numbering()
	if p.Draft != nil {
		draft := *p.Draft
		draft.EndPane = d.PaneFrom(end)
		p.Draft = &draft
	}
	return true
}

// InForce is the last of the references whose moment, as from tells it, is at
// or before t; nil when there is none.
func InForce(servings []Serving, from func(*Serving) windows.Timestamp, t windows.Timestamp) *Serving {
	for i := len(servings) - 1; i >= 0; i-- {
		if from(&servings[i]) <= t {
			return &servings[i]
		}
	}
	return nil
}

// DecodeShardProgress reads a shard's record.
func DecodeShardProgress(data []byte) (*ShardProgress, error) {
	var p ShardProgress
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("reading a shard's progress: %w", err)
	}
	if p.Schema != Schema {
		return nil, fmt.Errorf("reading a shard's progress: its schema is %d, this program reads %d: run a version of kolmo that knows it", p.Schema, Schema)
	}
	return &p, nil
}

// Encode writes the shard's record.
func (p *ShardProgress) Encode() ([]byte, error) {
	data, err := json.Append(nil, p, json.SortMapKeys)
	if err != nil {
		return nil, fmt.Errorf("writing a shard's progress: %w", err)
	}
	return data, nil
}
