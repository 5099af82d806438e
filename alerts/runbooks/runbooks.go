package runbooks

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.md
var files embed.FS

// Names are the alerts that have a runbook, in the order of the alphabet.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // what is embedded can be read
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".md"))
	}
	return names
}

// Text is the runbook of an alert, as Markdown.
func Text(name string) (string, error) {
	if !slices.Contains(Names(), name) {
		return "", fmt.Errorf("there is no runbook of %q: there are %s", name, strings.Join(Names(), ", "))
	}
	data, err := files.ReadFile(name + ".md")
	if err != nil {
		return "", fmt.Errorf("reading the runbook of %s: %w", name, err)
	}
	return string(data), nil
}

// lead is the sentence below the title: what the alert says.
func lead(text string) string {
	_, rest, _ := strings.Cut(text, "\n\n")
	paragraph, _, _ := strings.Cut(rest, "\n\n")
	return strings.Join(strings.Fields(paragraph), " ")
}
