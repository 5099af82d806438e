package event

// Decoder decodes one record after another. It keeps buffers between them, so
// it is not for concurrent use: give each goroutine its own.
type Decoder struct {
	limits Limits
	tokens
	// unknown holds the top-level keys that mean nothing to us; those that do
	// are bits of seen.
	unknown nameSet
	seen    uint32
	// named holds the names of the object of fields being read.
	named nameSet
	// success is the status of a record without one. It is never written to.
	success []byte
}

// NewDecoder returns a decoder with these limits; zero fields mean defaults.
func NewDecoder(limits Limits) *Decoder {
	return &Decoder{
		limits:  limits.WithDefaults(),
		unknown: newNameSet(),
		named:   newNameSet(),
		success: []byte("success"),
	}
}

// Decode reads value as a record of a topic with the given role into e, which
// is emptied first. The error is a *Rejection, and e then holds nothing of use.
//
// What e holds aliases value and the decoder's buffer: see [Event]. The status
// and the other texts must not be written to.
func (d *Decoder) Decode(role Role, value []byte, e *Event) error {
	e.reset()
	rejection := d.limits.admit(value)
	if rejection == nil {
		rejection = d.grammarFirst(value, d.decode(role, value, e))
	}
	if rejection != nil {
		return rejection
	}
	return nil
}

// grammarFirst returns the rejection, or the one for a mistake in the grammar
// further on: what the fields mean is judged while reading, but that the
// record is well-formed to its end comes first.
func (d *Decoder) grammarFirst(value []byte, rejection *Rejection) *Rejection {
	if rejection != nil {
		if malformed := d.checkGrammar(value); malformed != nil {
			return malformed
		}
	}
	return rejection
}

// checkGrammar reads value as one JSON value of any kind.
func (d *Decoder) checkGrammar(value []byte) *Rejection {
	d.tokens.reset(value)
	if rejection := d.next(); rejection != nil {
		return rejection
	}
	if rejection := d.skip(); rejection != nil {
		return rejection
	}
	return d.end()
}

// enter empties what the last record left and moves into the object that
// value must be.
func (d *Decoder) enter(value []byte, e *Event) *Rejection {
	d.scratch = d.scratch[:0]
	d.unknown.reset()
	d.seen = 0
	e.Status = d.success

	d.tokens.reset(value)
	if rejection := d.next(); rejection != nil {
		return rejection
	}
	if d.tok.Delim != '{' {
		return reject(ReasonWrongType, "the record is not a JSON object but begins with %s", excerpt(d.tok.Value))
	}
	return nil
}

func (d *Decoder) decode(role Role, value []byte, e *Event) *Rejection {
	if rejection := d.enter(value, e); rejection != nil {
		return rejection
	}
	for first := true; ; first = false {
		key, more, rejection := d.member(first)
		if rejection != nil {
			return rejection
		}
		if !more {
			break
		}
		field := identify(key)
		if !d.firstSight(field, key) {
			return reject(ReasonDuplicateKey, "the key %s stands twice", excerpt(key))
		}
		if role.reads(field) && !d.isNull() {
			rejection = d.read(field, e)
		} else {
			rejection = d.skip()
		}
		if rejection != nil {
			return rejection
		}
	}
	if rejection := d.end(); rejection != nil {
		return rejection
	}
	if len(e.Model) == 0 {
		return reject(ReasonMissingModel, "the record names no model: it needs a string \"model\" that is not empty")
	}
	return nil
}

// firstSight returns false when the key stood in this record before.
func (d *Decoder) firstSight(field fieldID, key []byte) bool {
	if field == fieldUnknown {
		return d.unknown.add(key, originMember)
	}
	bit := uint32(1) << field
	if d.seen&bit != 0 {
		return false
	}
	d.seen |= bit
	return true
}

// read decodes the value of a field, which is not null, into e.
func (d *Decoder) read(field fieldID, e *Event) (rejection *Rejection) {
	switch field {
	case fieldModel:
		e.Model, rejection = d.identifier("model")
	case fieldVersion:
		if d.isNumber() {
			e.Version = d.tok.Value
			rejection = d.checkName("version", e.Version)
		} else {
			e.Version, rejection = d.identifier("version")
		}
	case fieldRequestID:
		e.RequestID, rejection = d.identifier("request_id")
	case fieldTime:
		e.HasTime = true
		e.Time, rejection = d.timestamp()
	case fieldFeatures:
		e.HasFeatures = true
		rejection = d.features(e)
	case fieldPrediction:
		e.HasPrediction = true
		rejection = d.value("prediction", &e.Prediction)
	case fieldStatus:
		e.Status, rejection = d.status()
	case fieldLatency:
		e.HasLatency = true
		e.LatencyMillis, rejection = d.latency()
	case fieldOutcome:
		e.HasOutcome = true
		rejection = d.value("outcome", &e.Outcome)
	case fieldMetrics:
		rejection = d.metrics(e)
	}
	return rejection
}
