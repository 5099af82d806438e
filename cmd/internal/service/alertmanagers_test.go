package service

import (
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/configs"
)

// An Alertmanager behind TLS that asks who it is, under a path of its own: what the
// configuration says reaches it, and a redirect is not followed.
func TestConfiguredAlertmanagersAreReachedAsTheConfigurationSays(t *testing.T) {
	folder := t.TempDir()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect took the request elsewhere, with %v", r.Header)
	}))
	defer elsewhere.Close()
	asked := make(chan string, 10)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization")
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	for name, data := range map[string][]byte{
		"ca.pem":   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		"password": []byte("secret\n"), "token": []byte("abc"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ keys, want string }{
		{"", "POST /alert/api/v2/alerts "},
		{", basic_auth: {username: kolmo, password_file: password}", "POST /alert/api/v2/alerts Basic a29sbW86c2VjcmV0"},
		{", bearer_token_file: token", "POST /alert/api/v2/alerts Bearer abc"},
	} {
		text := fmt.Sprintf("kafka: {brokers: [\"a:1\"]}\nredis: {addresses: [\"a:2\"]}\nalertmanager: {urls: [%q], tls: {ca_file: ca.pem}%s}\n",
			server.URL+"/alert/", test.keys)
		c, problems := configs.Parse(filepath.Join(folder, "kolmo.yaml"), []byte(text), nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		options, err := Configured(c, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = options.Redis.Close() }() // never used
		client, err := options.Alertmanagers.client(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			client.Run(ctx)
		}()
		client.Notify(1, []alerts.Standing{{Version: alerts.Version{Model: "fraud"}, Kind: alerts.FeatureDrift}})
		select {
		case got := <-asked:
			if got != test.want {
				t.Errorf("%s: it was asked %q, want %q", test.keys, got, test.want)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: it was not asked", test.keys)
		}
		cancel()
		<-ended
	}
}

func TestWithoutAlertmanagersNobodyIsTold(t *testing.T) {
	c, problems := configs.Parse("kolmo.yaml", []byte("kafka: {brokers: [\"a:1\"]}\nredis: {addresses: [\"a:2\"]}\n"), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	options, err := Configured(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = options.Redis.Close() }() // never used
	if options.Alertmanagers != nil {
		t.Errorf("%+v", options.Alertmanagers)
	}
}
