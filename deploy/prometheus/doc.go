// Package prometheus makes the rules that are shipped for Prometheus: those that
// watch kolmo itself, which everybody should load, and those that alert on models
// from metrics, for who would rather not be told by kolmo itself.
//
// The files beside it are what it makes for addresses on this machine; kolmo rules
// prints them for others.
package prometheus
