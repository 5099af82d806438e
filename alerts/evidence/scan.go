package evidence

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// scanBrief reads of a verdict's JSON what a brief needs, and passes over the
// rest: most of a record is quantiles and counts. It answers false where it is
// not sure to find what the decoder would: for what is no JSON, for a key with
// capitals, escaped or there twice, for a null or a type where kolmo writes
// none. Then the decoder has the word. Values that it passes over it checks
// for being JSON, not for their types.
func scanBrief(value []byte) (*brief, bool) {
	s := scanner{data: value}
	b := new(brief)
	s.object(func(key []byte) {
		switch string(key) {
		case "schema":
			b.schema = s.whole()
		case "kind":
			b.kind = s.text()
		case "model":
			b.model = s.text()
		case "version":
			b.version = s.text()
		case "segment":
			b.segment = s.text()
		case "window":
			s.object(func(key []byte) {
				switch string(key) {
				case "start":
					s.moment(&b.start)
				case "end":
					s.moment(&b.end)
				default:
					s.pass()
				}
			})
		case "events":
			b.events = s.whole()
		case "incomplete":
			b.incomplete = s.yes()
		case "error":
			b.failed = s.text() != ""
		case "reference":
			b.hasReference = !s.null()
			if b.hasReference {
				s.object(func([]byte) { s.pass() })
			}
		case "features":
			s.members(func(name string) { b.features = append(b.features, s.feature(name)) })
		case "prediction":
			f := s.feature(predictionName)
			b.prediction = &f
		case "alerts":
			s.each(']', func() {
				state, why := "", ""
				s.object(func(key []byte) {
					switch string(key) {
					case "state":
						state = s.text()
					case "silenced":
						why = s.text()
					default:
						s.pass()
					}
				})
				b.alert = max(b.alert, stageOf(state, why))
			})
		case "performance":
			s.object(func(key []byte) {
				switch string(key) {
				case "error_rate":
					b.errorRate = s.number()
				case "latency_ms":
					p99 := 0.0 // as decoded where it is not there
					s.object(func(key []byte) {
						if string(key) != "p99" {
							s.pass()
						} else if x := s.number(); x != nil {
							p99 = *x
						}
					})
					b.p99 = &p99
				default:
					s.pass()
				}
			})
		default:
			s.pass()
		}
	})
	s.space()
	if s.unsure || s.at != len(s.data) || b.schema != drift.Schema || b.model == "" || !b.end.After(b.start) {
		return nil, false
	}
	b.start, b.end = b.start.UTC(), b.end.UTC()
	slices.SortFunc(b.features, func(a, b briefFeature) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(b.features); i++ {
		if b.features[i].name == b.features[i-1].name {
			return nil, false
		}
	}
	return b, true
}

// A scanner goes once over a JSON text. Once it is unsure it stays so, and
// whatever it returns is not to be used.
type scanner struct {
	data   []byte
	at     int
	depth  int
	unsure bool
}

// deepest is how deep values may be nested; verdicts are not a tenth of it.
const deepest = 64

// feature reads one comparison.
func (s *scanner) feature(name string) briefFeature {
	f := briefFeature{name: name}
	s.object(func(key []byte) {
		switch string(key) {
		case "n":
			f.n = s.whole()
		case "missing":
			f.missing = s.whole()
		case "test":
			f.test = s.text() != ""
		case "error":
			f.failed = s.text() != ""
		case "effect":
			if x := s.number(); x != nil {
				f.effect = *x
			}
		case "drifted":
			f.drifted = s.yes()
		case "broken":
			f.broken = s.yes()
		default:
			s.pass()
		}
	})
	return f
}

// object calls member at the value of each key, which has to take it. Keys are
// those that kolmo writes: small letters, digits, underscores, each once.
func (s *scanner) object(member func(key []byte)) {
	var short [40][]byte // enough for the keys of a feature
	keys := short[:0]
	s.each('}', func() {
		key, plain := s.quoted()
		for _, c := range key {
			plain = plain && (c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z')
		}
		if !plain || slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) }) || !s.take(':') {
			s.unsure = true
			return
		}
		keys = append(keys, key)
		s.space()
		member(key)
	})
}

// members is object for keys that may be anything.
func (s *scanner) members(member func(name string)) {
	s.each('}', func() {
		name := s.text()
		if s.unsure || !s.take(':') {
			s.unsure = true
			return
		}
		s.space()
		member(name)
	})
}

// each calls element at each element of an object or, with ']', of an array.
func (s *scanner) each(end byte, element func()) {
	open := byte('{')
	if end == ']' {
		open = '['
	}
	s.depth++
	if s.depth > deepest || !s.take(open) {
		s.unsure = true
		return
	}
	if s.take(end) {
		s.depth--
		return
	}
	for !s.unsure {
		s.space()
		element()
		if s.take(end) {
			s.depth--
			return
		}
		if !s.take(',') {
			s.unsure = true
		}
	}
}

