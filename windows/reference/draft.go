package reference

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/kolmo-ml/kolmo/windows"
)

// A Draft is a reference that is still growing out of a version's first
// windows. It must survive a restart with the hashes of its samples, since
// windows that are yet to come will be merged into it. The zero Draft holds
// nothing yet.
type Draft struct {
	Window *windows.Window // all windows so far as one; nil before the first
	Blocks Blocks          // each of them, coarsely
}

// Append adds the next window, which belongs to the draft from then on.
func (d *Draft) Append(w *windows.Window) {
	d.Blocks.Add(w)
	if d.Window == nil {
		d.Window = w
		return
	}
	d.Window.Append(w)
}

// Bound brings what has grown back within limits: see windows.Window.Bound. What is
// known of the windows of a feature that does not stay goes with it.
func (d *Draft) Bound(limits windows.Limits) {
	d.Window.Bound(limits)
	d.Blocks.features = slices.DeleteFunc(d.Blocks.features, func(f *featureBlocks) bool {
		return !f.Prediction && d.Window.Feature(f.Name) == nil
	})
}

// Reference is what has grown: see FromWindow.
func (d *Draft) Reference(kind string, size int) *Reference {
	r := fromWindow(kind, d.Window, size)
	r.calibrate(&d.Blocks)
	r.seal()
	return r
}

// draftPart is one record of a draft: a feature, or the rest of its sample.
type draftPart struct {
	Name       string            `json:"name"`
	Role       string            `json:"role,omitempty"` // "prediction", or empty for a feature
	Continues  bool              `json:"continues,omitempty"`
	Moments    string            `json:"moments,omitempty"`
	NonFinite  uint64            `json:"non_finite,omitempty"`
	Nulls      uint64            `json:"nulls,omitempty"`
	Categories map[string]uint64 `json:"categories,omitempty"`
	Overflow   uint64            `json:"overflow,omitempty"`
	Capacity   int               `json:"capacity,omitempty"`
	Sample     string            `json:"sample,omitempty"` // base64 of (hash, float64) pairs, little-endian
	Blocks     *featureBlocks    `json:"blocks,omitempty"`
}

type draftHead struct {
	Format           int               `json:"format"`
	Start            windows.Timestamp `json:"start"`
	End              windows.Timestamp `json:"end"`
	Events           uint64            `json:"events"`
	FeatureEvents    uint64            `json:"feature_events"`
	PredictionEvents uint64            `json:"prediction_events"`
	OverLimit        uint64            `json:"over_limit,omitempty"`
	Parts            int               `json:"parts"`
}

// EncodeDraft writes a draft that holds a window as JSON records: a head, and
// parts below Kafka's limit of one megabyte. The same draft always gives the same
// bytes.
func EncodeDraft(d *Draft) (headRecord []byte, parts [][]byte) {
	w := d.Window
	add := func(t *windows.Tally, role string) {
		entries := slices.Clone(t.Sample.Entries())
		slices.SortFunc(entries, func(a, b windows.Entry) int {
			switch {
			case a.Hash != b.Hash && a.Hash < b.Hash, a.Hash == b.Hash && a.Value < b.Value:
				return -1
			case a == b:
				return 0
			}
			return 1
		})
		p := draftPart{
			Name: t.Name, Role: role, Moments: encodeMoments(t.Moments), NonFinite: t.NonFinite, Nulls: t.Nulls,
			Categories: t.Categories, Overflow: t.Overflow, Capacity: t.Sample.Capacity(),
			Blocks: d.Blocks.find(t.Name, role != ""),
		}
		for first := true; first || len(entries) > 0; first = false {
			n := min(len(entries), samplePart/2)
			if !first {
				p = draftPart{Name: t.Name, Role: role, Continues: true}
			}
			p.Sample = encodeEntries(entries[:n])
			parts = append(parts, encode(p))
			entries = entries[n:]
		}
	}
	for _, t := range w.Features {
		add(t, "")
	}
	if w.Prediction != nil {
		add(w.Prediction, windows.PredictionName)
	}
	return encode(draftHead{
		Format: format, Start: w.Interval.Start, End: w.Interval.End, Events: w.Events, FeatureEvents: w.FeatureEvents,
		PredictionEvents: w.PredictionEvents, OverLimit: w.OverLimit, Parts: len(parts),
	}), parts
}

// DecodeDraft reads what EncodeDraft wrote.
func DecodeDraft(headRecord []byte, parts [][]byte) (*Draft, error) {
	var h draftHead
	if err := json.Unmarshal(headRecord, &h); err != nil {
		return nil, fmt.Errorf("reading the head of a growing reference: %w", err)
	}
	if h.Format != format {
		return nil, fmt.Errorf("reading a growing reference: its format is %d, this program reads %d", h.Format, format)
	}
	if h.Parts != len(parts) {
		return nil, fmt.Errorf("reading a growing reference: it has %d parts, %d are here", h.Parts, len(parts))
	}
	w := &windows.Window{
		Interval: windows.Interval{Start: h.Start, End: h.End}, Events: h.Events, FeatureEvents: h.FeatureEvents,
		PredictionEvents: h.PredictionEvents, OverLimit: h.OverLimit,
	}
	draft := &Draft{Window: w}
	var current *windows.Tally
	for i, data := range parts {
		var p draftPart
		if err := json.Unmarshal(data, &p); err != nil {
			return nil, fmt.Errorf("reading part %d of a growing reference: %w", i, err)
		}
		if p.Continues {
			if current == nil || current.Name != p.Name {
				return nil, fmt.Errorf("part %d of a growing reference goes on with feature %q, which did not come before it", i, p.Name)
			}
		} else {
			moments, err := decodeMoments(p.Moments)
			if err != nil {
				return nil, fmt.Errorf("reading part %d of a growing reference: %w", i, err)
			}
			current = &windows.Tally{
				Name: p.Name, Moments: moments, NonFinite: p.NonFinite, Nulls: p.Nulls,
				Categories: p.Categories, Overflow: p.Overflow, Sample: windows.NewSample(p.Capacity),
			}
			if current.Categories == nil {
				current.Categories = make(map[string]uint64)
			}
			if p.Blocks != nil {
				if err := p.Blocks.check(p.Name, p.Role); err != nil {
					return nil, fmt.Errorf("reading part %d of a growing reference: %w", i, err)
				}
				draft.Blocks.insert(p.Blocks)
			}
			if p.Role == windows.PredictionName {
				w.Prediction = current
			} else {
				w.Features = append(w.Features, current)
			}
		}
		entries, err := decodeEntries(p.Sample)
		if err != nil {
			return nil, fmt.Errorf("reading the sample in part %d of a growing reference: %w", i, err)
		}
		current.Sample.Restore(entries)
	}
	return draft, nil
}

func encodeEntries(entries []windows.Entry) string {
	raw := make([]byte, 0, 16*len(entries))
	for _, e := range entries {
		raw = binary.LittleEndian.AppendUint64(raw, e.Hash)
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(e.Value))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func decodeEntries(text string) ([]windows.Entry, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(raw)%16 != 0 {
		return nil, fmt.Errorf("%d bytes are no whole number of entries", len(raw))
	}
	entries := make([]windows.Entry, len(raw)/16)
	for i := range entries {
		entries[i].Hash = binary.LittleEndian.Uint64(raw[16*i:])
		entries[i].Value = math.Float64frombits(binary.LittleEndian.Uint64(raw[16*i+8:]))
	}
	return entries, nil
}
