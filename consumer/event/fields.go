package event

// reservedName is the name under which the prediction is monitored beside the features.
const reservedName = "prediction"

// features reads the features object, flattening objects in it by one level.
func (d *Decoder) features(e *Event) *Rejection {
	if d.tok.Delim != '{' {
		return d.wrongType("features", "an object")
	}
	d.named.reset()
	for first := true; ; first = false {
		key, more, rejection := d.member(first)
		if rejection != nil || !more {
			return rejection
		}
		if d.tok.Delim == '{' {
			rejection = d.group(e, key)
		} else {
			if string(key) == reservedName {
				return reject(ReasonReservedName, "a feature cannot be called %q: the prediction is monitored under that name", reservedName)
			}
			rejection = d.feature(e, key, originMember)
		}
		if rejection != nil {
			return rejection
		}
	}
}

// group reads an object within the features.
func (d *Decoder) group(e *Event, group []byte) *Rejection {
	if rejection := d.checkName("feature group", group); rejection != nil {
		return rejection
	}
	if !d.named.add(group, originGroup) {
		return reject(ReasonDuplicateKey, "features has the key %s twice", excerpt(group))
	}
	for first := true; ; first = false {
		key, more, rejection := d.member(first)
		if rejection != nil || !more {
			return rejection
		}
		if rejection = d.checkName("feature", key); rejection != nil {
			return rejection
		}
		if rejection = d.feature(e, d.join(group, key), originNested); rejection != nil {
			return rejection
		}
	}
}

// feature reads one feature's value and appends it.
func (d *Decoder) feature(e *Event, name []byte, origin nameOrigin) *Rejection {
	if rejection := d.declare("feature", len(e.Features), name, origin); rejection != nil {
		return rejection
	}
	if d.tok.Delim != 0 {
		return d.wrongType("feature "+excerpt(name), "a number, string, bool or null, nested one level at most")
	}
	e.Features = append(e.Features, Field{Name: name})
	return d.value("a feature", &e.Features[len(e.Features)-1].Value)
}

// metrics reads the metrics object.
func (d *Decoder) metrics(e *Event) *Rejection {
	if d.tok.Delim != '{' {
		return d.wrongType("metrics", "an object")
	}
	d.named.reset()
	for first := true; ; first = false {
		name, more, rejection := d.member(first)
		if rejection != nil || !more {
			return rejection
		}
		if rejection = d.declare("metric", len(e.Metrics), name, originMember); rejection != nil {
			return rejection
		}
		if d.tok.Delim != 0 || d.isString() {
			return d.wrongType("metric "+excerpt(name), "a number or bool")
		}
		e.Metrics = append(e.Metrics, Field{Name: name})
		if rejection = d.value("a metric", &e.Metrics[len(e.Metrics)-1].Value); rejection != nil {
			return rejection
		}
	}
}

// declare checks that a field of this name may follow the n there are.
func (d *Decoder) declare(what string, n int, name []byte, origin nameOrigin) *Rejection {
	if n >= d.limits.MaxFeatures {
		return reject(ReasonTooManyFeatures, "more than %d %ss", d.limits.MaxFeatures, what)
	}
	if rejection := d.checkName(what, name); rejection != nil {
		return rejection
	}
	if !d.named.add(name, origin) {
		return reject(ReasonDuplicateKey, "the %s %s stands twice", what, excerpt(name))
	}
	return nil
}
