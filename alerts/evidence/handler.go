package evidence

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
)

// policy is the Content-Security-Policy of every answer: nothing but our own
// style sheet and icon.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed pages
var pages embed.FS

// A server renders a history.
type server struct {
	history   *History
	log       *slog.Logger
	templates *template.Template
	waiting   func() (Waiting, bool)
	requests  ReadRequests  // nil: nobody can read them
	drawing   chan struct{} // holds one for each picture that is drawn
}

// An Option adds to what a handler serves.
type Option func(*server)

// NewHandler serves a history:
//
//	GET /                 all model versions, the worst first
//	GET /model            one model version (see alerts.ModelPath)
//	GET /feature          one feature in one window (see alerts.FeaturePath)
//	GET /plot.png         the picture of one feature in one window (see alerts.PlotPath)
//	GET /requests         a few requests of one window, where they can be read (see WithRequests)
//	GET /style.css, /icon.svg
//	GET /api/v1/models    the model versions as JSON
//	GET /api/v1/verdicts  verdicts of ?model=&version=&segment=, the records as they came, newest first; &window= for one
//	GET /api/v1/alerts    alerts, all or of ?model=&version=&segment=, every transition, newest first
//
// It answers what it does not know with 404 and a page that says so. It holds
// no lock while it renders. log gets what goes wrong in rendering.
//
// waiting tells which partition the windows wait for, if they do; the start page
// and the models as JSON say so. nil: nobody knows.
func NewHandler(h *History, log *slog.Logger, waiting func() (Waiting, bool), options ...Option) http.Handler {
	if waiting == nil {
		waiting = func() (Waiting, bool) { return Waiting{}, false }
	}
	s := &server{history: h, log: log, waiting: waiting, drawing: make(chan struct{}, mostPictures), templates: template.Must(template.New("").Funcs(template.FuncMap{
		"visible":     visible,
		"plural":      plural,
		"next":        func(n int) int { return n + 1 },
		"versionWord": versionWord,
		"digits":      func(n uint64) string { return count(n) },
	}).ParseFS(pages, "pages/*.html"))}
	for _, option := range options {
		option(s)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.overview)
	mux.HandleFunc("GET /model", s.model)
	mux.HandleFunc("GET /feature", s.feature)
	mux.HandleFunc("GET /plot.png", s.plotPicture)
	mux.HandleFunc("GET /requests", s.requestsOf)
	mux.HandleFunc("GET /style.css", s.file("pages/style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /icon.svg", s.file("pages/icon.svg", "image/svg+xml"))
	mux.HandleFunc("GET /api/v1/models", s.apiModels)
	mux.HandleFunc("GET /api/v1/verdicts", s.apiVerdicts)
	mux.HandleFunc("GET /api/v1/alerts", s.apiAlerts)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s.missing(w, r, "There is no page at this address.")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// file serves an embedded file.
func (s *server) file(path, contentType string) http.HandlerFunc {
	data, err := pages.ReadFile(path)
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			s.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "max-age=300")
		s.write(w, r, http.StatusOK, data)
	}
}

// render writes a page, whole or not at all.
func (s *server) render(w http.ResponseWriter, r *http.Request, code int, name string, page any) {
	var b bytes.Buffer
	if err := s.templates.ExecuteTemplate(&b, name, page); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	s.write(w, r, code, b.Bytes())
}

func (s *server) write(w http.ResponseWriter, r *http.Request, code int, data []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	w.WriteHeader(code)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(data); err != nil {
		s.log.Debug("the reader of a page went away", "path", r.URL.Path, "error", err)
	}
}

// fail answers that the page could not be made, and logs why.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.log.Error("rendering a page of evidence", "path", r.URL.Path, "error", err)
	http.Error(w, "This page could not be rendered; kolmo's log says why.", http.StatusInternalServerError)
}

// missingPage says what is not there.
type missingPage struct {
	Title, Why       string
	Link, LinkTitle  string // to the model, where it is known
	Windows          int    // kept of it, from Earliest to Latest
	Earliest, Latest string
}

func (s *server) missing(w http.ResponseWriter, r *http.Request, why string) {
	s.render(w, r, http.StatusNotFound, "missing.html", missingPage{Title: "Not found", Why: why})
}

// find reads which version and window a request is about: the newest window
// where it names none, and nil where the version has none. Where it answers
// false, it has answered the request.
func (s *server) find(w http.ResponseWriter, r *http.Request) (version, *window, bool) {
	q := r.URL.Query()
	id := alerts.Version{Model: q.Get("name"), Version: q.Get("version"), Segment: q.Get("segment")}
	start, err := windowOf(r)
	if err != nil {
		s.render(w, r, http.StatusBadRequest, "missing.html", missingPage{Title: "Not a window", Why: err.Error() + "."})
		return version{}, nil, false
	}
	v, ok := s.history.one(id)
	if !ok {
		unknown := version{id: id}
		s.missing(w, r, fmt.Sprintf("Nothing is kept of %s: it has sent no events that made a window, or it was pushed out by versions that were heard of more recently.", unknown.title()))
		return version{}, nil, false
	}
	if start.IsZero() {
		return v, v.last(), true
	}
	for _, kept := range v.windows {
		if kept.start.Equal(start) {
			return v, kept, true
		}
	}
	page := missingPage{
		Title: "Window not kept", Link: alerts.ModelPath(id, time.Time{}), LinkTitle: v.title(), Windows: len(v.windows),
		Why: fmt.Sprintf("No verdict is kept of %s for the window that starts at %s UTC.", v.title(), clock(start)),
	}
	if len(v.windows) > 0 {
		page.Earliest, page.Latest = clock(v.windows[0].start), clock(v.last().end)
	}
	s.render(w, r, http.StatusNotFound, "missing.html", page)
	return version{}, nil, false
}
