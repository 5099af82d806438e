package configs

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds on what is handed to the YAML parser. It recurses over nesting
// and takes a time that grows with the square of the keys of one mapping, so
// these are checked on the tokens, before it runs.
const (
	maxFileBytes   = 1 << 20
	maxFlowDepth   = 32   // of [ and {
	maxIndentation = 256  // column of a key or an item outside [ and {
	maxMappingKeys = 1000 // of one mapping, outside [ and {
)

// document parses the text into the node of its one document, nil when it is
// empty or has problems.
func (d *decoder) document(data []byte) ast.Node {
	if len(data) > maxFileBytes {
		d.report(position{1, 1}, "", "the file is longer than %s: a config is not", formatBytes(maxFileBytes))
		return nil
	}
	if at, ok := invalidUTF8(data); !ok {
		d.report(at, "", "the text is not UTF-8: save the file as UTF-8")
		return nil
	}
	// Some editors begin a text with a byte order mark, which is no part of it.
	tokens, ok := d.tokens(strings.TrimPrefix(string(data), "\ufeff"))
	if !ok {
		return nil
	}
	file, err := parse(tokens)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			d.report(positionOf(syntax.Token), "", "this is not YAML: %s", shortened(strings.ReplaceAll(syntax.Message, "\t", `\t`)))
		} else {
			d.report(position{1, 1}, "", "this is not YAML: %s", shortened(err.Error()))
		}
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body == nil:
			body = doc.Body
		default:
			d.report(start(doc.Body), "", "a second YAML document begins here: a config is one document, remove the --- above")
		}
	}
	return body
}

// parse runs the YAML parser. A panic of it is an error like any other: what
// it stumbled over is the user's text.
func parse(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			file, err = nil, fmt.Errorf("the parser failed: %v", cause)
		}
	}()
	// Duplicate keys are allowed here because the parser stops at the first;
	// the decoder reports them all.
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// tokens cuts the text into tokens and refuses those a config has no use for
// and those that would cost the parser too much.
func (d *decoder) tokens(text string) (tokens token.Tokens, ok bool) {
	defer func() {
		if cause := recover(); cause != nil {
			d.report(position{1, 1}, "", "this is not YAML: the parser failed: %v", cause)
			tokens, ok = nil, false
		}
	}()
	tokens = mergeFlowScalars(lexer.Tokenize(text))
	ok = true
	refuse := func(t *token.Token, format string, arguments ...any) {
		d.report(positionOf(t), "", format, arguments...)
		ok = false
	}
	depth := 0
	var block keyCounter
	for i, t := range tokens {
		switch t.Type {
		case token.AnchorType:
			refuse(t, "anchors (&) are not supported: write the value out, and quote a text that begins with &")
		case token.AliasType:
			refuse(t, "aliases (*) are not supported: write the value out, and quote a glob that begins with *")
		case token.MergeKeyType:
			refuse(t, "merge keys (<<) are not supported: what all models share belongs under defaults")
		case token.TagType:
			refuse(t, "tags (!) are not supported: leave it out, and quote a text that begins with !")
		case token.DirectiveType:
			refuse(t, "directives (%%) are not supported: leave it out, and quote a text that begins with %%")
		case token.MappingKeyType:
			refuse(t, "keys that begin with ? are not supported: write key: value")
		case token.SequenceStartType, token.MappingStartType:
			if depth++; depth > maxFlowDepth {
				refuse(t, "[ and { are nested deeper than %d levels", maxFlowDepth)
				return nil, false
			}
		case token.SequenceEndType, token.MappingEndType:
			depth = max(depth-1, 0)
		case token.SequenceEntryType:
			if depth > 0 {
				continue
			}
			if t.Position.Column > maxIndentation {
				refuse(t, "the list item is indented by more than %d columns", maxIndentation)
				return nil, false
			}
			block.item(t.Position.Column)
		case token.MappingValueType:
			if depth > 0 || i == 0 {
				continue
			}
			column := tokens[i-1].Position.Column
			if column > maxIndentation {
				refuse(t, "the key is indented by more than %d columns", maxIndentation)
				return nil, false
			}
			if block.key(column) > maxMappingKeys {
				refuse(t, "more than %d keys in one mapping", maxMappingKeys)
				return nil, false
			}
		}
	}
	return tokens, ok
}

// A keyCounter counts the keys of each block mapping that is open, outermost
// first, told apart by their columns.
type keyCounter struct {
	columns, keys []int
}

// item begins a list item at the column: mappings right of it have ended.
func (c *keyCounter) item(column int) {
	n := len(c.columns)
	for n > 0 && c.columns[n-1] > column {
		n--
	}
	c.columns, c.keys = c.columns[:n], c.keys[:n]
}

// key counts a key at the column and returns how many its mapping has so far.
func (c *keyCounter) key(column int) int {
	c.item(column)
	n := len(c.columns)
	if n == 0 || c.columns[n-1] < column {
		c.columns, c.keys = append(c.columns, column), append(c.keys, 0)
		n++
	}
	c.keys[n-1]++
	return c.keys[n-1]
}

// A position is a place in the file, both counted from 1, columns in
// characters.
type position struct {
	line, column int
}

func positionOf(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// start is where the text of a node begins: a block mapping's own token is the
// colon after its first key.
func start(n ast.Node) position {
	if m, ok := n.(ast.MapNode); ok {
		if flow, ok := n.(*ast.MappingNode); ok && flow.IsFlowStyle {
			return positionOf(flow.GetToken())
		}
		if all := m.MapRange(); all.Next() {
			return positionOf(all.Key().GetToken())
		}
	}
	return positionOf(n.GetToken())
}

// invalidUTF8 finds the first place that is not UTF-8.
func invalidUTF8(data []byte) (position, bool) {
	if utf8.Valid(data) {
		return position{}, true
	}
	at := position{1, 1}
	for {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size <= 1:
			return at, false
		case r == '\n':
			at = position{at.line + 1, 1}
		default:
			at.column++
		}
		data = data[size:]
	}
}

// shortened bounds a text that came from the file, for a message.
func shortened(text string) string {
	const longest = 120
	text = withoutUserinfo(strings.Join(strings.Fields(text), " "))
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	return string([]rune(text)[:longest]) + "…"
}

// withoutUserinfo hides what goes before the host of an address that says who
// one is, as in redis://kolmo:password@host.
func withoutUserinfo(text string) string {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	begin := 0
	if scheme := strings.Index(text, "://"); scheme >= 0 && scheme < at {
		begin = scheme + len("://")
	}
	if !strings.Contains(text[begin:at], ":") {
		return text
	}
	return text[:begin] + redacted + text[at:]
}
