package configs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/invopop/jsonschema"
)

// A file is the name of a file that must exist, relative to the config's
// folder.
type file struct {
	into      *string // resolved
	asWritten *string // before variables and folders are put in; may be nil
	otherwise string  // what else can be done when the file is absent; may be empty
}

const wantFile = "the name of a file"

func (f file) decode(d *decoder, n ast.Node, path string) {
	name, ok := d.text(n, path, "", wantFile)
	if !ok {
		return
	}
	resolved, err := d.resolve(name)
	if err != nil {
		d.report(start(n), path, "%v%s", err, f.otherwise)
		return
	}
	*f.into = resolved
	if f.asWritten != nil {
		*f.asWritten = name
		if s, ok := n.(*ast.StringNode); ok {
			*f.asWritten = s.Value
		}
	}
}

func (f file) describe() description { return fileDescription() }

func fileDescription() description {
	return description{kind: "file", schema: &jsonschema.Schema{Type: "string", MinLength: new(uint64(1))}}
}

// resolve is the file of that name, which must be a regular one: reading a
// pipe or a device could take forever.
func (d *decoder) resolve(name string) (string, error) {
	if name == "" {
		return "", errors.New("the name of the file is empty")
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.folder, path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the file %q does not exist: names are relative to the config's folder %q", shortened(name), d.folder)
	case err != nil:
		return "", fmt.Errorf("the file %q cannot be used: %s", shortened(name), reason(err))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%q is not a regular file", shortened(name))
	}
	return path, nil
}

// reason is why a file cannot be used, without its path.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// secret is a secret that stands in the config itself, or better in a
// variable.
func secret(into *Secret) value {
	return inlineSecret{scalar[Secret]{
		into: into, kind: "secret", want: "a text", hidden: true,
		parse: func(s string) (Secret, error) {
			if s == "" {
				return Secret{}, errors.New("is empty: write the secret, or leave the key out")
			}
			return NewSecret(s), nil
		},
		schema: &jsonschema.Schema{Type: "string", MinLength: new(uint64(1))},
	}}
}

// An inlineSecret takes down whether the file itself tells the secret.
type inlineSecret struct{ scalar[Secret] }

func (s inlineSecret) decode(d *decoder, n ast.Node, path string) {
	if text, ok := n.(*ast.StringNode); !ok || !variable.MatchString(text.Value) {
		d.inline = append(d.inline, path)
	}
	s.scalar.decode(d, n, path)
}

// variable finds a ${NAME} in a text.
var variable = regexp.MustCompile(environmentPattern)

// openTo reports whether others than the file's owner and group can read it.
// Windows has other rules, which its mode does not tell.
func openTo(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0
}

// A secretFile is a file that holds a secret and nothing else.
type secretFile struct {
	into *Secret
}

const maxSecretBytes = 64 << 10

func (s secretFile) decode(d *decoder, n ast.Node, path string) {
	name, ok := d.text(n, path, "", wantFile)
	if !ok {
		return
	}
	resolved, err := d.resolve(name)
	if err != nil {
		d.report(start(n), path, "%v", err)
		return
	}
	content, err := readSecret(resolved)
	switch {
	case err != nil:
		d.report(start(n), path, "the file %q cannot be read: %s", shortened(name), reason(err))
	case len(content) > maxSecretBytes:
		d.report(start(n), path, "the file %q is longer than %s: a secret is not", shortened(name), formatBytes(maxSecretBytes))
	case content == "":
		d.report(start(n), path, "the file %q is empty: it must hold the secret and nothing else", shortened(name))
	default:
		*s.into = NewSecret(content)
	}
}

func (s secretFile) describe() description { return fileDescription() }

// readSecret is the content of a file without the newline at its end, which
// most editors put there.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+3))
	content := strings.TrimSuffix(string(data), "\n")
	return strings.TrimSuffix(content, "\r"), err
}
