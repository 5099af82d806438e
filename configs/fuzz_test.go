package configs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kolmo-ml/kolmo/configs"
)

// Whatever the text, Parse returns: a config that holds its promises, or
// problems that point into the text, in its order.
func FuzzParse(f *testing.F) {
	for _, name := range append(badFiles(f), "kolmo.yaml", "minimal.yaml", filepath.Join("testdata", "documented.yaml")) {
		f.Add([]byte(readFile(f, name)))
	}
	for _, text := range wellWritten(f) {
		f.Add([]byte(text))
	}
	folder := f.TempDir() // where no file is that a config could name
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(folder, "kolmo.yaml")
		c, problems := configs.Parse(name, text, environment)
		if (c == nil) != (len(problems) > 0) {
			t.Fatalf("%d problems, and the config is nil: %v", len(problems), c == nil)
		}
		lines := strings.Count(string(text), "\n") + strings.Count(string(text), "\r") + 1
		for i, p := range problems {
			if p.Line < 1 || p.Line > lines+1 || p.Column < 1 || p.Message == "" || strings.ContainsAny(p.String(), "\n\r") || !utf8.ValidString(p.String()) {
				t.Fatalf("problem %q of %d lines", p, lines)
			}
			if i > 0 && (p.Line < problems[i-1].Line || p.Line == problems[i-1].Line && p.Column < problems[i-1].Column) {
				t.Fatalf("out of order:\n%v", problems)
			}
		}
		if c == nil {
			return
		}
		// A definition that is not valid would panic here.
		for _, model := range append([]configs.Entry{{Name: "any"}}, c.Models...) {
			m := c.For(model.Name)
			if m.Window.PaneIndex(0) > m.Window.PaneIndex(1) || m.SampleSize < 1 || m.Alert.For > m.Alert.Of {
				t.Fatalf("%+v", m)
			}
		}
		again, problems := configs.Parse(name, text, environment)
		if len(problems) > 0 || again.Fingerprint() != c.Fingerprint() {
			t.Fatalf("a second reading differs: %v", problems)
		}
	})
}

// What would cost a YAML parser its stack, its memory or minutes is refused
// before it gets there.
func TestHostileTextsAreRefused(t *testing.T) {
	const size = 1 << 20
	fill := func(text string) string { return strings.Repeat(text, size/len(text)) }
	for name, text := range map[string]string{
		"brackets":            fill("["),
		"braces":              fill("{"),
		"braces with keys":    fill("{a: "),
		"list items":          fill("- "),
		"complex keys":        fill("? "),
		"keys on a line":      fill("a: "),
		"keys of one mapping": fill("k: v\n"),
		"flow keys":           "{" + fill("a: b,")[1:],
		"colons":              fill(":"),
		"colons in a flow":    "[{" + fill("a:")[2:],
		"tags":                fill("!a "),
		"anchors":             fill("&a "),
		"aliases":             fill("*a "),
		"documents":           fill("---\n"),
		"an open quote":       "a: \"" + fill("x\n")[4:],
		"dollars":             "listen: \"" + fill("${")[10:] + "\"",
		"a long text":         "listen: " + fill("x")[8:],
		"a long key":          fill("x")[2:] + ": 1",
		"too large":           fill("# \n") + "#####",
		"models":              "models:\n" + fill("- {nsme: x}\n")[:size/4],
		"unknown keys":        "models:\n" + fill("- {a: 1, b: 2}\n")[:size/4],
		"one name":            "models:\n" + fill("- name: x\n")[:size/4],
		"bombs": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" +
			"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
		"control characters": fill("\x00\x01\x7f"),
		"deep indentation":   deepIndentation(),
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := configs.Parse("kolmo.yaml", []byte(text), environment)
			if len(problems) == 0 || len(problems) > 501 {
				t.Errorf("%d problems", len(problems))
			}
			for _, p := range problems {
				if len(p.Message) > 1000 {
					t.Errorf("a message of %d bytes", len(p.Message))
				}
			}
		})
	}
}

func deepIndentation() string {
	var b strings.Builder
	for i := range 1200 {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestLoadTellsOfAbsentAndHugeFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "kolmo.yaml")
	_, err := configs.Load(name, nil)
	var problems configs.Problems
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &problems) {
		t.Errorf("an absent file: %v", err)
	}
	if err := os.WriteFile(name, bytes.Repeat([]byte("#"), 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = configs.Load(name, nil)
	if !errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(err.Error(), "longer than 1MiB") {
		t.Errorf("a huge file: %v", err)
	}
}
