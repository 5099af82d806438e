package configs

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/invopop/jsonschema"
)

// Severity is how severe an alert is: the same always, or by its effect.
type Severity struct {
	Least string // critical, warning or info: of every effect that Worse does not speak of
	// Worse are more severe ones, each from an effect on, in the order of the effects.
	Worse []Grade
}

// A Grade is a severity from an effect on.
type Grade struct {
	Severity string
	From     float64
}

// severities are from the least to the worst.
var severities = []string{"info", "warning", "critical"}

// severity is one severity, or one for each of some effects.
type severity struct {
	into *Severity
	// effect says what an effect is, for messages and README.md.
	effect string
}

func (s severity) decode(d *decoder, n ast.Node, path string) {
	if _, mapping := n.(ast.MapNode); !mapping {
		var one string
		oneOf(&one, []string{"critical", "warning", "info"}).decode(d, n, path)
		if one != "" {
			*s.into = Severity{Least: one}
		}
		return
	}
	from := make([]float64, len(severities))
	d.fields(n, path, s.fields(from))
	var grades []Grade
	for i, name := range severities {
		if d.has(path + "." + name) {
			grades = append(grades, Grade{name, from[i]})
		}
	}
	if len(grades) == 0 {
		d.report(start(n), path, "no severity is given: write one, such as critical, or from which effect on each holds, as in {warning: 0.1, critical: 0.2}")
		return
	}
	for i := 1; i < len(grades); i++ {
		if before, g := grades[i-1], grades[i]; g.From <= before.From {
			d.reportAt(path+"."+g.Severity, "%s from %v on is not beyond %s from %v on: write a larger effect", g.Severity, g.From, before.Severity, before.From)
			return
		}
	}
	*s.into = Severity{Least: grades[0].Severity, Worse: grades[1:]}
}

func (s severity) fields(from []float64) []field {
	fields := make([]field, len(severities))
	for i, name := range severities {
		fields[i] = field{
			key: name, value: number(&from[i], bound{0, false}, bound{1_000_000, false}), fallback: "none",
			meaning: fmt.Sprintf("%s that makes an alert %s.", strings.ToUpper(s.effect[:1])+s.effect[1:], name),
		}
	}
	return fields
}

func (s severity) describe() description {
	one := &jsonschema.Schema{Type: "string", Enum: []any{"critical", "warning", "info"}}
	byEffect := schemaOfFields(s.fields(make([]float64, len(severities))))
	return description{
		kind: "`critical`, `warning`, `info`, or a mapping of effects", current: s.into.String(),
		schema: &jsonschema.Schema{Default: s.into.inJSON(), AnyOf: []*jsonschema.Schema{orEnvironment(one), byEffect}},
	}
}

// String is the severity as a config has it.
func (s Severity) String() string {
	if len(s.Worse) == 0 {
		return s.Least
	}
	parts := []string{s.Least + ": 0"}
	for _, g := range s.Worse {
		parts = append(parts, g.Severity+": "+formatNumber(g.From))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// inJSON is the severity as JSON has it.
func (s Severity) inJSON() any {
	if len(s.Worse) == 0 {
		return s.Least
	}
	by := map[string]float64{s.Least: 0}
	for _, g := range s.Worse {
		by[g.Severity] = g.From
	}
	return by
}
