package service

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/crypto/bcrypt"

	"github.com/kolmo-ml/kolmo/deploy/local/servers"
)

// withListener starts a service on embedded servers.
func withListener(t *testing.T, change func(*Options)) *Service {
	t.Helper()
	brokers, rdb := embedded(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "predictions"); err != nil {
		t.Fatal(err)
	}
	o := flightsCase{sampleSize: 16, referenceSize: 16, first: 1}.options(t, brokers, rdb)
	o.Listen = "127.0.0.1:0"
	change(&o)
	return start(t, o)
}

// webFile writes a web configuration.
func webFile(t *testing.T, format string, values ...any) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, fmt.Appendf(nil, format, values...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func hashed(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// browser is a client that trusts the authority of the files, and presents the
// certificate if it is told to.
func browser(t *testing.T, files servers.CertificateFiles, presents bool) *http.Client {
	t.Helper()
	authority, err := os.ReadFile(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(authority)
	if presents {
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// endpoints is one of each kind that the listener has.
var endpoints = []string{
	"/", "/model?name=x", "/feature?name=x", "/style.css", "/icon.svg", "/api/v1/models", "/api/v1/verdicts?model=x", "/api/v1/alerts",
	"/metrics", "/-/healthy", "/healthz", "/-/ready", "/readyz", "/nowhere", "/debug/pprof/", "/debug/pprof/goroutine", "/debug/pprof/cmdline",
}

// ask is the answer's status and its headers.
func ask(t *testing.T, client *http.Client, url, user, password string) (int, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Header
}

// With TLS and users, no endpoint answers anyone who does not say who they are:
// neither health nor profiles are an exception.
func TestListenerWithTLSAndUsers(t *testing.T) {
	files := servers.Certificates(t)
	config := webFile(t, "tls_server_config: {cert_file: %q, key_file: %q}\nbasic_auth_users: {anna: %q}\n", files.Cert, files.Key, hashed(t, "right"))
	s := withListener(t, func(o *Options) { o.Web = Web{ConfigFile: config, Pprof: true} })
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Errorf("the service is at %s", s.URL())
	}
	client := browser(t, files, false)
	for _, path := range endpoints {
		for _, stranger := range [][2]string{{}, {"anna", "wrong"}, {"berta", "right"}, {"anna", ""}} {
			if code, header := ask(t, client, s.URL()+path, stranger[0], stranger[1]); code != http.StatusUnauthorized || header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s answers %q with %d", path, stranger, code)
			}
		}
		code, header := ask(t, client, s.URL()+path, "anna", "right")
		if code == http.StatusUnauthorized || code == http.StatusInternalServerError {
			t.Errorf("%s answers who may ask with %d", path, code)
		}
		if !strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			strings.Contains(header.Get("Content-Security-Policy"), "script-src") || strings.Contains(header.Get("Content-Security-Policy"), "unsafe") ||
			header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s has the headers %v", path, header)
		}
	}
	if code, _ := ask(t, client, s.URL()+"/metrics", "anna", "right"); code != http.StatusOK {
		t.Errorf("/metrics answers who may ask with %d", code)
	}
	if code, _ := ask(t, client, "http"+strings.TrimPrefix(s.URL(), "https")+"/metrics", "anna", "right"); code != http.StatusBadRequest {
		t.Errorf("without TLS /metrics answers %d", code)
	}

	// A password that changes is taken over without a restart.
	if err := os.WriteFile(config, fmt.Appendf(nil, "tls_server_config: {cert_file: %q, key_file: %q}\nbasic_auth_users: {anna: %q}\n", files.Cert, files.Key, hashed(t, "new")), 0o600); err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]int{"right": http.StatusUnauthorized, "new": http.StatusOK} {
		if code, _ := ask(t, client, s.URL()+"/metrics", "anna", password); code != want {
			t.Errorf("after the change, the password %s is answered with %d", password, code)
		}
	}
}

// With client certificates nobody else gets as far as a request.
func TestListenerWithClientCertificates(t *testing.T) {
	files := servers.Certificates(t)
	config := webFile(t, "tls_server_config: {cert_file: %q, key_file: %q, client_ca_file: %q, client_auth_type: RequireAndVerifyClientCert}\n", files.Cert, files.Key, files.CA)
	s := withListener(t, func(o *Options) { o.Web.ConfigFile = config })
	if code, _ := ask(t, browser(t, files, true), s.URL()+"/metrics", "", ""); code != http.StatusOK {
		t.Errorf("with a certificate /metrics answers %d", code)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := browser(t, files, false).Do(request); err == nil {
		_ = response.Body.Close()
		t.Errorf("without a certificate /metrics answers %d", response.StatusCode)
	}
}

// Profiles are there for those who asked for them, and never the command line.
func TestProfilesAreOffUnlessAskedFor(t *testing.T) {
	for _, on := range []bool{false, true} {
		s := withListener(t, func(o *Options) { o.Web.Pprof = on })
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=2", "/debug/pprof/symbol", "/debug/pprof/profile?seconds=1"} {
			want := http.StatusNotFound
			if on {
				want = http.StatusOK
			}
			if code, _ := ask(t, http.DefaultClient, s.URL()+path, "", ""); code != want {
				t.Errorf("pprof %v: %s answers %d", on, path, code)
			}
		}
		if code, _ := ask(t, http.DefaultClient, s.URL()+"/debug/pprof/cmdline", "", ""); code != http.StatusNotFound {
			t.Errorf("pprof %v: the command line answers %d", on, code)
		}
	}
}

// A web configuration that cannot be used is an error at the start that names
// the file and repeats nothing of what stands in it.
func TestWebConfigurationThatCannotBeUsed(t *testing.T) {
	files := servers.Certificates(t)
	for name, test := range map[string]struct{ content, want string }{
		"a password that is not hashed": {"basic_auth_users: {anna: CANARY}\n", "not a bcrypt hash"},
		"a password instead of users":   {"basic_auth_users: CANARY\n", "line 1"},
		"a key that is not known":       {"users: {anna: CANARY}\n", "users"},
		"no YAML":                       {"basic_auth_users: [CANARY\n", "line 1"},
		"a certificate without a key":   {fmt.Sprintf("tls_server_config: {cert_file: %q}\n", files.Cert), "key_file"},
		"a key that is none":            {fmt.Sprintf("tls_server_config: {cert_file: %q, key: CANARY}\n", files.Cert), "X509KeyPair"},
		"an absent certificate":         {fmt.Sprintf("tls_server_config: {cert_file: absent.pem, key_file: %q}\n", files.Key), "absent.pem"},
		"a cipher that is not known":    {fmt.Sprintf("tls_server_config: {cert_file: %q, key_file: %q, cipher_suites: [CIPHER]}\n", files.Cert, files.Key), "CIPHER"},
	} {
		t.Run(name, func(t *testing.T) {
			file := webFile(t, "%s", test.content)
			_, err := Web{ConfigFile: file}.check()
			if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %v", err)
			}
		})
	}
	if _, err := (Web{ConfigFile: filepath.Join(t.TempDir(), "absent.yml")}).check(); err == nil || !strings.Contains(err.Error(), "web.config_file") {
		t.Errorf("an absent file: %v", err)
	}
}

