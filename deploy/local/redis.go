//go:build unix

package local

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RedisOptions say where and how StartRedis starts a server.
type RedisOptions struct {
	// Dir is the folder for configuration, data and log; it is created. Data found in it is loaded.
	Dir string
	// Port is the TCP port of 127.0.0.1 that clients connect to; 0 takes a free one.
	Port int
	// Settings are directives of redis.conf that take precedence over this package's own, such as
	// "maxmemory-policy": "allkeys-lru" or "requirepass": "secret".
	Settings map[string]string
	// Users are access rules as in redis.conf, without the leading "user": "kolmo on >secret ~kolmo:* +@all".
	Users []string
	// TLS makes the server speak TLS, and nothing else, on its port.
	TLS *RedisTLS
	// Detached lets the server outlive this program; FindRedis finds it by Dir.
	Detached bool
	// Log is told what takes long (an installation); nil for silence. The server's own log is in Dir.
	Log io.Writer
}

// RedisTLS names the PEM files of a server that speaks TLS.
type RedisTLS struct {
	CertFile, KeyFile string
	// CAFile holds the certificates that clients' certificates are checked against.
	CAFile string
	// RequireClientCertificate refuses clients without a certificate.
	RequireClientCertificate bool
}

// Redis is a running redis-server. It appends every write to a log that reaches the disk each second, as kolmo
// advises for production, and never evicts.
type Redis struct{ server }

// StartRedis installs redis-server if need be, starts it, and returns when it has loaded its data and answers.
func StartRedis(ctx context.Context, options RedisOptions) (*Redis, error) {
	program, err := InstallRedis(ctx, options.Log)
	if err != nil {
		return nil, err
	}
	dir, err := prepareDir("Redis", options.Dir, options.Port)
	if err != nil {
		return nil, err
	}
	return startOnPort(options.Port, func(port int) (*Redis, error) {
		config := filepath.Join(dir, "redis.conf")
		if err := os.WriteFile(config, redisConfig(dir, port, options), 0o600); err != nil {
			return nil, fmt.Errorf("starting Redis: %w", err)
		}
		r := &Redis{server{
			name: "Redis", dir: dir, port: port, detached: options.Detached, config: config, argv: []string{program, config},
		}}
		secure := options.TLS
		r.answers = func(ctx context.Context) error { return redisAnswers(ctx, r.Addr(), secure) }
		if err := r.start(ctx); err != nil {
			return nil, err
		}
		return r, nil
	})
}

// FindRedis returns the detached redis-server that runs in dir, or nil when none does.
func FindRedis(dir string) (*Redis, error) {
	found, err := find(dir, "Redis")
	if found == nil || err != nil {
		return nil, err
	}
	return &Redis{server{
		name: found.name, dir: found.dir, config: found.config, port: found.port, detached: true, process: found.process,
	}}, nil
}

// redisConfig renders redis.conf.
func redisConfig(dir string, port int, options RedisOptions) []byte {
	settings := map[string]string{
		"bind":             "127.0.0.1",
		"port":             strconv.Itoa(port),
		"dir":              strconv.Quote(dir),
		"daemonize":        "no",
		"save":             `""`,
		"appendonly":       "yes",
		"appendfsync":      "everysec",
		"maxmemory-policy": "noeviction",
		// Otherwise the server rewrites its command line, by which FindRedis recognises it.
		"set-proc-title": "no",
	}
	if secure := options.TLS; secure != nil {
		settings["port"] = "0"
		settings["tls-port"] = strconv.Itoa(port)
		settings["tls-cert-file"] = strconv.Quote(secure.CertFile)
		settings["tls-key-file"] = strconv.Quote(secure.KeyFile)
		settings["tls-ca-cert-file"] = strconv.Quote(secure.CAFile)
		settings["tls-auth-clients"] = "no"
		if secure.RequireClientCertificate {
			settings["tls-auth-clients"] = "yes"
		}
	}
	maps.Copy(settings, options.Settings)
	var file strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		file.WriteString(name + " " + settings[name] + "\n")
	}
	for _, user := range options.Users {
		file.WriteString("user " + user + "\n")
	}
	return []byte(file.String())
}

// redisAnswers returns nil when the server has loaded its data. It asks without a password: a refusal for want
// of one is an answer too.
func redisAnswers(ctx context.Context, address string, secure *RedisTLS) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	connection, err := redisConnection(ctx, address, secure)
	if err != nil {
		return err
	}
	defer connection.Close() // nothing is left to be written
	if deadline, ok := ctx.Deadline(); ok {
		if err := connection.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(connection, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return err
	}
	if strings.HasPrefix(answer, "+PONG") || strings.HasPrefix(answer, "-NOAUTH") || strings.HasPrefix(answer, "-NOPERM") {
		return nil
	}
	return errors.New(strings.TrimSpace(answer)) // -LOADING, say
}

func redisConnection(ctx context.Context, address string, secure *RedisTLS) (net.Conn, error) {
	if secure == nil {
		return new(net.Dialer).DialContext(ctx, "tcp4", address)
	}
	certificate, err := tls.LoadX509KeyPair(secure.CertFile, secure.KeyFile)
	if err != nil {
		return nil, err
	}
	dialer := tls.Dialer{Config: &tls.Config{
		Certificates:       []tls.Certificate{certificate}, // in case clients must show one
		InsecureSkipVerify: true,                           // asked is whether it answers, not who it is
	}}
	return dialer.DialContext(ctx, "tcp4", address)
}
