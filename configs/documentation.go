package configs

import (
	"fmt"
	"strings"
)

// A Key is one key of the config, as README.md documents it.
type Key struct {
	Path    string // such as kafka.tls.ca_file or models[].name
	Kind    string // what it takes, such as duration
	Default string // what holds without it; "required" where nothing does
	Meaning string
}

// Keys are all keys, in the order of the table. What a model takes as defaults
// does is listed under defaults alone.
func Keys() []Key {
	c := Default()
	return keysUnder("", c.fields())
}

func keysUnder(path string, fields []field) []Key {
	var keys []Key
	for _, f := range fields {
		d := f.value.describe()
		k := Key{Path: join(path, f.key), Kind: d.kind, Meaning: f.meaning}
		switch {
		case f.required:
			k.Default = "required"
		case f.fallback != "":
			k.Default = f.fallback
		case d.current != nil:
			k.Default = "`" + written(d.current) + "`"
		case d.kind != "mapping":
			k.Default = "none"
		}
		keys = append(keys, k)
		switch {
		case d.items && d.allOfItem:
			keys = append(keys, keysUnder(k.Path+"[]", d.fields)...)
		case d.items:
			keys = append(keys, keysUnder(k.Path+"[]", d.fields[:1])...)
		default:
			keys = append(keys, keysUnder(k.Path, d.fields)...)
		}
	}
	return keys
}

// written is a default as YAML has it.
func written(current any) string {
	if texts, ok := current.([]string); ok {
		return "[" + strings.Join(texts, ", ") + "]"
	}
	return fmt.Sprint(current)
}
