// Package alertmanager tells every configured Alertmanager which alerts stand, as
// Prometheus' own notifier does: through API v2, each Alertmanager with a queue of
// its own, again and again until an alert is resolved and for a while after that.
//
// Nothing waits for an Alertmanager: what has no room in its queue is dropped and
// counted, and comes again with the next time everything is told.
package alertmanager
