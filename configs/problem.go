package configs

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Problem is one thing wrong with a config, where it is, and what to write
// instead.
type Problem struct {
	File         string
	Line, Column int    // counted from 1, columns in characters
	Path         string // such as models[0].window.size; empty: the file as a whole
	Message      string
}

// String is the problem on one line: kolmo.yaml:12:5: models[0].window.size: ….
func (p Problem) String() string {
	text := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		text += p.Path + ": "
	}
	return text + p.Message
}

// Problems are all that is wrong with a config, in the order of the file. They
// are an error when there are any.
type Problems []Problem

// Error is every problem on a line of its own.
func (p Problems) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(problem.String())
	}
	return b.String()
}

// Render writes every problem on a line of its own.
func (p Problems) Render(w io.Writer) error {
	for _, problem := range p {
		if _, err := fmt.Fprintln(w, problem); err != nil {
			return err
		}
	}
	return nil
}

// A file with more problems than these is not a config, and nobody reads on.
const (
	maxProblems = 500    // reported
	maxKept     = 10_000 // found, before they are sorted
)

// sorted brings the problems into the order of the file and bounds them.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message),
		)
	})
	p = slices.Compact(p)
	if len(p) > maxProblems {
		last := p[maxProblems]
		last.Path, last.Message = "", "there are more problems from here on: mend those above first"
		p = append(p[:maxProblems:maxProblems], last)
	}
	return p
}
