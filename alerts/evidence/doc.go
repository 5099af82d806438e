// Package evidence is the page that shows why something fired: a bounded
// history of verdicts and alerts, and an http.Handler that renders it.
//
// Pages are rendered on the server, with inline SVG and one style sheet. They
// run no script and load nothing from elsewhere; the Content-Security-Policy
// says so. Links are relative, so the handler may stand behind any prefix.
//
// A feature's page shows both distributions, as functions and as histograms, how
// far each quantile moved, the numbers of the test in words, what was missing over
// time, and what else changed in the window. The events that a verdict names are
// read from Kafka when somebody asks for them; what is read is bounded, and so is
// how long it takes. For a chat there is the same as a picture, drawn on request.
package evidence
