package configs

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// Load reads the config in the file at path. env looks up environment
// variables (os.LookupEnv); nil stands for an empty environment. When the
// config has problems the error is a Problems with all of them.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	// One byte more than allowed is enough for Parse to refuse the rest.
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	c, problems := Parse(path, data, env)
	if len(problems) > 0 {
		return nil, problems
	}
	if info, err := f.Stat(); err == nil && openTo(info) {
		c.Exposed = c.inline
	}
	return c, nil
}

// Parse reads the config in data. name is its file's: it stands in messages,
// and the files that the config names are relative to its folder. They must
// exist, and those of secrets are read. The Config is nil when there are
// problems.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, Problems) {
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	d := &decoder{
		file:    name,
		folder:  filepath.Dir(name),
		env:     env,
		written: map[string]position{},
	}
	c := Default()
	c.File = name
	if node := d.document(data); node != nil {
		d.fields(node, "", c.fields())
	} else if len(d.problems) == 0 {
		d.absent("", c.fields())
	}
	d.contradictions(&c)
	if len(d.problems) > 0 {
		return nil, d.problems.sorted()
	}
	c.Reserved = d.reservedInOrder()
	c.inline = d.inline
	c.resolve()
	return &c, nil
}

// A decoder walks the syntax tree beside the table of fields and fills the
// variables the fields are bound to.
type decoder struct {
	file     string
	folder   string // of the file, for the files it names
	env      func(string) (string, bool)
	problems Problems
	reserved []Reserved
	inline   []string // paths of the secrets that the file itself tells
	// written has the path of everything the file says, and where its key (of
	// list items: the item) stands.
	written map[string]position
	keys    []Key // all there are; nil until one is unknown
}

// A field is one key of the config.
type field struct {
	key      string
	meaning  string // one sentence for the schema and README.md
	value    value
	required bool
	// fallback says what holds without the key, where that is not simply what
	// the variable holds.
	fallback string
}

// A value is what a key may have, bound to the variable it fills.
type value interface {
	// decode fills the variable from n, or reports problems.
	decode(d *decoder, n ast.Node, path string)
	// describe tells the schema and README.md about the value.
	describe() description
}

// fields decodes a mapping. The fields are decoded in the order of the table,
// whatever the order of the file, so that one can build on another.
func (d *decoder) fields(n ast.Node, path string, fields []field) {
	if _, null := n.(*ast.NullNode); null {
		d.absent(path, fields) // all its keys are commented out
		return
	}
	mapping, ok := n.(ast.MapNode)
	if !ok {
		d.report(start(n), path, "%s stands where keys are expected: %s", nodeKind(n), keysOf(fields))
		return
	}
	found := map[string]ast.Node{}
	for all := mapping.MapRange(); all.Next(); {
		token := all.Key().GetToken()
		key, at := token.Value, positionOf(token)
		keyPath := join(path, key)
		if !known(fields, key) {
			d.unknown(at, key, path, fields)
			continue
		}
		if first, twice := d.written[keyPath]; twice && found[key] != nil {
			d.report(at, keyPath, "the key stands here again: it is already given on line %d", first.line)
			continue
		}
		d.written[keyPath] = at
		found[key] = all.Value()
	}
	for _, f := range fields {
		if node := found[f.key]; node != nil {
			f.value.decode(d, node, join(path, f.key))
		} else {
			d.missing(path, f)
		}
	}
}

// absent reports the required keys of a mapping that is not there.
func (d *decoder) absent(path string, fields []field) {
	for _, f := range fields {
		d.missing(path, f)
	}
}

func (d *decoder) missing(path string, f field) {
	if s, ok := f.value.(section); ok {
		d.absent(join(path, f.key), s.fields)
	} else if f.required {
		d.reportAt(join(path, f.key), "the key is required: %s", f.meaning)
	}
}

// report adds a problem at a position.
func (d *decoder) report(at position, path, format string, arguments ...any) {
	if len(d.problems) >= maxKept {
		return
	}
	d.problems = append(d.problems, Problem{
		File: d.file, Line: at.line, Column: at.column,
		Path: path, Message: fmt.Sprintf(format, arguments...),
	})
}

// unknown reports a key that is none of the fields.
func (d *decoder) unknown(at position, key, path string, fields []field) {
	if len(d.problems) >= maxKept {
		return
	}
	if d.keys == nil {
		d.keys = Keys()
	}
	d.report(at, join(path, key), "unknown key: %s", advice(key, path, fields, d.keys))
}

// reportAt adds a problem at what the file says of the path, or of what the
// path is part of.
func (d *decoder) reportAt(path, format string, arguments ...any) {
	at := position{1, 1}
	for p := path; p != ""; p = parent(p) {
		if written, ok := d.written[p]; ok {
			at = written
			break
		}
	}
	d.report(at, path, format, arguments...)
}

// has reports whether the file says something of the path.
func (d *decoder) has(path string) bool {
	_, ok := d.written[path]
	return ok
}

// join is the path of a key of a mapping. A key that could be taken for more
// than one is quoted.
func join(path, key string) string {
	if !isVariable(key) {
		key = strconv.Quote(shortened(key))
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// item is the path of an item of a list.
func item(path string, index int) string { return path + "[" + strconv.Itoa(index) + "]" }

// parent is the path of the mapping or list that a path is part of. Only
// known keys are parents, so no quoted one needs to be understood.
func parent(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			return path[:i]
		}
	}
	return ""
}

// nodeKind names what a node is, to say that it is something else.
func nodeKind(n ast.Node) string {
	switch n.(type) {
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return n.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	default:
		return "a text"
	}
}
