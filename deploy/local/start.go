//go:build unix

package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// prepareDir creates a server's folder and returns its absolute path, after checking what would otherwise
// only show as a failed start: that no server runs in it, and that the port asked for (0 for any) is free.
func prepareDir(name, dir string, port int) (string, error) {
	if dir == "" {
		return "", fmt.Errorf("starting %s: no folder given for its configuration, data and log; set Dir", name)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("starting %s: %w", name, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("starting %s: %w", name, err)
	}
	running, err := find(dir, name)
	if err != nil {
		return "", fmt.Errorf("starting %s: %w", name, err)
	}
	if running != nil {
		return "", fmt.Errorf("starting %s: it runs in %s already, on %s as process %d; stop it first or use another folder",
			name, dir, running.Addr(), running.PID())
	}
	if port != 0 {
		if err := portIsFree(port); err != nil {
			return "", fmt.Errorf("starting %s: its port is not free (%w); stop what listens there or choose another port", name, err)
		}
	}
	return dir, nil
}

// startOnPort calls start with the port, or, for port 0, with free ports until one is still free when the
// server comes to listen on it.
func startOnPort[S any](port int, start func(port int) (S, error)) (S, error) {
	if port != 0 {
		return start(port)
	}
	for attempt := 1; ; attempt++ {
		port, err := FreePort()
		if err != nil {
			var none S
			return none, err
		}
		started, err := start(port)
		if err == nil || attempt == 5 || !errors.Is(err, errEndedEarly) || !strings.Contains(err.Error(), "ddress already in use") {
			return started, err
		}
	}
}

// dial returns nil when something listens on the address.
func dial(ctx context.Context, address string) error {
	connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp4", address)
	if err != nil {
		return err
	}
	return connection.Close()
}