// Who listens for everyone without asking who they are is told, once.
func TestOpenListenerIsWarnedOf(t *testing.T) {
	files := servers.Certificates(t)
	users := webFile(t, "basic_auth_users: {anna: %q}\n", hashed(t, "right"))
	certificate := webFile(t, "tls_server_config: {cert_file: %q, key_file: %q}\n", files.Cert, files.Key)
	neither := webFile(t, "http_server_config: {http2: false}\n")
	for _, test := range []struct {
		listen, config string
		warnings       int
	}{
		{"127.0.0.1:0", "", 0}, {"localhost:0", "", 0}, {"0.0.0.0:0", "", 1}, {":0", "", 1},
		{":0", users, 0}, {":0", certificate, 0}, {":0", neither, 1}, {"127.0.0.1:0", neither, 0},
	} {
		var log lockedBuffer
		o := Options{Listen: test.listen, Web: Web{ConfigFile: test.config}, Log: slog.New(slog.NewTextHandler(&log, nil))}
		protection, err := o.Web.check()
		if err != nil {
			t.Fatal(err)
		}
		socket, err := listen(o.Listen)
		if err != nil {
			t.Fatal(err)
		}
		protection.exposed(socket.Addr(), o.Log)
		_ = socket.Close()
		if got := strings.Count(log.String(), "open to everyone"); got != test.warnings {
			t.Errorf("%s with %q: %d warnings\n%s", test.listen, test.config, got, log.String())
		}
	}
}

// Clients that say nothing, or too slowly, take every connection there is. They
// lose them, and who comes after them is served.
func TestSlowClientsHoldNothingUp(t *testing.T) {
	socket, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }), slog.New(slog.DiscardHandler))
	for name, bound := range map[string]time.Duration{"headers": server.ReadHeaderTimeout, "requests": server.ReadTimeout, "answers": server.WriteTimeout, "silence": server.IdleTimeout} {
		if bound <= 0 || bound > time.Minute {
			t.Errorf("%s may take %v", name, bound)
		}
	}
	server.ReadHeaderTimeout = 300 * time.Millisecond
	go func() { _ = server.Serve(socket) }()
	t.Cleanup(func() { _ = server.Close() })
	for i := range maxConnections {
		c, err := net.Dial("tcp", socket.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
	}
	if code, _ := ask(t, &http.Client{Timeout: 20 * time.Second}, "http://"+socket.Addr().String(), "", ""); code != http.StatusOK {
		t.Errorf("the one that came after them is answered with %d", code)
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+socket.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Long", strings.Repeat("x", 2*maxHeaderBytes))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("headers of %d bytes are answered with %d", 2*maxHeaderBytes, response.StatusCode)
	}
}

// A web configuration that breaks while the service runs lets nobody in, and
// the log says why without repeating what stands in it.
func TestWebConfigurationThatBreaksLater(t *testing.T) {
	config := webFile(t, "basic_auth_users: {anna: %q}\n", hashed(t, "right"))
	var log lockedBuffer
	s := withListener(t, func(o *Options) {
		o.Web.ConfigFile = config
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	if code, _ := ask(t, http.DefaultClient, s.URL()+"/metrics", "anna", "right"); code != http.StatusOK {
		t.Fatalf("/metrics answers %d", code)
	}
	if err := os.WriteFile(config, []byte("basic_auth_users: CANARY\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _ := ask(t, http.DefaultClient, s.URL()+"/metrics", "anna", "right"); code != http.StatusInternalServerError {
		t.Errorf("/metrics answers %d", code)
	}
	if !strings.Contains(log.String(), "Unable to parse configuration") || strings.Contains(log.String(), "CANARY") {
		t.Errorf("the log says:\n%s", log.String())
	}
}

// lockedBuffer is written to by many.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
