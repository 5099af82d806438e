package runbooks

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// policy is the Content-Security-Policy of the pages: the style sheet and the icon
// of the page of evidence, beside which they are served, and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const layout = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>{{.Title}} · kolmo</title>
<link rel="stylesheet" href="../style.css" />
<link rel="icon" type="image/svg+xml" href="../icon.svg" />
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="site"><a href="../">kolmo</a> <span>what drifted, and why</span></header>
<main id="content" class="runbook">
{{if .Names}}<h1>Runbooks</h1>
<p class="lead">One for each alert. Each begins with how to tell in two minutes whether it is real.</p>
<dl>
{{range .Names}}<dt><a href="{{.Name}}">{{.Name}}</a></dt><dd>{{.Lead}}</dd>
{{end}}</dl>
{{else}}<nav aria-label="Where this is"><a href="./">Runbooks</a> <span aria-hidden="true">/</span></nav>
{{.Body}}{{end}}</main>
</body>
</html>
`

type page struct {
	Title string
	Body  template.HTML // of our own texts
	Names []listed
}

type listed struct{ Name, Lead string }

// NewHandler serves the runbooks as pages, at the path that alerts.RunbookPath names
// below the root: /runbooks/ lists them, /runbooks/KolmoBehind is one of them. The
// style sheet is that of the page, one level up.
func NewHandler() (http.Handler, error) {
	layout, err := template.New("").Parse(layout)
	if err != nil {
		return nil, fmt.Errorf("reading the layout of runbooks: %w", err)
	}
	render := func(p page) ([]byte, error) {
		var b bytes.Buffer
		if err := layout.Execute(&b, p); err != nil {
			return nil, fmt.Errorf("writing the page %q: %w", p.Title, err)
		}
		return b.Bytes(), nil
	}
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table))
	pages := make(map[string][]byte)
	list := page{Title: "Runbooks"}
	for _, name := range Names() {
		text, err := Text(name)
		if err != nil {
			return nil, err
		}
		var body bytes.Buffer
		if err := markdown.Convert([]byte(text), &body); err != nil {
			return nil, fmt.Errorf("reading the runbook of %s as Markdown: %w", name, err)
		}
		if pages[name], err = render(page{Title: name, Body: template.HTML(body.String())}); err != nil { //nolint:gosec // our own text
			return nil, err
		}
		list.Names = append(list.Names, listed{name, lead(text)})
	}
	if pages[""], err = render(list); err != nil {
		return nil, err
	}
	missing, err := render(page{Title: "Not found", Body: "<h1>Not found</h1>\n<p>There is no runbook of that name. <a href=\"./\">These are there.</a></p>\n"})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			header.Set("Allow", "GET, HEAD")
			http.Error(w, "runbooks are read", http.StatusMethodNotAllowed)
			return
		}
		code := http.StatusOK
		body, found := pages[strings.TrimPrefix(r.URL.Path, "/runbooks/")]
		if !found {
			code, body = http.StatusNotFound, missing
		}
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(code)
		if r.Method == http.MethodGet {
			_, _ = w.Write(body) // the reader may have gone away
		}
	}), nil
}
