package configs

import (
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// A FeatureDrift is one item of drift.features: what counts as drift of the
// features it names, where that differs from the model's.
type FeatureDrift struct {
	Name        string // of a feature, or a glob over features
	MinEffect   float64
	MinEvents   uint64
	Numeric     string
	Categorical string
	Ties        string
	Measures    []string
	// Written are the keys that the item has; the fields of others hold what they
	// are to be shown with, and count for nothing.
	Written []string
}

// For is what counts as drift of one feature, and whether that is anything of
// its own: the item of its exact name, else of the longest glob that matches it,
// else of the first such glob, over the model's.
func (d Drift) For(feature string) (Drift, bool) {
	best := -1
	for i, f := range d.Features {
		if !matches(f.Name, feature) {
			continue
		}
		if f.Name == feature && !isGlob(f.Name) {
			best = i
			break
		}
		if best < 0 || utf8.RuneCountInString(f.Name) > utf8.RuneCountInString(d.Features[best].Name) {
			best = i
		}
	}
	if best < 0 {
		return d, false
	}
	f := d.Features[best]
	for _, key := range f.Written {
		switch key {
		case "min_effect":
			d.MinEffect = f.MinEffect
		case "min_events":
			d.MinEvents = f.MinEvents
		case "numeric":
			d.Numeric = f.Numeric
		case "categorical":
			d.Categorical = f.Categorical
		case "ties":
			d.Ties = f.Ties
		case "measures":
			d.Measures = f.Measures
		}
	}
	return d, true
}

// fields is the table of one item.
func (f *FeatureDrift) fields() []field {
	name := field{key: "name", required: true, value: text(&f.Name), meaning: "A feature's name, or a glob; prediction is the prediction."}
	own := Drift{
		MinEffect: f.MinEffect, MinEvents: f.MinEvents, Numeric: f.Numeric, Categorical: f.Categorical, Ties: f.Ties, Measures: f.Measures,
	}
	fields := []field{name}
	for _, inherited := range own.featureFields(&f.MinEffect, &f.MinEvents, &f.Numeric, &f.Categorical, &f.Ties, &f.Measures) {
		inherited.fallback = "the model's"
		fields = append(fields, inherited)
	}
	return fields
}

// featureEntries is the list of features with settings of their own.
type featureEntries struct {
	into  *[]FeatureDrift
	model *Drift // decoded before the features
}

func (e featureEntries) decode(d *decoder, n ast.Node, path string) {
	if _, null := n.(*ast.NullNode); null {
		*e.into = nil // all of them are commented out
		return
	}
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		d.report(start(n), path, "%s stands here: write a list, each item beginning with - name:", nodeKind(n))
		return
	}
	features := make([]FeatureDrift, len(sequence.Values))
	names := map[string]string{}
	for i, v := range sequence.Values {
		f, itemPath := &features[i], item(path, i)
		*f = e.inherited()
		d.written[itemPath] = start(v)
		d.fields(v, itemPath, f.fields())
		for _, of := range f.fields() {
			if of.key != "name" && d.has(itemPath+"."+of.key) {
				f.Written = append(f.Written, of.key)
			}
		}
		if first, twice := names[f.Name]; twice && f.Name != "" {
			d.reportAt(itemPath+".name", "%q is already the name of %s: merge the two", shortened(f.Name), first)
		}
		names[f.Name] = itemPath
	}
	*e.into = features
}

// inherited is an item that says nothing.
func (e featureEntries) inherited() FeatureDrift {
	m := e.model
	return FeatureDrift{
		MinEffect: m.MinEffect, MinEvents: m.MinEvents, Numeric: m.Numeric, Categorical: m.Categorical, Ties: m.Ties, Measures: m.Measures,
	}
}

func (e featureEntries) describe() description {
	of := e.inherited()
	return description{kind: "list of mappings", fields: of.fields(), items: true, allOfItem: true}
}
