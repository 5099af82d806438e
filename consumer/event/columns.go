package event

// DecodeColumns reads value as a plain object of columns, as files have them and
// topics do not: the event fields stand at the top, as in a native event, and so
// does every feature, nested by one level at most. "features" and "metrics" are
// no event fields here; "label" is ignored. A model is not asked for.
//
// Limits, grammar, reasons and ownership are those of [Decoder.Decode].
func (d *Decoder) DecodeColumns(value []byte, e *Event) error {
	e.reset()
	rejection := d.limits.admit(value)
	if rejection == nil {
		rejection = d.grammarFirst(value, d.columns(value, e))
	}
	if rejection != nil {
		return rejection
	}
	return nil
}

func (d *Decoder) columns(value []byte, e *Event) *Rejection {
	if rejection := d.enter(value, e); rejection != nil {
		return rejection
	}
	d.named.reset()
	e.HasFeatures = true
	for first := true; ; first = false {
		key, more, rejection := d.member(first)
		if rejection != nil {
			return rejection
		}
		if !more {
			return d.end()
		}
		if rejection = d.column(key, e); rejection != nil {
			return rejection
		}
	}
}

func (d *Decoder) column(key []byte, e *Event) *Rejection {
	field := identify(key)
	ignored := string(key) == "label"
	switch {
	case ignored, field != fieldUnknown && field != fieldFeatures && field != fieldMetrics:
		if !d.firstSight(field, key) {
			return reject(ReasonDuplicateKey, "the key %s stands twice", excerpt(key))
		}
		if ignored || d.isNull() {
			return d.skip()
		}
		return d.read(field, e)
	case d.tok.Delim == '{':
		return d.group(e, key)
	default:
		return d.feature(e, key, originMember)
	}
}

// HoldsFields says whether value is a JSON object with an object under the key
// "features" or "metrics", which tells a native event from a plain object of
// columns. It is false for what is not well-formed up to there.
func (d *Decoder) HoldsFields(value []byte) bool {
	var e Event
	if d.limits.admit(value) != nil || d.enter(value, &e) != nil {
		return false
	}
	for first := true; ; first = false {
		key, more, rejection := d.member(first)
		if rejection != nil || !more {
			return false
		}
		if field := identify(key); d.tok.Delim == '{' && (field == fieldFeatures || field == fieldMetrics) {
			return true
		}
		if d.skip() != nil {
			return false
		}
	}
}
