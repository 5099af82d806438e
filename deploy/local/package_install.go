//go:build unix

package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// canInstallPackages reports whether this is root on a Debian-like system.
func canInstallPackages() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// installPackage installs a Debian package. Another apt-get that runs at the time is waited for.
func installPackage(ctx context.Context, log io.Writer, name string) error {
	say(log, "installing the package %s", name)
	if err := aptGet(ctx, "update"); err != nil {
		return fmt.Errorf("installing the package %s: %w", name, err)
	}
	if err := aptGet(ctx, "install", "-y", "--no-install-recommends", name); err != nil {
		return fmt.Errorf("installing the package %s: %w", name, err)
	}
	return nil
}

// aptGet runs apt-get, again and again for up to ten minutes while another process holds one of its locks: its
// own option for waiting does not cover the lock of the package lists.
func aptGet(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		command := exec.CommandContext(ctx, "apt-get", append([]string{"-o", "DPkg::Lock::Timeout=600"}, args...)...)
		command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
		out, err := command.CombinedOutput()
		if err == nil {
			return nil
		}
		if !bytes.Contains(out, []byte("Could not get lock")) {
			return fmt.Errorf("apt-get %v: %w:\n%s", args, err, out)
		}
		if err := pause(ctx, time.Second); err != nil {
			return fmt.Errorf("apt-get %v: another apt-get holds its lock: %w:\n%s", args, err, out)
		}
	}
}
