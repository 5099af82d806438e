package reference

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/kolmo-ml/kolmo/windows"
)

// format is the version of the encoding.
const format = 1

// samplePart is how many values of a sample a part holds: 384 KiB, or half a
// megabyte of base64, which leaves room below Kafka's limit of one megabyte
// for a record.
const samplePart = 48 << 10

// head is the first record of a reference.
type head struct {
	Format int `json:"format"`
	Reference
	Parts int `json:"parts"`
}

// part is a record of one feature. The first of a feature carries everything
// and the beginning of its sample; the others go on with the sample.
type part struct {
	*Feature   `json:"feature,omitempty"`
	Moments    string `json:"moments,omitempty"` // base64 of the count, min, max, mean and M2, as float64 bits
	Prediction bool   `json:"prediction,omitempty"`
	Continues  string `json:"continues,omitempty"` // the name of the feature
	Sample     string `json:"sample,omitempty"`    // base64 of little-endian float64s
}

// Encode writes the reference as JSON records: a head, and the parts in order.
// The same reference always gives the same bytes.
func (r *Reference) Encode() (headRecord []byte, parts [][]byte) {
	for _, f := range r.all() {
		rest := f.Sample
		for first := true; first || len(rest) > 0; first = false {
			n := min(len(rest), samplePart)
			p := part{Sample: encodeFloats(rest[:n])}
			if first {
				p.Feature, p.Prediction, p.Moments = f, f == r.Prediction, encodeMoments(f.Moments)
				if r.Kind == Window {
					p.Feature = f.withoutEdges()
				}
			} else {
				p.Continues = f.Name
			}
			parts = append(parts, encode(p))
			rest = rest[n:]
		}
	}
	return encode(head{Format: format, Reference: *r, Parts: len(parts)}), parts
}

// encode marshals what cannot fail to be marshalled: plain structs without
// NaNs, which no Feature holds.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("reference: " + err.Error()) // a programmer's error: a type that has no JSON
	}
	return data
}

// DecodeHead reads a head record: everything but the features, and how many
// parts belong to it.
func DecodeHead(data []byte) (*Reference, int, error) {
	var h head
	if err := json.Unmarshal(data, &h); err != nil {
		return nil, 0, fmt.Errorf("reading a reference's head: %w", err)
	}
	if h.Format != format {
		return nil, 0, fmt.Errorf("reading reference %s: its format is %d, this program reads %d", h.ID, h.Format, format)
	}
	return &h.Reference, h.Parts, nil
}

// Decode reads what Encode wrote.
func Decode(headRecord []byte, parts [][]byte) (*Reference, error) {
	r, count, err := DecodeHead(headRecord)
	if err != nil {
		return nil, err
	}
	if count != len(parts) {
		return nil, fmt.Errorf("reading reference %s: it has %d parts, %d are here", r.ID, count, len(parts))
	}
	var current *Feature
	for i, data := range parts {
		var p part
		if err := json.Unmarshal(data, &p); err != nil {
			return nil, fmt.Errorf("reading part %d of reference %s: %w", i, r.ID, err)
		}
		switch {
		case p.Feature != nil && p.Prediction:
			r.Prediction, current = p.Feature, p.Feature
		case p.Feature != nil:
			r.Features, current = append(r.Features, p.Feature), p.Feature
		case current == nil || current.Name != p.Continues:
			return nil, fmt.Errorf("part %d of reference %s goes on with feature %q, which did not come before it", i, r.ID, p.Continues)
		}
		if p.Feature != nil {
			if p.Feature.Moments, err = decodeMoments(p.Moments); err != nil {
				return nil, fmt.Errorf("reading the moments in part %d of reference %s: %w", i, r.ID, err)
			}
		}
		values, err := decodeFloats(p.Sample)
		if err != nil {
			return nil, fmt.Errorf("reading the sample in part %d of reference %s: %w", i, r.ID, err)
		}
		current.Sample = append(current.Sample, values...)
	}
	for _, f := range r.all() {
		if err := f.check(r); err != nil {
			return nil, fmt.Errorf("reading reference %s: feature %q: %w", r.ID, f.Name, err)
		}
	}
	return r, nil
}

// check tells whether a decoded feature keeps the promises of its fields.
func (f *Feature) check(r *Reference) error {
	if r.Kind == Window {
		if err := f.checkSummary(r.Rows); err != nil {
			return err
		}
	}
	if f.Type != windows.Numeric {
		if len(f.Categories) != len(f.CategoryCounts) {
			return fmt.Errorf("%d categories with %d counts", len(f.Categories), len(f.CategoryCounts))
		}
		return nil
	}
	if r.Kind != Window && len(f.Counts) != len(f.Edges)+1 || len(f.Edges) > windows.MaxEdges {
		return fmt.Errorf("%d edges with %d counts", len(f.Edges), len(f.Counts))
	}
	if f.Outliers != nil && (*f.Outliers > f.Counted || f.LowFence == nil || f.HighFence == nil) {
		return fmt.Errorf("%d outliers of %d values, or without fences", *f.Outliers, f.Counted)
	}
	for i, edge := range f.Edges {
		if i > 0 && !(f.Edges[i-1] < edge) {
			return fmt.Errorf("edge %d is not above the one before it", i)
		}
	}
	for i, v := range f.Sample {
		if math.IsNaN(v) || i > 0 && v < f.Sample[i-1] {
			return fmt.Errorf("value %d of the sample is out of order", i)
		}
	}
	return nil
}

// encodeMoments keeps the very bits, which JSON numbers could not where a sum
// of squares has overflowed.
func encodeMoments(m windows.Moments) string {
	return encodeFloats([]float64{math.Float64frombits(m.Count), m.Min, m.Max, m.Mean, m.M2})
}

func decodeMoments(text string) (windows.Moments, error) {
	values, err := decodeFloats(text)
	if err != nil {
		return windows.Moments{}, err
	}
	if len(values) != 5 {
		return windows.Moments{}, fmt.Errorf("%d values in place of 5", len(values))
	}
	return windows.Moments{Count: math.Float64bits(values[0]), Min: values[1], Max: values[2], Mean: values[3], M2: values[4]}, nil
}

func encodeFloats(values []float64) string {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func decodeFloats(text string) ([]float64, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(raw)%8 != 0 {
		return nil, fmt.Errorf("%d bytes are no whole number of values", len(raw))
	}
	values := make([]float64, len(raw)/8)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return values, nil
}