// pass goes over a value of any type.
func (s *scanner) pass() {
	if s.at >= len(s.data) {
		s.unsure = true
		return
	}
	switch s.data[s.at] {
	case '{':
		s.each('}', func() {
			s.quoted()
			if !s.take(':') {
				s.unsure = true
			}
			s.space()
			s.pass()
		})
	case '[':
		s.each(']', func() {
			s.pass()
			// Most of a verdict are lists of numbers, written without white space.
			for s.at+1 < len(s.data) && s.data[s.at] == ',' && (s.data[s.at+1] == '-' || s.data[s.at+1]-'0' <= 9) && !s.unsure {
				s.at++
				s.digits()
			}
		})
	case '"':
		s.quoted()
	case 't', 'f':
		s.yes()
	case 'n':
		s.unsure = s.unsure || !s.null()
	default:
		s.digits()
	}
}

func (s *scanner) space() {
	for s.at < len(s.data) && (s.data[s.at] == ' ' || s.data[s.at] == '\n' || s.data[s.at] == '\t' || s.data[s.at] == '\r') {
		s.at++
	}
}

// take goes over a character, where it is the next but for white space.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.at >= len(s.data) || s.data[s.at] != c || s.unsure {
		return false
	}
	s.at++
	return true
}

func (s *scanner) word(word string) bool {
	if !bytes.HasPrefix(s.data[min(s.at, len(s.data)):], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) null() bool { return s.word("null") }

func (s *scanner) yes() bool {
	if s.word("true") {
		return true
	}
	if !s.word("false") {
		s.unsure = true
	}
	return false
}

// quoted goes over a string; plain says that what is between the quotes is the
// string itself. Escapes it checks no further than it must to find the end:
// the decoder reads those that matter.
func (s *scanner) quoted() (raw []byte, plain bool) {
	if s.at >= len(s.data) || s.data[s.at] != '"' {
		s.unsure = true
		return nil, false
	}
	from := s.at + 1
	plain = true
	for i := from; i < len(s.data); i++ {
		c := s.data[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		switch {
		case c == '"':
			s.at = i + 1
			return s.data[from:i], plain
		case c == '\\':
			plain = false
			if n := escape(s.data[i:]); n > 0 {
				i += n - 1
				continue
			}
		}
		break
	}
	s.unsure = true
	return nil, false
}

// escape is the length of the escape at the front; 0: it is none.
func escape(at []byte) int {
	if len(at) < 2 {
		return 0
	}
	switch at[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(at) < 6 {
			return 0
		}
		for _, c := range at[2:6] {
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return 0
			}
		}
		return 6
	}
	return 0
}

// text reads a string.
func (s *scanner) text() string {
	from := s.at
	raw, plain := s.quoted()
	switch {
	case s.unsure:
		return ""
	case plain && utf8.Valid(raw):
		return string(raw)
	}
	var out string
	if err := json.Unmarshal(s.data[from:s.at], &out); err != nil {
		s.unsure = true
	}
	return out
}

// moment reads a time as the decoder does.
func (s *scanner) moment(t *time.Time) {
	from := s.at
	if _, plain := s.quoted(); s.unsure || !plain || t.UnmarshalJSON(s.data[from:s.at]) != nil {
		s.unsure = true
	}
}

// digits goes over a number.
func (s *scanner) digits() []byte {
	data, i := s.data, s.at
	if i < len(data) && data[i] == '-' {
		i++
	}
	first := i
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	ok := i > first && (data[first] != '0' || i == first+1)
	if ok && i < len(data) && data[i] == '.' {
		i++
		point := i
		for i < len(data) && data[i]-'0' <= 9 {
			i++
		}
		ok = i > point
	}
	if ok && i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		if i++; i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		power := i
		for i < len(data) && data[i]-'0' <= 9 {
			i++
		}
		ok = i > power
	}
	s.unsure = s.unsure || !ok
	number := data[s.at:i]
	s.at = i
	return number
}

// whole reads a number that has nothing behind its point.
func (s *scanner) whole() uint64 {
	n, err := strconv.ParseUint(string(s.digits()), 10, 64)
	if err != nil {
		s.unsure = true
	}
	return n
}

// number reads a number; nil: null.
func (s *scanner) number() *float64 {
	if s.null() {
		return nil
	}
	x, err := strconv.ParseFloat(string(s.digits()), 64)
	if err != nil || math.IsInf(x, 0) {
		s.unsure = true
	}
	return &x
}
