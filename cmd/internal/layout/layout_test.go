// Package layout holds the walls of the house: which way imports may point, and
// what files may not be called.
package layout

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/kolmo-ml/kolmo/"

// root is the project's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "..", "..", "..")
}

// goFiles visits every Go file of the project by its path from the root.
func goFiles(t *testing.T, visit func(path string)) {
	t.Helper()
	top := root(t)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(top, path)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || name == "bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(name, ".go") {
			visit(filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func imports(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), path), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, name)
	}
	return list
}

// A wall says what the files of a folder, subfolders included unless they have
// a wall of their own, may import of the project.
var walls = map[string][]string{
	// The pure core imports nothing of ours.
	"windows":             {},
	"windows/twosample":   {},
	"windows/reference":   {"windows", "windows/twosample"},
	"windows/drift":       {"windows", "windows/reference", "windows/twosample"},
	"windows/redisstore":  {"windows"},
	"windows/windowstest": {"windows"},
	"consumer":            {"consumer/event", "windows", "windows/redisstore"},
	"consumer/event":      {"windows"},
	"alerts":              {"windows", "windows/drift", "windows/reference"},
	"alerts/alertmanager": {"alerts"},
	"alerts/kafka":        {"alerts", "windows", "windows/drift", "windows/reference", "windows/redisstore"},
	"alerts/webhook":      {"alerts", "windows/drift"},
	"alerts/evidence":     {"alerts", "windows", "windows/drift"},
	"alerts/runbooks":     {"alerts"},
	"configs":             {"windows", "windows/drift"},
	"deploy/local":        {"deploy/local"},
	"deploy/local/stack":  {"deploy/local"},
	"deploy/alertmanager": {},
	"deploy/grafana":      {},
	"deploy/prometheus":   {"alerts", "alerts/alertmanager"},
}

// Who may import the clients of Kafka and Redis, besides tests and the wiring
// in cmd.
var clients = map[string][]string{
	"github.com/twmb/franz-go":  {"consumer", "alerts/kafka", "deploy/local"},
	"github.com/redis/go-redis": {"windows/redisstore"},
}

func TestImportsPointAtTheCore(t *testing.T) {
	seen := make(map[string]bool)
	goFiles(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		wall := folder
		for walls[wall] == nil && wall != "." {
			wall = filepath.ToSlash(filepath.Dir(wall))
		}
		inWiring := strings.HasPrefix(folder, "cmd")
		if wall == "." && !inWiring {
			t.Errorf("%s: its folder has no wall: say in this test what it may import", path)
			return
		}
		seen[wall] = true
		for _, imported := range imports(t, path) {
			if ours, ok := strings.CutPrefix(imported, module); ok && !inWiring && ours != folder &&
				!slices.Contains(walls[wall], ours) && !strings.HasPrefix(ours, wall+"/") {
				t.Errorf("%s imports %s: %s may import %v only", path, ours, wall, walls[wall])
			}
			for client, allowed := range clients {
				if strings.HasPrefix(imported, client) && !inWiring && !slices.ContainsFunc(allowed, func(a string) bool {
					return folder == a || a == "deploy/local" && strings.HasPrefix(folder, a)
				}) {
					t.Errorf("%s imports %s, which is for %v and the wiring", path, imported, allowed)
				}
			}
		}
	})
	for wall := range walls {
		if !seen[wall] {
			t.Errorf("there is nothing in %s: take its wall down", wall)
		}
	}
}

// The core asks nobody for the time and opens nothing.
func TestTheCoreIsPure(t *testing.T) {
	goFiles(t, func(path string) {
		folder := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") || folder != "windows" && folder != "windows/twosample" && folder != "windows/drift" {
			return
		}
		for _, imported := range imports(t, path) {
			if imported == "os" || imported == "net" || strings.HasPrefix(imported, "net/") || imported == "log/slog" || imported == "context" {
				t.Errorf("%s imports %s", path, imported)
			}
		}
		source, err := os.ReadFile(filepath.Join(root(t), path))
		if err != nil {
			t.Fatal(err)
		}
		for _, clock := range []string{"time.Now", "time.Since", "time.Sleep", "time.After"} {
			if strings.Contains(string(source), clock) {
				t.Errorf("%s uses %s", path, clock)
			}
		}
	})
}

// Go builds a file named for an operating system on that system only.
func TestNoFileIsNamedForWindows(t *testing.T) {
	goFiles(t, func(path string) {
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".go"), "_test")
		if strings.HasSuffix(name, "_windows") {
			t.Errorf("%s vanishes on every other system without a word: name it in the singular", path)
		}
	})
}

func TestFoldersSayWhatIsInThem(t *testing.T) {
	goFiles(t, func(path string) {
		for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(path)), "/") {
			switch part {
			case "util", "utils", "common", "helpers", "types", "misc", "shared":
				t.Errorf("%s: nobody can say what belongs into a folder named %s", path, part)
			}
		}
	})
}
