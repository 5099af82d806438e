//go:build unix

package local_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/kolmo-ml/kolmo/deploy/local"
	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

func TestRedisSpeaksTLSAndNothingElse(t *testing.T) {
	t.Parallel()
	files := servers.Certificates(t)
	authority, err := os.ReadFile(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	own, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct {
		name          string
		mutual        bool
		client        *tls.Config
		wantConnected bool
	}{
		{"server's certificate only", false, &tls.Config{RootCAs: trusted}, true},
		{"an authority the client does not trust", false, &tls.Config{}, false},
		{"no TLS", false, nil, false},
		{"both certificates", true, &tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{own}}, true},
		{"client without a certificate", true, &tls.Config{RootCAs: trusted}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := servers.Redis(t, func(o *local.RedisOptions) {
				o.TLS = &local.RedisTLS{
					CertFile: files.Cert, KeyFile: files.Key, CAFile: files.CA, RequireClientCertificate: test.mutual,
				}
			})
			c := redisClient(t, server, func(o *redis.Options) { o.TLSConfig = test.client })
			if err := c.Ping(t.Context()).Err(); (err == nil) != test.wantConnected {
				t.Errorf("Ping: %v, want connected %v", err, test.wantConnected)
			}
		})
	}
}
