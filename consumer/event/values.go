package event

import "math"

// identifier reads a string that names something.
func (d *Decoder) identifier(field string) ([]byte, *Rejection) {
	if !d.isString() {
		return nil, d.wrongType(field, "a string")
	}
	text, rejection := d.text()
	if rejection != nil {
		return nil, rejection
	}
	return text, d.checkName(field, text)
}

func (d *Decoder) checkName(field string, name []byte) *Rejection {
	if len(name) > d.limits.MaxNameBytes {
		return reject(ReasonNameTooLong, "%s %s has %d bytes, at most %d are kept",
			field, excerpt(name), len(name), d.limits.MaxNameBytes)
	}
	return nil
}

// value reads a feature, a prediction or an outcome into v, which is zero. what
// names it in messages.
func (d *Decoder) value(what string, v *Value) (rejection *Rejection) {
	if d.tok.Delim != 0 {
		return d.wrongType(what, "a number, string, bool or null")
	}
	switch raw := d.tok.Value; raw[0] {
	case 'n':
		return nil
	case 't', 'f':
		v.Kind, v.Text = Bool, raw
		return nil
	case '"':
		v.Kind = Text
		if v.Text, rejection = d.text(); rejection != nil {
			return rejection
		}
		switch string(v.Text) { // the numbers JSON cannot write
		case "NaN":
			v.Kind, v.Number = NonFinite, math.NaN()
		case "Infinity":
			v.Kind, v.Number = NonFinite, math.Inf(1)
		case "-Infinity":
			v.Kind, v.Number = NonFinite, math.Inf(-1)
		}
		return nil
	default:
		v.Kind = Number
		v.Number, rejection = d.number(what)
		return rejection
	}
}

// number returns the float64 nearest to the number that the current token is.
func (d *Decoder) number(what string) (float64, *Rejection) {
	number, ok := shortDecimal(d.tok.Value)
	if ok {
		return number, nil
	}
	number = d.tok.Float()
	if math.IsInf(number, 0) {
		return 0, reject(ReasonNumberRange, "%s is %s, beyond the largest float64, 1.8e308", what, excerpt(d.tok.Value))
	}
	return number, nil
}

func (d *Decoder) latency() (float64, *Rejection) {
	if !d.isNumber() {
		return 0, d.wrongType("latency_ms", "a number of milliseconds")
	}
	millis, rejection := d.number("latency_ms")
	if rejection == nil && millis < 0 {
		rejection = d.wrongType("latency_ms", "a number of at least 0")
	}
	return millis + 0, rejection // -0 becomes 0
}

func (d *Decoder) status() ([]byte, *Rejection) {
	if d.isNumber() && isInteger(d.tok.Value) {
		return d.tok.Value, d.checkName("status", d.tok.Value)
	}
	if !d.isString() {
		return nil, d.wrongType("status", "a string or an integer")
	}
	return d.identifier("status")
}

func isInteger(number []byte) bool {
	for _, c := range number {
		if !isDigit(c) && c != '-' {
			return false
		}
	}
	return true
}

func (d *Decoder) timestamp() (int64, *Rejection) {
	switch {
	case d.isNumber():
		millis, ok := ParseMillis(d.tok.Value)
		if !ok {
			return 0, reject(ReasonInvalidTime, "ts %s is not a whole number of milliseconds since 1970 within the years 1 to 9999", excerpt(d.tok.Value))
		}
		return millis, nil
	case d.isString():
		text, rejection := d.text()
		if rejection != nil {
			return 0, rejection
		}
		millis, ok := ParseTimestamp(text)
		if !ok {
			return 0, reject(ReasonInvalidTime, "ts %s is not an RFC 3339 time with an offset, such as 2026-01-31T23:59:59.5Z", excerpt(text))
		}
		return millis, nil
	default:
		return 0, d.wrongType("ts", "an RFC 3339 string or a whole number of milliseconds since 1970")
	}
}

// wrongType rejects the value that the current token begins.
func (d *Decoder) wrongType(what, want string) *Rejection {
	return reject(ReasonWrongType, "%s must be %s, and is %s", what, want, excerpt(d.tok.Value))
}
