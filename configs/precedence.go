package configs

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/windows"
)

// For is what holds for a model: the entry of its exact name, else of the
// longest glob that matches it, else of the first such glob in the file, each
// over the defaults; with no entry the defaults alone. The cost is that of
// comparing the name with every entry: callers on a hot path keep the answer.
func (c *Config) For(model string) Model {
	for i := range c.ranked {
		if matches(c.ranked[i].Pattern, model) {
			return c.ranked[i]
		}
	}
	return c.fallback
}

// resolve prepares For. Windows that do not validate have been reported.
func (c *Config) resolve() {
	c.fallback = resolved(c.Defaults)
	entries := slices.Clone(c.Models)
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if globA, globB := isGlob(a.Name), isGlob(b.Name); globA != globB {
			if globA {
				return 1
			}
			return -1
		} else if !globA {
			return cmp.Compare(a.Name, b.Name)
		}
		return -cmp.Compare(utf8.RuneCountInString(a.Name), utf8.RuneCountInString(b.Name))
	})
	c.ranked = make([]Model, 0, len(entries))
	for _, e := range entries {
		m := resolved(e.Settings)
		m.Pattern = e.Name
		if e.suppliesFile && m.Reference.File != "" {
			m.ReferencePattern = e.Name
		}
		c.ranked = append(c.ranked, m)
	}
}

// resolved is the model of settings, which keep no window definition of their
// own that Validate has filled: what it fills must not be inherited.
func resolved(s Settings) Model {
	m := Model{
		Window:          s.Window,
		Reference:       s.Reference,
		SampleSize:      s.SampleSize,
		Drift:           s.Drift,
		Alert:           s.Alert,
		Budget:          s.Budget,
		Objectives:      s.Objectives,
		Traffic:         s.Traffic,
		Retraining:      s.Retraining,
		SuccessStatuses: s.SuccessStatuses,
	}
	if err := m.Window.Validate(); err != nil {
		m.Window = windows.Definition{} // the config has problems and is not handed out
	}
	// What a kind inherits and does not use must not change the fingerprint.
	r := &m.Reference
	if r.Kind != ReferenceFixed {
		r.File, r.FileAsWritten = "", ""
	}
	if r.Kind != ReferenceFirst && r.Kind != ReferenceRolling {
		r.Windows = 0
	}
	if r.Kind == ReferenceVersion {
		r.Size = 0 // the other version's window has sample_size values
	} else {
		r.Version = ""
	}
	if r.Kind != ReferenceSeasonal {
		r.Period, r.Cycles = windows.Span{}, 0
	}
	return m
}

// isGlob reports whether an entry's name stands for more than one model.
func isGlob(name string) bool { return strings.ContainsAny(name, "*?") }

// matches reports whether the glob stands for the model: * is any text, also
// an empty one and one with slashes, ? is any one character, and every other
// character is itself. It takes at most len(glob)·len(model) steps: only the
// last * is ever taken up again, because an earlier one could not do better.
func matches(glob, model string) bool {
	star, resume := -1, 0
	g, m := 0, 0
	for m < len(model) {
		r, size := utf8.DecodeRuneInString(model[m:])
		if g < len(glob) {
			want, width := utf8.DecodeRuneInString(glob[g:])
			switch {
			case want == '*':
				star, resume = g+1, m
				g++
				continue
			case want == '?', want == r:
				g, m = g+width, m+size
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, skipped := utf8.DecodeRuneInString(model[resume:])
		resume += skipped
		g, m = star, resume
	}
	return strings.Trim(glob[g:], "*") == ""
}
