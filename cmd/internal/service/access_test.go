package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kolmo-ml/kolmo/configs"
	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

// accessConfig is a configuration that says who one is.
const accessConfig = `kafka:
  brokers: [%q]
  tls: {ca_file: %q, cert_file: %q, key_file: %q}
  sasl: {mechanism: %s, username: kolmo, password_file: %q}
redis: {addresses: [%q], tls: {ca_file: %q, cert_file: %q, key_file: %q}}
`

// Every mechanism of the configuration is let in with the right password over
// TLS with a client's certificate, and kept out with a wrong one.
func TestAccessToKafkaAndRedis(t *testing.T) {
	files := servers.Certificates(t)
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	rdb := servers.Redis(t, func(o *local.RedisOptions) {
		o.TLS = &local.RedisTLS{CAFile: files.CA, CertFile: files.Cert, KeyFile: files.Key, RequireClientCertificate: true}
	})
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(mechanism, "kolmo", "right"),
				kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			for password, allowed := range map[string]bool{"right": true, "wrong": false} {
				file := filepath.Join(t.TempDir(), "password")
				if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				text := fmt.Sprintf(accessConfig, cluster.ListenAddrs()[0], files.CA, files.Cert, files.Key, mechanism, file,
					rdb.Addr(), files.CA, files.Cert, files.Key)
				config, problems := configs.Parse("access.yaml", []byte(text), os.LookupEnv)
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				opts, err := KafkaClient(config.Kafka)
				if err != nil {
					t.Fatal(err)
				}
				client, err := kgo.NewClient(opts...)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				err = client.Ping(ctx)
				cancel()
				client.Close()
				if (err == nil) != allowed {
					t.Errorf("with the %s password: %v", password, err)
				}
				store, err := RedisClient(config.Redis)
				if err != nil {
					t.Fatal(err)
				}
				if err := store.Ping(t.Context()).Err(); err != nil {
					t.Errorf("Redis over TLS: %v", err)
				}
				_ = store.Close()
			}
		})
	}
}
