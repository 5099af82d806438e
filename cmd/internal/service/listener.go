package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/kolmo-ml/kolmo/alerts/evidence"
	"github.com/kolmo-ml/kolmo/alerts/runbooks"
	"github.com/kolmo-ml/kolmo/windows"
)

// listener serves metrics, health and the page.
type listener struct {
	net    net.Listener
	server *http.Server
	web    Web
	scheme string
	log    *slog.Logger
}

func newListener(o Options, s *Service) (*listener, error) {
	protection, err := o.Web.check()
	if err != nil {
		return nil, err
	}
	socket, err := listen(o.Listen)
	if err != nil {
		return nil, err
	}
	protection.exposed(socket.Addr(), o.Log)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 8}))
	fine := func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "kolmo is healthy.") }
	ready := func(w http.ResponseWriter, _ *http.Request) {
		if err := s.ready(); err != nil {
			http.Error(w, "kolmo is not ready: "+err.Error()+".", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "kolmo is ready.")
	}
	for _, path := range []string{"GET /-/healthy", "GET /healthz"} {
		mux.HandleFunc(path, fine)
	}
	for _, path := range []string{"GET /-/ready", "GET /readyz"} {
		mux.HandleFunc(path, ready)
	}
	mux.HandleFunc("POST /-/reload", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "this version takes a changed configuration at its next start", http.StatusNotImplemented)
	})
	if o.Web.Pprof {
		profiles(mux)
	}
	howTo, err := runbooks.NewHandler()
	if err != nil {
		return nil, err
	}
	mux.Handle("/runbooks/", howTo)
	mux.Handle("/", evidence.NewHandler(s.history, o.Log, s.waiting,
		evidence.WithArchive(newVerdictArchive(o)), evidence.WithClock(time.Now),
		evidence.WithRequests(newRequestReader(o.Client, o.Inputs, o.Event).read)))
	return &listener{net: socket, server: newServer(mux, o.Log), web: o.Web, scheme: protection.scheme(), log: o.Log}, nil
}

// serve works until the context ends.
func (l *listener) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = l.server.Shutdown(bounded) // what is still open is cut off below
		_ = l.server.Close()
	})
	defer stop()
	if err := web.Serve(l.net, l.server, &web.FlagConfig{WebConfigFile: &l.web.ConfigFile}, unquoted(l.log)); !errors.Is(err, http.ErrServerClosed) {
		l.log.Error("the listener ended", "address", l.net.Addr().String(), "error", withoutValues(err))
	}
}

// waiting tells the page which partition the windows wait for.
func (s *Service) waiting() (evidence.Waiting, bool) {
	w, ok := s.closers.Waiting()
	if !ok {
		return evidence.Waiting{}, false
	}
	shown := evidence.Waiting{Partition: w.Topic + "/" + w.Partition, Behind: w.Behind, Held: w.Held, Since: w.Since}
	if w.Watermark != windows.Unset {
		watermark := w.Watermark.Time()
		shown.Watermark = &watermark
	}
	return shown, true
}

// buildInfo is the metric that names the version.
func buildInfo(version, commit string) prometheus.Collector {
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "kolmo_build_info", Help: "1, with the version and the commit as labels."}, []string{"version", "commit"})
	gauge.WithLabelValues(version, commit).Set(1)
	return gauge
}

// instanceName names this process in headers and logs.
func instanceName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// quiet lets the Kafka client's warnings and errors through; its informational
// lines are of its own inner life.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(&warningsOnly{log.Handler()}) }

type warningsOnly struct{ slog.Handler }

// Handle implements slog.Handler. Of a batch that is too large to unpack the
// consumer speaks itself, not once for each: it has gone on behind it.
func (h *warningsOnly) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "batch decompresses larger than") {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// Enabled implements slog.Handler.
func (h *warningsOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
