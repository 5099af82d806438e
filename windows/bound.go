package windows

// Bound keeps a pane that belongs to no partition within a number of values, for
// whoever counts rows without knowing how many will come: while its features hold
// at most that many in all they keep every value, and once there are more each
// keeps a sample of size values, whatever comes later. It reports whether that has
// happened. Call it now and then: between two calls the pane grows.
//
// A sample that was everything gives the same sample as one that was small from
// the beginning, so it does not matter when Bound is called.
func (p *Pane) Bound(values, size int) (bounded bool) {
	held := 0
	for f := range p.all() {
		f.Sample.Checkpointed() // no checkpoint will ask what is fresh
		held += f.Sample.Len()
	}
	if p.sampleSize > size && held <= values {
		return false
	}
	p.sampleSize = min(p.sampleSize, size)
	for f := range p.all() {
		if f.Sample.Capacity() > size {
			smaller := NewSample(size)
			smaller.Merge(&f.Sample)
			f.Sample = smaller
		}
	}
	return true
}
