//go:build unix

package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// PrometheusOptions say where and how StartPrometheus starts a server.
type PrometheusOptions struct {
	// Dir is the folder for configuration, data and log; it is created. Data found in it is loaded.
	Dir string
	// Port is the TCP port of 127.0.0.1 that clients connect to; 0 takes a free one.
	Port int
	// Config is the text of prometheus.yml; empty: nothing is scraped. Files that it names are relative to Dir.
	Config string
	// Log is told what takes long (an installation); nil for silence. The server's own log is in Dir.
	Log io.Writer
}

// Prometheus is a running Prometheus.
type Prometheus struct{ server }

// StartPrometheus installs Prometheus if need be, starts it, and returns when it answers queries.
func StartPrometheus(ctx context.Context, options PrometheusOptions) (*Prometheus, error) {
	program, err := InstallPrometheus(ctx, options.Log)
	if err != nil {
		return nil, err
	}
	dir, err := prepareDir("Prometheus", options.Dir, options.Port)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(options.Config), 0o600); err != nil {
		return nil, fmt.Errorf("starting Prometheus: %w", err)
	}
	return startOnPort(options.Port, func(port int) (*Prometheus, error) {
		p := &Prometheus{server{name: "Prometheus", dir: dir, port: port, config: config, argv: []string{
			program, "--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
			"--web.listen-address=" + loopback(port),
		}}}
		p.answers = func(ctx context.Context) error { return saysReady(ctx, p.URL()) }
		if err := p.start(ctx); err != nil {
			return nil, err
		}
		return p, nil
	})
}

// URL is what clients are told.
func (p *Prometheus) URL() string { return "http://" + p.Addr() }

// InstallPrometheus returns the path of Prometheus; see installed.
func InstallPrometheus(ctx context.Context, log io.Writer) (string, error) {
	return installed(ctx, log, "prometheus")
}

// InstallPromtool returns the path of promtool, which comes with Prometheus.
func InstallPromtool(ctx context.Context, log io.Writer) (string, error) {
	return installed(ctx, log, "promtool")
}

// installed returns the path of a program of Debian's package prometheus. When it is missing, and this is a
// Debian-like system and the user is root, it installs the package; anywhere else the error says how to get it.
func installed(ctx context.Context, log io.Writer, program string) (string, error) {
	path, missing := exec.LookPath(program)
	if missing == nil {
		return path, nil
	}
	if !canInstallPackages() {
		return "", fmt.Errorf("finding %s: %w; install Prometheus and make sure it is in PATH; on Debian: sudo apt-get update && "+
			"sudo apt-get install -y --no-install-recommends prometheus", program, missing)
	}
	if err := installPackage(ctx, log, "prometheus"); err != nil {
		return "", err
	}
	// The package starts a server where services are run at all. It is not the one wanted here.
	if service, err := exec.LookPath("service"); err == nil {
		_ = exec.CommandContext(ctx, service, "prometheus", "stop").Run() // fails where it does not run
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("finding %s after the package prometheus was installed: %w", program, err)
	}
	return path, nil
}
