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
	// Clustered has it be part of a cluster, which others join by its ClusterAddr.
	Clustered bool
	// Peers are the ClusterAddrs of running members to join.
	Peers []string
	// Log is told what takes long (an installation); nil for silence. The server's own log is in Dir.
	Log io.Writer
}

// Alertmanager is a running Alertmanager.
type Alertmanager struct {
	server
	cluster string
}

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
		a := &Alertmanager{}
		if options.Clustered {
			members, err := FreePort()
			if err != nil {
				return nil, err
			}
			a.cluster = loopback(members)
		}
		a.server = server{name: "Alertmanager", dir: dir, port: port, config: config, argv: []string{
			program, "--config.file=" + config, "--storage.path=" + filepath.Join(dir, "data"),
			"--web.listen-address=" + loopback(port), "--cluster.listen-address=" + a.cluster,
		}}
		if options.Clustered {
			// Members wait for each other before they notify: on one machine not for long.
			a.argv = append(a.argv, "--cluster.advertise-address="+a.cluster, "--cluster.peer-timeout=1s", "--cluster.gossip-interval=50ms",
				"--cluster.pushpull-interval=1s", "--cluster.reconnect-interval=500ms", "--cluster.settle-timeout=5s")
			for _, peer := range options.Peers {
				a.argv = append(a.argv, "--cluster.peer="+peer)
			}
		}
		a.answers = func(ctx context.Context) error { return saysReady(ctx, a.URL()) }
		if err := a.start(ctx); err != nil {
			return nil, err
		}
		return a, nil
	})
}

// ClusterAddr is where other members of its cluster reach it; empty: it is alone.
func (a *Alertmanager) ClusterAddr() string { return a.cluster }

// URL is what clients are told.
func (a *Alertmanager) URL() string { return "http://" + a.Addr() }

// saysReady asks a server of Prometheus' family whether it is ready.
func saysReady(ctx context.Context, url string) error {
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

// InstallAmtool returns the path of amtool, which comes with Alertmanager.
func InstallAmtool(ctx context.Context, log io.Writer) (string, error) {
	if path, err := exec.LookPath("amtool"); err == nil {
		return path, nil
	}
	if _, err := InstallAlertmanager(ctx, log); err != nil {
		return "", err
	}
	path, err := exec.LookPath("amtool")
	if err != nil {
		return "", fmt.Errorf("finding amtool beside Alertmanager: %w; install it and make sure it is in PATH: "+
			"go install github.com/prometheus/alertmanager/cmd/amtool@v0.31.1", err)
	}
	return path, nil
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
