package evidence

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/windows/drift"
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
	again     *rereader
	now       func() time.Time // nil: nobody knows
	requests  ReadRequests     // nil: nobody can read them
	drawing   chan struct{}    // holds one for each picture that is drawn
}

// An Option is what a handler may have beside a history.
type Option func(*server)

// WithArchive lets the pages read records again that the history does not hold.
// Without one, the verdicts of such windows are shown as far as their strips.
func WithArchive(a Archive) Option { return func(s *server) { s.again = newRereader(a) } }

// WithClock lets the start page say that windows close too late.
func WithClock(now func() time.Time) Option { return func(s *server) { s.now = now } }

// NewHandler serves a history:
//
//	GET /                 all model versions, the worst first
//	GET /model            one model version (see alerts.ModelPath); &days= chooses how many the strips show, &list= a page of the list of windows
//	GET /feature          one feature in one window (see alerts.FeaturePath); &days= as above
//	GET /plot.png         the picture of one feature in one window (see alerts.PlotPath)
//	GET /requests         a few requests of one window, where they can be read (see WithRequests)
//	GET /style.css, /icon.svg
//	GET /api/v1/models    the model versions as JSON
//	GET /api/v1/verdicts  verdicts of ?model=&version=&segment=, the records as they came, newest first; &window= for one,
//	                      &limit= how many (48), &before= only windows that start before then
//	GET /api/v1/alerts    alerts, all or of ?model=&version=&segment=, every transition, newest first
//
// It answers what it does not know with 404 and a page that says so; with 503
// where the verdicts are still being read and it may yet be among them; and what
// it knows to be in no topic any more with 410. It holds no lock while it renders.
// log gets what goes wrong in rendering.
//
// waiting tells which partition the windows wait for, if they do; the start page
// and the models as JSON say so. nil: nobody knows.
func NewHandler(h *History, log *slog.Logger, waiting func() (Waiting, bool), options ...Option) http.Handler {
	if waiting == nil {
		waiting = func() (Waiting, bool) { return Waiting{}, false }
	}
	s := &server{history: h, log: log, waiting: waiting, again: newRereader(nil), drawing: make(chan struct{}, mostPictures), templates: template.Must(template.New("").Funcs(template.FuncMap{
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
	unread := s.history.unread()
	v, ok := s.history.one(id)
	if !ok {
		unknown := version{id: id}
		if unread != nil {
			s.unready(w, r, "Still being read", fmt.Sprintf("Verdicts are still being read, the newest first: %s. Nothing of %s has been among them yet; load this page again in a moment.", unread.words(), unknown.title()))
			return version{}, nil, false
		}
		s.missing(w, r, fmt.Sprintf("Nothing is kept of %s: it has sent no events that made a window, or it was pushed out by versions that were heard of more recently.", unknown.title()))
		return version{}, nil, false
	}
	if start.IsZero() {
		return v, v.last(), true
	}
	at, ok := v.at(start)
	if ok {
		return v, v.windows[at], true
	}
	if unread != nil {
		s.unready(w, r, "Still being read", fmt.Sprintf("Verdicts are still being read, the newest first: %s. That of %s for the window that starts at %s UTC has not been among them yet; load this page again in a moment.", unread.words(), v.title(), clock(start)))
		return version{}, nil, false
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

// unready answers that a page cannot be shown now, and may soon.
func (s *server) unready(w http.ResponseWriter, r *http.Request, title, why string) {
	w.Header().Set("Retry-After", "5")
	s.render(w, r, http.StatusServiceUnavailable, "missing.html", missingPage{Title: title, Why: why})
}

// record is the whole record of a window, at hand or read again.
func (s *server) record(ctx context.Context, w *window) ([]byte, error) {
	if value, ok := s.history.record(w); ok {
		return value, nil
	}
	return s.again.read(ctx, w.place)
}

// decoded is the whole verdict of a window. What stands at its place may be
// something else, where the topic was made anew.
func (s *server) decoded(ctx context.Context, v *version, w *window) (*drift.Verdict, error) {
	record, err := s.record(ctx, w)
	if err != nil {
		return nil, err
	}
	verdict, err := decodeVerdict(record)
	if err != nil {
		return nil, err
	}
	if (alerts.Version{Model: verdict.Model, Version: verdict.Version, Segment: verdict.Segment}) != v.id || !verdict.Window.Start.Equal(w.start) {
		return nil, ErrGone
	}
	return verdict, nil
}

// verdict is decoded for a page that has nothing to show without it. Where it
// answers false, it has answered the request.
func (s *server) verdict(w http.ResponseWriter, r *http.Request, v *version, of *window) (*drift.Verdict, bool) {
	verdict, err := s.decoded(r.Context(), v, of)
	switch {
	case err == nil:
		return verdict, true
	case errors.Is(err, ErrGone):
		s.render(w, r, http.StatusGone, "missing.html", missingPage{
			Title: "Verdict gone", Why: s.unreadable(v, of, err), Link: alerts.ModelPath(v.id, of.start), LinkTitle: v.title() + ", " + span(of.start, of.end),
		})
	default:
		s.unready(w, r, "Verdict not at hand", s.unreadable(v, of, err))
	}
	return nil, false
}

// unreadable says why a verdict cannot be shown.
func (s *server) unreadable(v *version, w *window, err error) string {
	if errors.Is(err, ErrGone) {
		return fmt.Sprintf("The verdicts topic does not hold the verdict of %s for %s any more; what its strips show is all that is left of it here.", v.title(), span(w.start, w.end))
	}
	s.log.Warn("a verdict could not be read again for the page", "model", v.id.Model, "version", v.id.Version, "segment", v.id.Segment,
		"window", w.start, "partition", w.place.Partition, "offset", w.place.Offset, "error", err)
	return fmt.Sprintf("The verdict of %s for %s could not be read from the verdicts topic just now; kolmo's log says why. Load this page again in a moment.", v.title(), span(w.start, w.end))
}
