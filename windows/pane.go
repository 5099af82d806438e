package windows

import "cmp"

// maxStatuses bounds the distinct statuses a pane counts; the rest are Other.
const maxStatuses = 100

// maxPaneEvents is what the 32-bit counts of a pane can hold.
const maxPaneEvents = 1<<32 - 1

// A PaneKey names a pane within a partition.
type PaneKey struct {
	Model, Version string
	Index          int64 // of the model's definition
}

// A Pane is one partition's share of a slice of a model version's time:
// everything that is kept of its events.
type Pane struct {
	Key      PaneKey
	Interval Interval
	// Grid is what bins and known categories refer to; nil before the version
	// has one.
	Grid *Grid

	Events           uint64 // accepted events
	FeatureEvents    uint64 // of them, those with a features object
	PredictionEvents uint64 // of them, those of a prediction topic
	Late             uint64 // late events that came while the watermark stood here
	OverLimit        uint64 // values, or of a bucket for others events, beyond a limit
	Requests         map[string]uint64

	Features   []*Feature // in the order in which they were first seen
	Prediction *Feature   // nil while there was no prediction event
	Latency    *Feature   // nil while no event carried a latency

	limits Limits
	byName map[string]int
	// statuses are the names in Requests.
	statuses names
	// order remembers, for each position in an event, which feature stood there
	// last: services write their features in the same order again and again, so
	// that a name is usually confirmed by one comparison.
	order []int
	dirty bool
	// sampleSize is how many values each feature keeps.
	sampleSize int
	bounds     bounds
}

// NewPane returns an empty pane. Features keep sampleSize values.
func NewPane(key PaneKey, interval Interval, grid *Grid, sampleSize int, limits Limits) *Pane {
	return &Pane{
		Key: key, Interval: interval, Grid: grid, sampleSize: sampleSize, limits: limits,
		Requests: make(map[string]uint64), byName: make(map[string]int),
	}
}

// SampleSize is how many values each feature of the pane keeps.
func (p *Pane) SampleSize() int { return p.sampleSize }

// Restored is called by a store that has filled an empty pane's fields from a
// checkpoint: it ties the features to the grid, and the latency to its own.
func (p *Pane) Restored() {
	for i, f := range p.Features {
		p.byName[f.Name] = i
		f.grid = p.Grid.Feature(f.Name)
	}
	if p.Prediction != nil {
		p.Prediction.grid = p.Grid.Feature(PredictionName)
	}
	if p.Latency != nil {
		p.Latency.grid = LatencyGrid()
	}
}

// add counts one accepted event.
func (p *Pane) add(o *Observation, hash uint64, latency *FeatureGrid) {
	p.dirty = true
	p.Events++
	if o.HasFeatures {
		p.FeatureEvents++
		for i := range o.Features {
			field := &o.Features[i]
			if f := p.feature(i, field.Name); f != nil {
				p.addTo(f, &field.Value, hash)
			}
		}
	}
	if !o.IsPrediction {
		return
	}
	p.PredictionEvents++
	if p.Prediction == nil {
		p.Prediction = newFeature(PredictionName, p.Grid.Feature(PredictionName), p.sampleSize)
		p.charge(p.Prediction.cost())
	}
	p.addTo(p.Prediction, &o.Prediction, hash)
	p.count(o.Status)
	if o.HasLatency && latency != nil {
		if p.Latency == nil {
			p.Latency = newFeature(latency.Name, latency, p.sampleSize)
			p.charge(p.Latency.cost())
		}
		p.addTo(p.Latency, &Value{Kind: Number, Number: o.Latency}, hash)
	}
}

// feature finds the feature that stands at a position of an event. It is nil,
// and counted, beyond the limit.
func (p *Pane) feature(position int, name []byte) *Feature {
	if position < len(p.order) {
		if f := p.Features[p.order[position]]; f.Name == string(name) {
			return f
		}
	}
	i, ok := p.byName[string(name)]
	if !ok {
		if len(p.Features) >= p.limits.Features {
			p.OverLimit++
			p.exceeded(LimitFeatures)
			return nil
		}
		i = len(p.Features)
		owned := string(name)
		made := newFeature(owned, p.Grid.Feature(owned), p.sampleSize)
		if !p.grow(made.cost()) {
			p.OverLimit++
			return nil
		}
		p.Features = append(p.Features, made)
		p.byName[owned] = i
	}
	switch {
	case position < len(p.order):
		p.order[position] = i
	case position == len(p.order):
		p.order = append(p.order, i)
	}
	return p.Features[i]
}

func (p *Pane) count(status []byte) {
	if _, known := p.Requests[string(status)]; known {
		p.Requests[p.statuses.own(status)]++
		return
	}
	if len(p.Requests) >= maxStatuses {
		p.Requests[Other]++
		p.exceeded(LimitStatuses)
		return
	}
	cost := textCost + 2*int64(len(status))
	if p.Key.Model == Other { // there is one, and it is always there
		p.charge(cost)
	} else if !p.grow(cost) {
		p.Requests[Other]++
		return
	}
	p.Requests[p.statuses.own(status)] = 1
}

// checkpointed says that everything in the pane is safe.
func (p *Pane) checkpointed() {
	p.dirty = false
	for f := range p.all() {
		f.Sample.Checkpointed()
	}
}

// all visits every feature, the prediction and the latency.
func (p *Pane) all() func(yield func(*Feature) bool) {
	return func(yield func(*Feature) bool) {
		for _, f := range p.Features {
			if !yield(f) {
				return
			}
		}
		if p.Prediction != nil && !yield(p.Prediction) {
			return
		}
		if p.Latency != nil {
			yield(p.Latency)
		}
	}
}

// Compare orders keys by model, version and time.
func (k PaneKey) Compare(o PaneKey) int {
	return cmp.Or(cmp.Compare(k.Model, o.Model), cmp.Compare(k.Version, o.Version), cmp.Compare(k.Index, o.Index))
}

// Count adds one observation to a pane that belongs to no partition, as when a
// reference is built from rows. hash decides what is sampled and must differ
// from row to row.
func (p *Pane) Count(o *Observation, hash uint64) { p.add(o, hash, nil) }

// CountPartition adds one observation of a partition, latencies included, to a
// pane that no Partition holds: what the reference program does.
func (p *Pane) CountPartition(o *Observation, id PartitionID) {
	p.add(o, id.EventHash(o.Offset), LatencyGrid())
}

// RowHash is the hash of row number n of a file.
func RowHash(n uint64) uint64 { return mix(n) }
