package configs

import (
	"encoding/json"
	"strings"

	"github.com/invopop/jsonschema"
)

// Schema is the JSON Schema (draft 2020-12) of the config, for editors and CI.
// It follows from the same table as decoding. A config it refuses has
// problems; one it accepts can still have some that a schema cannot express.
func Schema() []byte {
	c := Default()
	root := schemaOfFields(c.fields())
	root.Version = jsonschema.Version
	root.Title = "kolmo"
	root.Description = "Configuration of kolmo. ${NAME} takes an environment variable anywhere in a value, $$ is a dollar sign."
	root.Definitions = jsonschema.Definitions{"environment": {
		Type:        "string",
		Pattern:     environmentPattern,
		Description: "A text with an environment variable in it.",
	}}
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("configs: the schema of a fixed table cannot fail: " + err.Error())
	}
	return append(data, '\n')
}

// schemaOfFields is the schema of a mapping with these keys and no other.
func schemaOfFields(fields []field) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type:                 "object",
		Properties:           jsonschema.NewProperties(),
		AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, f := range fields {
		d := f.value.describe()
		property := d.schema
		if d.fields != nil {
			property = schemaOfFields(d.fields)
			_, isSection := f.value.(section)
			switch {
			case d.items:
				property = nullable(&jsonschema.Schema{Type: "array", Items: property})
			case isSection && len(property.Required) > 0:
				s.Required = append(s.Required, f.key)
			case isSection:
				property = nullable(property) // all its keys are commented out
			}
		}
		property.Description = f.meaning
		if f.fallback != "" {
			property.Description += " Default: " + strings.ReplaceAll(f.fallback, "`", "") + "."
		}
		if f.required {
			s.Required = append(s.Required, f.key)
		}
		s.Properties.Set(f.key, property)
	}
	return s
}

// nullable also allows the key to have no value.
func nullable(s *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}}
}
