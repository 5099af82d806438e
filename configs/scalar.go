package configs

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/invopop/jsonschema"
)

// A scalar is a value of one text, number or boolean.
type scalar[T any] struct {
	into *T
	kind string // for README.md, such as duration
	want string // for messages: what to write, such as a duration like 10s
	// native is what an unquoted YAML number or boolean must be for the value,
	// when it is not a text: "integer", "number" or "boolean".
	native string
	parse  func(text string) (T, error)
	// show is the text of a value as the config would have it.
	show func(T) string
	// schema describes the value without regard to ${NAME}.
	schema *jsonschema.Schema
	// hidden values stand in no message and no document.
	hidden bool
}

func (s scalar[T]) decode(d *decoder, n ast.Node, path string) {
	text, ok := d.text(n, path, s.native, s.want)
	if !ok {
		return
	}
	value, err := s.parse(text)
	if err != nil {
		if s.hidden {
			d.report(start(n), path, "the value %v", err)
		} else {
			d.report(start(n), path, "%q %v", shortened(text), err)
		}
		return
	}
	*s.into = value
}

// text is the text of a scalar node with the environment's variables put in.
// A value that is not a text in JSON may be quoted only when a variable is part
// of it, because { and } cannot stand unquoted in a flow mapping.
func (d *decoder) text(n ast.Node, path, native, want string) (string, bool) {
	var raw string
	quoted := false
	switch n := n.(type) {
	case *ast.StringNode:
		raw = n.Value
		quoted = n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		raw, quoted = n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		raw = n.GetToken().Value
	case *ast.BoolNode:
		raw = n.Token.Value
		if native == "" {
			d.report(start(n), path, "%s is a boolean: write %s, in quotes if it is meant as a text", raw, want)
			return "", false
		}
	case *ast.NullNode:
		d.report(start(n), path, "the key has no value: write %s, or leave the key out", want)
		return "", false
	default:
		d.report(start(n), path, "%s stands here: write %s", nodeKind(n), want)
		return "", false
	}
	text, err := d.expand(raw)
	if err != nil {
		d.report(start(n), path, "%v", err)
		return "", false
	}
	if native != "" && quoted && text == raw {
		d.report(start(n), path, "%q is a text: write %s, without quotes", shortened(raw), want)
		return "", false
	}
	return text, true
}

func (s scalar[T]) describe() description {
	text := description{kind: s.kind}
	if s.hidden {
		text.schema = s.schema
		return text
	}
	shown := s.show(*s.into)
	copied := *s.schema
	if shown != "" {
		text.current = shown
		copied.Default = s.inJSON(shown)
	}
	text.schema = &copied
	if needsEnvironment(s.schema) {
		text.schema = orEnvironment(&copied)
	}
	return text
}

// inJSON is the default as JSON has it: numbers and booleans are not texts.
func (s scalar[T]) inJSON(shown string) any {
	if s.native != "" {
		return any(*s.into)
	}
	return shown
}

// environmentPattern finds a ${NAME} in a text.
const environmentPattern = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`

// needsEnvironment reports whether a text with ${NAME} would not fit the
// schema as it is.
func needsEnvironment(s *jsonschema.Schema) bool {
	return s.Type != "string" || s.Pattern != "" || s.Enum != nil
}

// orEnvironment also allows a text with ${NAME} in it, which cannot be judged
// before the variable is known.
func orEnvironment(s *jsonschema.Schema) *jsonschema.Schema {
	either := &jsonschema.Schema{
		Default: s.Default,
		AnyOf:   []*jsonschema.Schema{s, {Ref: "#/$defs/environment"}},
	}
	s.Default = nil
	return either
}
