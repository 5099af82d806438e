package configs

import (
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/invopop/jsonschema"
)

// A description is what the schema and README.md tell about a value.
type description struct {
	kind    string
	schema  *jsonschema.Schema
	current any     // what the variable holds, as YAML would have it; nil: nothing
	fields  []field // of a mapping, or of each item of a list
	items   bool    // fields are those of each item
	// allOfItem: README.md lists every field of an item, not its name alone.
	allOfItem bool
}

// A section is a mapping that is always there: without it its keys have their
// defaults.
type section struct {
	fields []field
}

func (s section) decode(d *decoder, n ast.Node, path string) { d.fields(n, path, s.fields) }

func (s section) describe() description {
	return description{kind: "mapping", fields: s.fields}
}

// An optional is a mapping that switches something on.
type optional[T any] struct {
	into   **T
	fields func(*T) []field
}

func (o optional[T]) decode(d *decoder, n ast.Node, path string) {
	if _, null := n.(*ast.NullNode); null {
		d.report(start(n), path, "the key has no value: write {} for all its defaults, or leave the key out")
		return
	}
	*o.into = new(T)
	d.fields(n, path, o.fields(*o.into))
}

func (o optional[T]) describe() description {
	return description{kind: "mapping", fields: o.fields(new(T))}
}

// A list is a list of values of one kind.
type list struct {
	into  *[]string
	item  func(*string) value
	least int // number of items
}

func (l list) decode(d *decoder, n ast.Node, path string) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		d.report(start(n), path, "%s stands here: write a list, as in [first, second]", nodeKind(n))
		return
	}
	if len(sequence.Values) < l.least {
		d.report(start(n), path, "the list is empty: write at least %d", l.least)
		return
	}
	texts := make([]string, len(sequence.Values))
	seen := map[string]bool{}
	for i, v := range sequence.Values {
		itemPath := item(path, i)
		d.written[itemPath] = start(v)
		l.item(&texts[i]).decode(d, v, itemPath)
		if seen[texts[i]] {
			d.report(start(v), itemPath, "%q stands in the list twice", shortened(texts[i]))
		}
		seen[texts[i]] = texts[i] != "" // empty: it was wrong
	}
	*l.into = texts
}

func (l list) describe() description {
	var unset string
	of := l.item(&unset).describe()
	out := description{
		kind:   "list of " + plural(of.kind),
		schema: &jsonschema.Schema{Type: "array", Items: of.schema, UniqueItems: true},
	}
	if l.least > 0 {
		out.schema.MinItems = new(uint64(l.least))
	}
	if *l.into != nil {
		out.current, out.schema.Default = *l.into, *l.into
	}
	return out
}

func plural(kind string) string {
	switch {
	case kind == "address":
		return "addresses"
	case kind[0] == '`': // one of some names
		return kind
	}
	return kind + "s"
}

// reservedKey is a key that is known and does nothing yet, whatever it holds.
type reservedKey struct{}

func (reservedKey) decode(d *decoder, _ ast.Node, path string) {
	d.reserved = append(d.reserved, Reserved{Path: path, Line: d.written[path].line})
}

func (reservedKey) describe() description {
	return description{kind: "reserved", schema: &jsonschema.Schema{}}
}

// reservedInOrder are the reserved keys in the order of the file.
func (d *decoder) reservedInOrder() []Reserved {
	slices.SortStableFunc(d.reserved, func(a, b Reserved) int { return a.Line - b.Line })
	return d.reserved
}

// An entries is the list of models.
type entries struct {
	into     *[]Entry
	defaults *Settings // decoded before the models
}

func (e entries) decode(d *decoder, n ast.Node, path string) {
	if _, null := n.(*ast.NullNode); null {
		return // all of them are commented out
	}
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		d.report(start(n), path, "%s stands here: write a list, each item beginning with - name:", nodeKind(n))
		return
	}
	models := make([]Entry, len(sequence.Values))
	for i, v := range sequence.Values {
		models[i].Settings = *e.defaults
		itemPath := item(path, i)
		d.written[itemPath] = start(v)
		d.fields(v, itemPath, models[i].fields())
		models[i].suppliesFile = d.has(itemPath + ".reference.file")
	}
	*e.into = models
}

func (e entries) describe() description {
	of := Entry{Settings: *e.defaults}
	return description{kind: "list of mappings", fields: of.fields(), items: true}
}

// A mappings is a list of mappings of one kind.
type mappings[T any] struct {
	into   *[]T
	begin  func() T // an item that says nothing
	fields func(*T) []field
	first  string // the key that an item begins with, for messages
	// contradicts reports what an item contradicts itself in; nil: nothing to ask.
	contradicts func(d *decoder, item *T, path string)
}

func (m mappings[T]) decode(d *decoder, n ast.Node, path string) {
	if _, null := n.(*ast.NullNode); null {
		return // all of them are commented out
	}
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		d.report(start(n), path, "%s stands here: write a list, each item beginning with - %s:", nodeKind(n), m.first)
		return
	}
	items := make([]T, len(sequence.Values))
	for i, v := range sequence.Values {
		itemPath := item(path, i)
		items[i] = m.begin()
		d.written[itemPath] = start(v)
		d.fields(v, itemPath, m.fields(&items[i]))
		if m.contradicts != nil {
			m.contradicts(d, &items[i], itemPath)
		}
	}
	*m.into = items
}

func (m mappings[T]) describe() description {
	nothing := m.begin()
	return description{kind: "list of mappings", fields: m.fields(&nothing), items: true, allOfItem: true}
}

// nothing is an item without defaults of its own.
func nothing[T any]() (none T) { return none }
