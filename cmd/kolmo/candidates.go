package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
)

// A candidate is a configuration of a backtest.
type candidate struct {
	label  string
	config *configs.Config
}

// loadCandidates reads the configurations, and makes those of --set of the first.
func loadCandidates(o backtestOptions, stderr io.Writer) ([]candidate, error) {
	var candidates []candidate
	labels := make(map[string]bool)
	add := func(label string, config *configs.Config) error {
		if labels[label] {
			return &exitError{code: exitUsage, err: fmt.Errorf("two candidates are called %q: give the files, or the settings, different names", label)}
		}
		labels[label] = true
		candidates = append(candidates, candidate{label, config})
		return nil
	}
	for _, file := range o.configs {
		config, err := loadConfig(file, stderr)
		if err != nil {
			return nil, err
		}
		base := filepath.Base(file)
		if err := add(strings.TrimSuffix(base, filepath.Ext(base)), config); err != nil {
			return nil, err
		}
	}
	for _, set := range o.sets {
		label, config, err := overlay(o.configs[0], set, stderr)
		if err != nil {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("--set %q: %w", set, err)}
		}
		if err := add(label, config); err != nil {
			return nil, err
		}
	}
	return candidates, nil
}

// sameInput checks what the candidates must have in common, since the events are
// read once.
func sameInput(candidates []candidate) error {
	first := candidates[0]
	for _, c := range candidates[1:] {
		switch {
		case !reflect.DeepEqual(service.Inputs(first.config), service.Inputs(c.config)), !reflect.DeepEqual(first.config.Kafka.Brokers, c.config.Kafka.Brokers):
			return fmt.Errorf("%s and %s read different topics: candidates share what is read", first.label, c.label)
		case first.config.Limits != c.config.Limits:
			return fmt.Errorf("%s and %s have different limits: candidates share what is read", first.label, c.label)
		}
	}
	return nil
}

// overlay reads a configuration in which, for the defaults and for every model,
// some keys have other values.
func overlay(file, set string, stderr io.Writer) (label string, config *configs.Config, err error) {
	label, list, found := strings.Cut(set, ":")
	label = strings.TrimSpace(label)
	if !found || label == "" {
		return "", nil, fmt.Errorf(`write a name and what differs, as in "strict: drift.min_effect=0.2,alert.for=3"`)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", nil, err
	}
	var document yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(data, &document, yaml.UseOrderedMap()); err != nil {
		return "", nil, fmt.Errorf("reading %s: %w", file, err)
	}
	for assignment := range strings.SplitSeq(list, ",") {
		key, text, found := strings.Cut(assignment, "=")
		if key = strings.TrimSpace(key); !found || key == "" {
			return "", nil, fmt.Errorf("%q is not key=value", assignment)
		}
		var value any
		if err := yaml.UnmarshalWithOptions([]byte(text), &value, yaml.UseOrderedMap()); err != nil {
			return "", nil, fmt.Errorf("%s: %q is no value of a configuration", key, text)
		}
		document = setEverywhere(document, strings.Split(key, "."), value)
	}
	if data, err = yaml.Marshal(document); err != nil {
		return "", nil, err
	}
	config, problems := configs.Parse(file, data, os.LookupEnv)
	if len(problems) > 0 {
		_ = problems.Render(stderr) // where people cannot read it, the exit code tells
		return "", nil, fmt.Errorf("with it, %s has %s", file, counted(len(problems), "problem"))
	}
	return label, config, nil
}

// setEverywhere sets a key of the defaults and of every model.
func setEverywhere(document yaml.MapSlice, path []string, value any) yaml.MapSlice {
	document = setKey(document, append([]string{"defaults"}, path...), value)
	for i, item := range document {
		models, ok := item.Value.([]any)
		if item.Key != "models" || !ok {
			continue
		}
		for j, model := range models {
			if entry, ok := model.(yaml.MapSlice); ok {
				models[j] = setKey(entry, path, value)
			}
		}
		document[i].Value = models
	}
	return document
}

// setKey sets a key of a mapping, making the mappings on the way to it.
func setKey(mapping yaml.MapSlice, path []string, value any) yaml.MapSlice {
	for i, item := range mapping {
		if item.Key != path[0] {
			continue
		}
		if len(path) == 1 {
			mapping[i].Value = value
			return mapping
		}
		inner, _ := item.Value.(yaml.MapSlice) // what is no mapping is replaced by one
		mapping[i].Value = setKey(inner, path[1:], value)
		return mapping
	}
	if len(path) > 1 {
		value = setKey(nil, path[1:], value)
	}
	return append(mapping, yaml.MapItem{Key: path[0], Value: value})
}
