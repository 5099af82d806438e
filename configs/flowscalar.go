package configs

import (
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// mergeFlowScalars puts plain scalars with a colon together again. YAML ends a
// plain scalar at a colon only where white space follows, so [localhost:9092]
// is a list of one text; inside { } the tokens of goccy/go-yaml v1.19.2 are
// those of a mapping from localhost to 9092.
func mergeFlowScalars(tokens token.Tokens) token.Tokens {
	depth := 0
	merged := make(token.Tokens, 0, len(tokens))
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.MappingValueType:
			n := len(merged)
			if depth > 0 && n > 0 && i+1 < len(tokens) && adjacent(merged[n-1], t) && adjacent(t, tokens[i+1]) &&
				isPlain(merged[n-1]) && isPlain(tokens[i+1]) {
				merged[n-1] = joined(merged[n-1], t, tokens[i+1])
				i++
				continue
			}
		}
		merged = append(merged, t)
	}
	for i := 1; i < len(merged); i++ {
		merged[i-1].Next, merged[i].Prev = merged[i], merged[i-1]
	}
	return merged
}

// isPlain reports whether the token is a scalar without quotes.
func isPlain(t *token.Token) bool {
	switch t.Type {
	case token.StringType, token.IntegerType, token.BinaryIntegerType, token.OctetIntegerType,
		token.HexIntegerType, token.FloatType, token.BoolType, token.NullType, token.InfinityType, token.NanType:
		return true
	}
	return false
}

// adjacent reports whether b follows a without a space. The text of a plain
// scalar and of a colon is as long as their value.
func adjacent(a, b *token.Token) bool {
	return a.Position.Line == b.Position.Line &&
		a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
}

func joined(tokens ...*token.Token) *token.Token {
	var value, origin string
	for _, t := range tokens {
		value += t.Value
		origin += t.Origin
	}
	return token.String(value, origin, tokens[0].Position)
}
