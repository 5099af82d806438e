package event

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"
)

// tokens reads JSON one token at a time and holds it to the grammar. The
// tokenizer below it checks single tokens and the pairing of brackets only:
// it lets `{"a" 1,,}` pass.
type tokens struct {
	input []byte
	tok   json.Tokenizer
	// scratch holds the unescaped texts and flattened names of the record.
	// When it grows, what was cut from the old array stays there and stays valid.
	scratch  []byte
	unquoted []byte
}

func (t *tokens) reset(input []byte) {
	t.input = input
	t.tok.Reset(input)
}

// next moves to the next token, which must be there.
func (t *tokens) next() *Rejection {
	if !t.tok.Next() {
		if t.tok.Err == nil {
			return reject(ReasonInvalidJSON, "the record ends within a value, after %s", excerpt(tail(t.input)))
		}
		return t.unexpected()
	}
	return nil
}

// unexpected rejects the token that was read last.
func (t *tokens) unexpected() *Rejection {
	at := max(0, len(t.input)-t.tok.Remaining()-len(t.tok.Value))
	hint := ""
	switch {
	case bytes.HasPrefix(t.input, []byte("\uFEFF")):
		hint = " (the record begins with a byte order mark)"
	case t.input[0] == 0:
		hint = " (the record begins with a zero byte, as schema registry framing does)"
	}
	return reject(ReasonInvalidJSON, "unexpected %s at byte %d%s", excerpt(t.input[min(at, len(t.input)-1):]), at, hint)
}

// end checks that nothing follows the value.
func (t *tokens) end() *Rejection {
	if t.tok.Next() || t.tok.Err != nil {
		at := max(0, len(t.input)-t.tok.Remaining()-len(t.tok.Value))
		return reject(ReasonTrailingData, "more data at byte %d, after the end of the value", at)
	}
	return nil
}

// member moves to the next key of the object that was entered, and past its
// colon to its value. It returns more == false at the closing brace. first says
// that no member has been read yet.
func (t *tokens) member(first bool) (key []byte, more bool, rejection *Rejection) {
	if rejection = t.next(); rejection != nil {
		return nil, false, rejection
	}
	switch {
	case t.tok.Delim == '}':
		return nil, false, nil
	case first:
	case t.tok.Delim == ',':
		if rejection = t.next(); rejection != nil {
			return nil, false, rejection
		}
	default:
		return nil, false, t.unexpected()
	}
	if !t.isString() {
		return nil, false, t.unexpected()
	}
	if key, rejection = t.text(); rejection != nil {
		return nil, false, rejection
	}
	if rejection = t.next(); rejection != nil {
		return nil, false, rejection
	}
	if t.tok.Delim != ':' {
		return nil, false, t.unexpected()
	}
	return key, true, t.next()
}

// skip reads the value that the current token begins to its end. The depth has
// been limited before, so recursion is safe.
func (t *tokens) skip() *Rejection {
	switch t.tok.Delim {
	case 0:
		if t.isString() {
			return t.checkSurrogates()
		}
		return nil
	case '{':
		for first := true; ; first = false {
			_, more, rejection := t.member(first)
			if rejection != nil || !more {
				return rejection
			}
			if rejection = t.skip(); rejection != nil {
				return rejection
			}
		}
	case '[':
		for first := true; ; first = false {
			if rejection := t.next(); rejection != nil {
				return rejection
			}
			if t.tok.Delim == ']' {
				return nil
			}
			if !first {
				if t.tok.Delim != ',' {
					return t.unexpected()
				}
				if rejection := t.next(); rejection != nil {
					return rejection
				}
				if t.tok.Delim == ']' {
					return t.unexpected()
				}
			}
			if rejection := t.skip(); rejection != nil {
				return rejection
			}
		}
	default:
		return t.unexpected()
	}
}

func (t *tokens) isString() bool { return t.tok.Delim == 0 && t.tok.Value.String() }

func (t *tokens) isNumber() bool { return t.tok.Delim == 0 && t.tok.Value.Number() }

func (t *tokens) isNull() bool { return t.tok.Delim == 0 && t.tok.Value.Null() }

// text returns the string that the current token is, unescaped. It aliases the
// input, or the scratch buffer if there was something to unescape.
func (t *tokens) text() ([]byte, *Rejection) {
	raw := t.tok.Value[1 : len(t.tok.Value)-1]
	if t.tok.Kind() == json.Unescaped || bytes.IndexByte(raw, '\\') < 0 {
		return raw, nil
	}
	if rejection := t.checkSurrogates(); rejection != nil {
		return nil, rejection
	}
	t.unquoted = t.tok.Value.AppendUnquote(t.unquoted[:0])
	return t.keep(t.unquoted), nil
}

// keep copies text to where it lasts until the next record.
func (t *tokens) keep(text []byte) []byte {
	start := len(t.scratch)
	t.scratch = append(t.scratch, text...)
	return t.scratch[start:len(t.scratch):len(t.scratch)]
}

// join is keep for "group.key".
func (t *tokens) join(group, key []byte) []byte {
	start := len(t.scratch)
	t.scratch = append(append(append(t.scratch, group...), '.'), key...)
	return t.scratch[start:len(t.scratch):len(t.scratch)]
}

// checkSurrogates refuses half a surrogate pair in the string that the current
// token is.
func (t *tokens) checkSurrogates() *Rejection {
	s := t.tok.Value
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return nil
		}
		s = s[i+1:]
		if s[0] != 'u' {
			s = s[1:]
			continue
		}
		r := hexRune(s[1:5])
		s = s[5:]
		if !utf16.IsSurrogate(r) {
			continue
		}
		if len(s) < 6 || s[0] != '\\' || s[1] != 'u' ||
			utf16.DecodeRune(r, hexRune(s[2:6])) == utf8.RuneError {
			return reject(ReasonInvalidUTF8, "half of a surrogate pair, \\u%04x, in a string", r)
		}
		s = s[6:]
	}
}

// hexRune reads four hexadecimal digits, which the tokenizer has checked.
func hexRune(s []byte) (r rune) {
	for _, c := range s {
		switch {
		case c <= '9':
			c -= '0'
		case c <= 'F':
			c -= 'A' - 10
		default:
			c -= 'a' - 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// tail returns the last few bytes of b, from the start of a character.
func tail(b []byte) []byte {
	i := max(0, len(b)-24)
	for i < len(b) && !utf8.RuneStart(b[i]) {
		i++
	}
	return b[i:]
}
