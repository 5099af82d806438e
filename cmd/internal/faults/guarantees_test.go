//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test and every fault that the page of guarantees names exists, and every
// fault has its place there.
func TestGuaranteesNameWhatHoldsThem(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	page, err := os.ReadFile(filepath.Join(root, "windows", "redisstore", "GUARANTEES.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, found := range declared.FindAllSubmatch(source, -1) {
			tests[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	for _, f := range faults() {
		told[f.name] = false
	}
	promise, _, found := strings.Cut(string(page), "## What it takes")
	_, measured, alsoFound := strings.Cut(string(page), "## What was measured")
	if !found || !alsoFound {
		t.Fatal("the page lacks what it takes, or what was measured")
	}
	for _, f := range faults() {
		if !strings.Contains(measured, "| "+f.what+" |") {
			t.Errorf("fault %s (%s) was not measured", f.name, f.what)
		}
	}
	for _, name := range regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1) {
		if !tests[name[1]] {
			t.Errorf("there is no test %s", name[1])
		}
	}
	for _, line := range strings.Split(promise, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.HasPrefix(strings.TrimSpace(cells[2]), "-") {
			continue
		}
		for _, name := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cells[2], -1) {
			if _, known := told[name[1]]; !known {
				t.Errorf("there is no fault %s", name[1])
			}
			told[name[1]] = true
		}
	}
	for name, held := range told {
		if !held {
			t.Errorf("the page does not say what fault %s is held against", name)
		}
	}
}
