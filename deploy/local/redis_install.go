//go:build unix

package local

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// InstallRedis returns the path of redis-server. When it is missing, and this is a Debian-like system and the
// user is root, it installs Debian's package and stops the service that comes with it; anywhere else the error
// says how to get it.
func InstallRedis(ctx context.Context, log io.Writer) (string, error) {
	path, missing := exec.LookPath("redis-server")
	if missing == nil {
		return path, nil
	}
	if !canInstallPackages() {
		return "", fmt.Errorf("finding redis-server: %w; install it and make sure it is in PATH; "+
			"on Debian: sudo apt-get update && sudo apt-get install -y redis-server; with Homebrew: brew install redis", missing)
	}
	if err := installPackage(ctx, log, "redis-server"); err != nil {
		return "", err
	}
	// The package starts a server on port 6379 where services are run at all. It is not the one wanted here, and
	// it would hold the port that the local stack uses.
	if service, err := exec.LookPath("service"); err == nil {
		_ = exec.CommandContext(ctx, service, "redis-server", "stop").Run() // fails where it does not run
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "", fmt.Errorf("finding redis-server after its package was installed: %w", err)
	}
	return path, nil
}
