//go:build unix

package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kolmo-ml/kolmo/deploy/local"
)

func TestFreePortIsNoPortOfOutgoingConnections(t *testing.T) {
	for range 50 {
		port, err := local.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < 1024 || port >= 32768 {
			t.Errorf("port %d is outside the range that neither the system nor outgoing connections use", port)
		}
	}
}

// fakeProgram makes an executable that does nothing, at a path below a new folder, and returns the folder.
func fakeProgram(t *testing.T, path string) string {
	t.Helper()
	home := t.TempDir()
	program := filepath.Join(home, path)
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return home
}
