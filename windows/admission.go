package windows

// IsOther reports whether a model version is a bucket for others: events of models
// beyond the limit are counted under model Other, events of versions beyond it
// under version Other of their model. A bucket has counts and no features, hence
// no reference, no grid and no test.
func IsOther(model, version string) bool { return model == Other || version == Other }

// admitted is what a partition knows of a model whose versions it counts.
type admitted struct {
	streams  int // versions, and the bucket for others
	versions int
	named    bool
}

// admit finds the stream that an event is counted under, and begins one where the
// limits allow it.
func (p *Partition) admit(model, version []byte) *stream {
	if s := p.lookup(model, version); s != nil && !s.other {
		return s
	}
	m := p.models[string(model)]
	switch {
	case string(model) == Other, m == nil && !p.rules.Named[string(model)] && p.unnamed >= p.rules.Limits.Models:
		return p.others(LimitModels)
	case string(version) == Other, m != nil && p.rules.Limits.Versions > 0 && m.versions >= p.rules.Limits.Versions:
		if m == nil && !p.fits(model) {
			return p.others(LimitMemory)
		}
		p.exceeded[LimitVersions]++
		return p.stream(model, []byte(Other))
	case !p.fits(model):
		return p.others(LimitMemory)
	}
	return p.stream(model, version)
}

// fits reports whether there is room for one more pane of a model.
func (p *Partition) fits(model []byte) bool {
	return p.rules.Room.fits(paneCost, p.rules.Named[string(model)])
}

// others is the bucket for models, which is always there: without it nothing could
// be counted.
func (p *Partition) others(reason Limit) *stream {
	p.exceeded[reason]++
	return p.stream([]byte(Other), nil)
}

// begin enters a stream into the books.
func (p *Partition) begin(s *stream) {
	p.streams[s.key] = s
	m := p.models[s.key.model]
	if m == nil {
		m = &admitted{named: s.named}
		p.models[s.key.model] = m
		if !m.named && s.key.model != Other {
			p.unnamed++
		}
	}
	m.streams++
	if !s.other {
		m.versions++
	}
}

// forget drops a stream that holds no pane, once it has been without events for so
// long that a verdict on it is no longer due: until then it keeps its place, so
// that ever new names do not make the partition count ever more versions.
func (p *Partition) forget(s *stream) {
	if len(s.panes) > 0 || s.activeUntil.Add(p.rules.ForgetAfter) > p.watermark {
		return
	}
	delete(p.streams, s.key)
	if p.last == s {
		p.last = nil
	}
	m := p.models[s.key.model]
	if !s.other {
		m.versions--
	}
	if m.streams--; m.streams > 0 {
		return
	}
	delete(p.models, s.key.model)
	if !m.named && s.key.model != Other {
		p.unnamed--
	}
}

// CountedAs is the model version under which the last event was counted, as
// accepted or late.
func (p *Partition) CountedAs() (model, version string) {
	if p.last == nil {
		return Other, ""
	}
	return p.last.key.model, p.last.key.version
}

// TakeExceeded returns what went beyond limits since it was last called.
func (p *Partition) TakeExceeded() Exceeded {
	exceeded := p.exceeded
	p.exceeded = Exceeded{}
	return exceeded
}

// Release gives back what the partition took of the Room. It is used no more.
func (p *Partition) Release() {
	for _, s := range p.streams {
		for _, pane := range s.panes {
			pane.release()
		}
	}
	clear(p.streams)
}
