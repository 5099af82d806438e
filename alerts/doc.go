// Package alerts decides what people are told: it closes windows, one model
// version after the other, holds verdicts against a policy over several
// windows, and keeps each alert's life from firing to resolved.
//
// It is pure, like the windows it stands on. What goes out, and how, is the
// business of the packages below it.
package alerts
