package windows

// bounds tie a pane to what its partition may keep. The zero bounds are of a pane
// that belongs to no partition: nothing is charged, and nothing refused for want
// of memory.
type bounds struct {
	room  *Room
	named bool // may take all of the room
	taken int64
	// exceeded counts what was refused; nil: nobody asks.
	exceeded *Exceeded
	// countsOnly: the pane is of a bucket for others, and keeps no features.
	countsOnly bool
}

func (p *Pane) exceeded(l Limit) {
	if p.bounds.exceeded != nil {
		p.bounds.exceeded[l]++
	}
}

// charge takes room for what the pane holds already, or must.
func (p *Pane) charge(n int64) {
	if p.bounds.room != nil {
		p.bounds.taken += n
		p.bounds.room.taken.Add(n)
	}
}

// grow takes room for what the pane wants to keep. When there is none it says
// false, and counts that.
func (p *Pane) grow(n int64) bool {
	if p.bounds.room == nil {
		return true
	}
	if !p.bounds.room.fits(n, p.bounds.named) {
		p.exceeded(LimitMemory)
		return false
	}
	p.charge(n)
	return true
}

// release gives the pane's room back: it is held no more.
func (p *Pane) release() { p.charge(-p.bounds.taken) }

// addTo counts a value of a feature, and charges a sampled value. When there is
// no room for that, all samples of the pane become half as large.
func (p *Pane) addTo(f *Feature, v *Value, hash uint64) {
	before := f.Sample.Len()
	f.add(v, hash, p)
	if p.bounds.room != nil && before >= leastSample && f.Sample.Len() > before && !p.grow(valueCost) {
		p.charge(valueCost) // it is there
		p.shrink()
	}
}

// shrink halves the samples. A value that is let go is one that the window no
// longer shows, and counts as over the limit.
func (p *Pane) shrink() {
	p.sampleSize = max(p.sampleSize/2, leastSample)
	for f := range p.all() {
		before := f.Sample.Len()
		dropped := f.Sample.Shrink(p.sampleSize)
		p.OverLimit += uint64(dropped)
		p.charge(-valueCost * int64(max(before-leastSample, 0)-max(before-dropped-leastSample, 0)))
	}
}

// addCounts counts one event of a bucket for others: that it came, and how it
// ended.
func (p *Pane) addCounts(o *Observation) {
	p.dirty = true
	p.Events++
	p.OverLimit++
	if o.HasFeatures {
		p.FeatureEvents++
	}
	if o.IsPrediction {
		p.PredictionEvents++
		p.count(o.Status)
	}
}

// cost is what a feature takes before it has more than leastSample values.
func (f *Feature) cost() int64 {
	return featureCost + 2*int64(len(f.Name)) + 4*int64(len(f.Bins)+len(f.Known)) + leastSample*valueCost
}

// held is what a restored feature takes.
func (f *Feature) held() int64 {
	n := f.cost() + valueCost*int64(max(f.Sample.Len()-leastSample, 0))
	for name := range f.Others {
		n += textCost + 2*int64(len(name))
	}
	return n
}

// bind ties a pane to its partition. What it holds is charged whatever room there
// is: it is part of a checkpoint.
func (p *Pane) bind(s *stream, rules *Rules, exceeded *Exceeded) {
	p.limits = rules.Limits
	p.bounds = bounds{room: rules.Room, named: s.named, exceeded: exceeded, countsOnly: s.other}
	n := paneCost + int64(len(p.Key.Model)+len(p.Key.Version))
	for status := range p.Requests {
		n += textCost + 2*int64(len(status))
	}
	for f := range p.all() {
		n += f.held()
	}
	p.charge(n)
}
