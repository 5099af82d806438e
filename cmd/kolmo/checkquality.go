package main

import (
	"fmt"
	"strings"

	"github.com/kolmo-ml/kolmo/windows/drift"
)

// brokenWords names the broken checks of a column, behind what stands before
// them; nothing where none is.
func brokenWords(f *drift.Feature, before string) string {
	var names []string
	for _, c := range f.Quality.Checks() {
		if c.Broken {
			names = append(names, fmt.Sprintf("%s %.3g%% (reference %.3g%%)", c.Name, 100*float64(c.Rate), 100*float64(c.ReferenceRate)))
		}
	}
	if names == nil {
		return ""
	}
	return before + "broken: " + strings.Join(names, ", ")
}

// brokenColumns says how many columns have broken data.
func brokenColumns(all map[string]*drift.Feature) string {
	broken := 0
	for _, f := range all {
		if f.Broken {
			broken++
		}
	}
	if broken == 1 {
		return "1 column has broken data; drift by it is not counted"
	}
	return fmt.Sprintf("%d columns have broken data; drift by it is not counted", broken)
}
