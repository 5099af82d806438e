package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/net/netutil"
)

// Web says who may use the listener, and what it has beside metrics, health
// and the page.
type Web struct {
	// ConfigFile is a web configuration of the Prometheus exporter toolkit; empty:
	// plain HTTP, and nobody is asked who they are.
	ConfigFile string
	Pprof      bool // serve Go's profiles under /debug/pprof/
}

// What clients can hold. A scraper, a few probes and a few people at the page
// need a handful of connections; one that is silent or slow gives its back when
// its time is up, so those that wait for one are served then.
const (
	maxConnections    = 256
	maxHeaderBytes    = 32 << 10
	readHeaderTimeout = 10 * time.Second // a TLS handshake too
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute // the profile of 30 s that pprof takes unless told otherwise fits
	idleTimeout       = time.Minute
)

// newServer is the HTTP server of a listener, with the bounds above.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: closed(handler), MaxHeaderBytes: maxHeaderBytes,
		// What clients do wrong is no trouble of ours.
		ErrorLog:          slog.NewLogLogger(unquoted(log).Handler(), slog.LevelDebug),
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
}

// closed sets what keeps a browser from making more of an answer than it is.
// The page sets the policy that its style sheet needs.
func closed(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		handler.ServeHTTP(w, r)
	})
}

// listen opens the listener's socket.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w: choose another address with listen in the configuration", address, err)
	}
	return netutil.LimitListener(l, maxConnections), nil
}

// profiles adds Go's profiles.
func profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	// Not cmdline: how the process was started is nobody's business here.
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
}

// protection is what a web configuration asks of clients.
type protection struct {
	TLS   map[string]any `yaml:"tls_server_config"`
	Users map[string]any `yaml:"basic_auth_users"`
}

// check reads the web configuration as the server will, and says what is wrong
// with it before anything runs.
func (w Web) check() (protection, error) {
	var p protection
	if w.ConfigFile == "" {
		return p, nil
	}
	content, err := os.ReadFile(w.ConfigFile)
	if err != nil {
		return p, fmt.Errorf("web.config_file: %w: let kolmo's user read it, or mend the name", err)
	}
	if err := web.Validate(w.ConfigFile); err != nil {
		if strings.Contains(err.Error(), "bcrypt") {
			// The toolkit's own words quote what may be a password.
			err = errors.New("a password of basic_auth_users is not a bcrypt hash, as `htpasswd -nB NAME` makes one")
		}
		return p, fmt.Errorf("web.config_file %s cannot be used: %s: mend that file", w.ConfigFile, withoutValues(err))
	}
	if err := yaml.Unmarshal(content, &p); err != nil {
		return p, fmt.Errorf("web.config_file %s cannot be used: it is no YAML: mend that file", w.ConfigFile)
	}
	return p, nil
}

func (p protection) scheme() string {
	if len(p.TLS) > 0 {
		return "https"
	}
	return "http"
}

// exposed says, once, what an address that others reach leaves open.
func (p protection) exposed(address net.Addr, log *slog.Logger) {
	tcp, ok := address.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() || len(p.TLS) > 0 || len(p.Users) > 0 {
		return
	}
	log.Warn("the listener is open to everyone who reaches it, with neither TLS nor users: listen on 127.0.0.1, or set web.config_file", "address", address.String())
}

// quoted is a value that a message about YAML repeats.
var quoted = regexp.MustCompile("(?s)`[^`]*`|\"(?:[^\"\\\\]|\\\\.)*\"")

// withoutValues is an error's text without what it quotes from a file: the
// place of a mistake is enough to mend it, and the value may be a secret.
func withoutValues(err error) string {
	return strings.Join(strings.Fields(quoted.ReplaceAllString(err.Error(), "a value")), " ")
}

// unquoted is the log of those who read the web configuration while the server
// runs: warnings and errors, without what they quote from the file.
func unquoted(log *slog.Logger) *slog.Logger { return slog.New(&quotesNothing{quiet(log).Handler()}) }

type quotesNothing struct{ slog.Handler }

// Handle implements slog.Handler.
func (h *quotesNothing) Handle(ctx context.Context, r slog.Record) error {
	without := slog.NewRecord(r.Time, r.Level, withoutValues(errors.New(r.Message)), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" {
			a.Value = slog.StringValue(withoutValues(errors.New(a.Value.String())))
		}
		without.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, without)
}
