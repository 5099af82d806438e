//go:build unix

package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// AlertmanagerOptions say where and how StartAlertmanager starts a server.
type AlertmanagerOptions struct {
	// Dir is the folder for configuration, data and log; it is created. Data found in it is loaded.
	Dir string
	// Port is the TCP port of 127.0.0.1 that clients connect to; 0 takes a free one.
	Port int
	// Config is the text of alertmanager.yml; empty: one receiver that tells nobody.
	Config string
	// Log is told what takes long (an installation); nil for silence. The server's own log is in Dir.
	Log io.Writer
}

// Alertmanager is a running Alertmanager, alone: it is in no cluster.
type Alertmanager struct{ server }

const quietAlertmanager = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"

// StartAlertmanager installs Alertmanager if need be, starts it, and returns when it answers.
func StartAlertmanager(ctx context.Context, options AlertmanagerOptions) (*Alertmanager, error) {
	program, err := InstallAlertmanager(ctx, options.Log)
	if err != nil {
		return nil, err
	}
	dir, err := prepareDir("Alertmanager", options.Dir, options.Port)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "alertmanager.yml")
	text := options.Config
	if text == "" {
		text = quietAlertmanager
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("starting Alertmanager: %w", err)
	}
	return startOnPort(options.Port, func(port int) (*Alertmanager, error) {
		a := &Alertmanager{server{name: "Alertmanager", dir: dir, port: port, config: config, argv: []string{
			program, "--config.file=" + config, "--storage.path=" + filepath.Join(dir, "data"),
			"--web.listen-address=" + loopback(port), "--cluster.listen-address=",
		}}}
		a.answers = func(ctx context.Context) error { return alertmanagerAnswers(ctx, a.URL()) }
		if err := a.start(ctx); err != nil {
			return nil, err
		}
		return a, nil
	})
}

// URL is what clients are told.
func (a *Alertmanager) URL() string { return "http://" + a.Addr() }

func alertmanagerAnswers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/-/ready", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil
}

// InstallAlertmanager returns the path of Alertmanager, which is called prometheus-alertmanager where it comes
// from Debian. When it is missing, and this is a Debian-like system and the user is root, it installs that
// package; anywhere else the error says how to get it.
func InstallAlertmanager(ctx context.Context, log io.Writer) (string, error) {
	const name = "prometheus-alertmanager"
	path, missing := exec.LookPath(name)
	if missing == nil {
		return path, nil
	}
	if path, err := exec.LookPath("alertmanager"); err == nil {
		return path, nil
	}
	if !canInstallPackages() {
		return "", fmt.Errorf("finding Alertmanager: %w; install it and make sure it is in PATH; on Debian: sudo apt-get update && "+
			"sudo apt-get install -y --no-install-recommends prometheus-alertmanager; elsewhere: "+
			"go install github.com/prometheus/alertmanager/cmd/alertmanager@v0.31.1", missing)
	}
	if err := installPackage(ctx, log, name); err != nil {
		return "", err
	}
	// The package starts a server where services are run at all. It is not the one wanted here.
	if service, err := exec.LookPath("service"); err == nil {
		_ = exec.CommandContext(ctx, service, name, "stop").Run() // fails where it does not run
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("finding Alertmanager after its package was installed: %w", err)
	}
	return path, nil
}
