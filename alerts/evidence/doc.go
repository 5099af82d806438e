// Package evidence is the page that shows why something fired: a bounded
// history of verdicts and alerts, and an http.Handler that renders it.
//
// Pages are rendered on the server, with inline SVG and one style sheet. They
// run no script and load nothing from elsewhere; the Content-Security-Policy
// says so. Links are relative, so the handler may stand behind any prefix.
package evidence
