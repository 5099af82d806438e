//go:build unix

package main

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// TestShortCourse kills instances at every named step, pauses owners past their
// session, empties Redis and kills it, in one stream of events; what is published is
// what the reference program says. `make faults` has all the faults, and more of
// each.
func TestShortCourse(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "kolmo")
	if err := build(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	o := options{seed: rand.Uint64() >> 32, repeats: 1}
	t.Logf("seed %d", o.seed)
	r := runFault(t.Context(), shortCourse(), o, filepath.Join(dir, "short"), binary, t.Output())
	t.Log(r.line())
	if !r.failed() {
		return
	}
	for _, what := range append(r.problems, r.details...) {
		t.Error(what)
	}
	t.Logf("lost %d, duplicated %d, wrong %d; what the instances wrote:", r.lost, r.duplicated, r.wrong)
	logs, err := filepath.Glob(filepath.Join(dir, "short", "kolmo-*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range logs {
		i := instance{log: log}
		t.Logf("%s:\n%s", filepath.Base(log), i.output())
	}
}
